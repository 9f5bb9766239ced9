"""Running an example for real: a process with a time limit, and all that it printed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from catalogue import Script

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # the newer one prints its boxes even where it is asked to be silent
    "NO_COLOR": "1",
    "COLUMNS": "96",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a command printed, its exit code (None: stopped at the time limit), and how long it took."""

    stdout: str
    stderr: str
    code: int | None
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True, slots=True)
class Fixes:
    """What one `fixpickle apply` says it did: the file name of each fix made, each one proved, each finding left."""

    made: tuple[str, ...]
    proved: tuple[str, ...]
    left: tuple[str, ...]


def run(arguments: Sequence[str], folder: Path, limit: float, start: str = "") -> Run:
    """Run Python with these arguments in `folder`, for at most `limit` seconds.

    `start` is the start method that is to be the default, as it may be on another platform or a later release.
    """
    started = time.monotonic()
    # Files, not pipes: a Ray daemon or pool worker that outlives the script would hold a pipe open.
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT, **_defaults(start)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        return Run(_text(stdout), _text(stderr), code, time.monotonic() - started)


def _defaults(start: str) -> dict[str, str]:
    if not start:
        return {}
    found = os.environ.get("PYTHONPATH")
    home = str(Path(__file__).parent / "start_method")
    return {"START_METHOD": start, "PYTHONPATH": os.pathsep.join([home, found] if found else [home])}


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def run_script(script: Script, folder: Path, limit: float, start: str = "") -> Run:
    """Run the script's commands in order and stop at the first that fails. The output is all of theirs.

    They run under `start`, and without it under the start method that the script is to fail with.
    """
    runs: list[Run] = []
    for command in script.commands:
        runs.append(run(command, folder, limit, start or script.start))
        if runs[-1].code != 0:
            break
    return Run(
        stdout="".join(r.stdout for r in runs),
        stderr="".join(r.stderr for r in runs),
        code=runs[-1].code,
        seconds=sum(r.seconds for r in runs),
    )


def fails(script: Script, outcome: Run) -> bool:
    """Whether the script failed, and with the symptom it is here to show."""
    return outcome.code not in (0, None) and script.symptom in outcome.output


def works(script: Script, outcome: Run) -> bool:
    """Whether the script ended well, with its right result."""
    return outcome.code == script.code and script.result in outcome.output


def fix(paths: Sequence[Path], folder: Path, limit: float, *options: str) -> Run:
    """Run `fixpickle apply` on `paths`, with this interpreter for the proofs."""
    # --exit-zero: what is left is told by the report.
    command = ("-m", "fixpickle", "apply", "--exit-zero", "--python", sys.executable, *options, *map(str, paths))
    return run(command, folder, limit)


def read_report(outcome: Run) -> Fixes:
    """What `fixpickle apply --output-format json` printed. Raises `json.JSONDecodeError` where that is no report."""
    report = json.loads(outcome.stdout)
    fixed = [(Path(item["path"]).name, item["verdict"]["kind"]) for item in report["fixed"]]
    return Fixes(
        made=tuple(name for name, _ in fixed),
        proved=tuple(name for name, verdict in fixed if verdict == "proved"),
        left=tuple(Path(item["path"]).name for item in report["left"]),
    )
