"""Start a child of the proof, watch it, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import site
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROBE = Path(__file__).with_name("probe.py")

_TICK = 0.02
_TAIL = 2000
# Other PYTHON* variables change what is proved (PYTHONOPTIMIZE), or stop it (PYTHONINSPECT, PYTHONWARNINGS=error).
_KEPT = frozenset({"PYTHONPATH", "PYTHONHASHSEED", "PYTHONNOUSERSITE", "PYTHONUTF8", "PYTHONIOENCODING"})


@dataclass(frozen=True, slots=True)
class Finished:
    """The child ended by itself, with exit status 0."""


@dataclass(frozen=True, slots=True)
class Died:
    """The child ended some other way. `reason` reads after "the interpreter"; `said` is the end of its stderr."""

    reason: str
    said: str


@dataclass(frozen=True, slots=True)
class Hung:
    """The child made no progress for the time limit, in seconds, and was killed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Unstartable:
    """There is no such interpreter, or the system will not run it."""

    reason: str


Ending = Finished | Died | Hung | Unstartable


def launch(python: Path, mode: str, tasks: Path, answers: Path, seconds: float) -> Ending:
    """Run the probe over the file `tasks` until it ends, or until `answers` has not grown for `seconds`.

    The child and everything it started is gone on return, however that comes about. The directory of `tasks` is where
    it works, keeps its temporary files and has its home.
    """
    scratch = tasks.parent
    command = [str(python), "-B", str(PROBE), mode, str(tasks), str(answers)]
    said = scratch / "stderr"
    with (scratch / "stdout").open("wb") as out, said.open("wb") as err:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=scratch,
                env=_environment(scratch),
                start_new_session=True,
            )
        except OSError as error:
            return Unstartable(f"{python} cannot be started: {error.strerror or error}")
        try:
            status = _watch(child, answers, seconds)
        finally:
            _kill(child)
    if status is None:
        return Hung(seconds)
    return Finished() if status == 0 else Died(_ended(status), _tail(said))


def _watch(child: subprocess.Popen[bytes], answers: Path, seconds: float) -> int | None:
    """The exit status, or None once the answers have stood still for too long."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < seconds:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(_TICK)
        grown = answers.stat().st_size if answers.exists() else 0
        if grown != size:
            size, since = grown, time.monotonic()
    return None


def _kill(child: subprocess.Popen[bytes]) -> None:
    # Also after a normal end: what user code forked lives on in the group.
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def _environment(scratch: Path) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "__PYVENV")) or k in _KEPT}
    if "PYTHONPATH" in env:  # relative entries mean the directory we were started in
        env["PYTHONPATH"] = os.pathsep.join(str(Path(p).absolute()) for p in env["PYTHONPATH"].split(os.pathsep) if p)
    # The user's own site directory hangs on HOME, which is another one here.
    env["PYTHONUSERBASE"] = os.environ.get("PYTHONUSERBASE") or site.getuserbase()
    temporary = str(scratch)
    return env | {
        "HOME": temporary,
        "USERPROFILE": temporary,
        "TMPDIR": temporary,
        "TMP": temporary,
        "TEMP": temporary,
        "PYTHONDONTWRITEBYTECODE": "1",
        "FIXPICKLE_PROOF": "1",
    }


def _ended(status: int) -> str:
    if status > 0:
        return f"ended with exit status {status}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-status).name}"
    return f"was killed by signal {-status}"


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode("utf-8", "replace").strip()
