"""Running an example for real: a process with a time limit, and all that it printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue import Script

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "NO_COLOR": "1",
    "COLUMNS": "96",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a command printed (both streams), its exit code (None: stopped at the time limit), and its seconds."""

    output: str
    code: int | None
    seconds: float


def run(arguments: Sequence[str], folder: Path, limit: float) -> Run:
    """Run Python with these arguments in `folder`, for at most `limit` seconds."""
    started = time.monotonic()
    # A file, not a pipe: a Ray daemon or pool worker that outlives the script would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Run(text, code, time.monotonic() - started)


def run_script(script: Script, folder: Path, limit: float) -> Run:
    """Run the script's commands in order and stop at the first that fails. The output is all of theirs."""
    runs: list[Run] = []
    for command in script.commands:
        runs.append(run(command, folder, limit))
        if runs[-1].code != 0:
            break
    return Run("".join(r.output for r in runs), runs[-1].code, sum(r.seconds for r in runs))


def fails(script: Script, outcome: Run) -> bool:
    """Whether the script failed, and with the symptom it is here to show."""
    return outcome.code not in (0, None) and script.symptom in outcome.output


def works(script: Script, outcome: Run) -> bool:
    """Whether the script ended well, with its right result."""
    return outcome.code == 0 and script.result in outcome.output
