"""Run a program as it is, with the recorder in each of its Python processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixpickle.model import Refusal
from fixpickle.trace.merge import Ended, merged
from fixpickle.trace.record import Record

HOOK = Path(__file__).with_name("hook")

TIMED_OUT = 124
"""The exit code of a program that was ended by the time limit, as `timeout` of GNU coreutils has it."""

_PATIENCE = 5.0  # seconds that a program has to end by itself after it was asked to


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `seconds` is the limit, None for no limit; `allocations` asks where every object was made."""

    command: tuple[str, ...]
    seconds: float | None = None
    allocations: bool = False


def needs_python(words: Sequence[str]) -> bool:
    """Whether the words name a script, or -m and a module, and no program."""
    return words[0] in ("-m", "-c") or words[0].endswith(".py")


def command_of(words: Sequence[str], python: Path) -> tuple[str, ...]:
    """The command as it is run: a script, or -m and a module, by the interpreter `python`."""
    return (str(python), *words) if needs_python(words) else tuple(words)


def unrecorded(command: Sequence[str]) -> str:
    """The option of the interpreter that keeps the recorder out of the program's first process, or ""."""
    if "python" not in Path(command[0]).name:
        return ""
    for word in command[1:]:
        if not word.startswith("-") or word in ("-m", "-c", "-"):
            return ""
        if not word.startswith("--") and (letters := set(word[1:]) & set("IES")):
            return f"-{min(letters)}"
    return ""


def trace(program: Program, where: Path | None = None) -> Record | Refusal:
    """Run it to its end, in this folder or that of `where`, and give what was recorded.

    Refused where it cannot be started. A KeyboardInterrupt ends the program, and what it did until then is the record.
    """
    with tempfile.TemporaryDirectory(prefix="fixpickle-trace-", ignore_cleanup_errors=True) as folder:
        started = time.monotonic()
        # Only a group of its own can be ended as a whole, but a terminal's input goes to one group only.
        apart = program.seconds is not None and hasattr(os, "killpg")
        try:
            child = subprocess.Popen(
                program.command,
                cwd=where,
                env=_environment(os.environ, folder, program.allocations),
                start_new_session=apart,
            )
        except OSError as error:
            return Refusal(Path(program.command[0]), f"cannot be started: {error.strerror or error}")
        code = _waited(child, program.seconds, apart)
        ended = Ended(
            command=program.command,
            folder=str(where or Path.cwd()),
            exit=TIMED_OUT if code is None else code if code >= 0 else 128 - code,
            seconds=time.monotonic() - started,
            timed_out=code is None,
            limit=program.seconds,
        )
        return merged(Path(folder), ended)


def _environment(environ: Mapping[str, str], folder: str, allocations: bool) -> dict[str, str]:
    others = environ.get("PYTHONPATH")
    added = {"PYTHONPATH": os.pathsep.join(filter(None, [str(HOOK), others])), "FIXPICKLE_TRACE": folder}
    return {**environ, **added, **({"FIXPICKLE_TRACE_ALLOCATIONS": "1"} if allocations else {})}


def _waited(child: subprocess.Popen[bytes], seconds: float | None, apart: bool) -> int | None:
    """The exit code, negative for a signal; None where the time was over."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(child, signal.SIGTERM, apart)
        return None
    except KeyboardInterrupt:
        # In our group the terminal has told the program too.
        return _end(child, signal.SIGINT if apart else None, apart)
    finally:
        if apart:  # what it started and left behind
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes], number: int | None, apart: bool) -> int:
    """Ask the program to end, and wait; where it does not, or the person is impatient, kill it."""
    try:
        if number is not None:
            _send(child, number, apart)
        return child.wait(_PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _send(child, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM, apart)
        return child.wait()


def _send(child: subprocess.Popen[bytes], number: int, apart: bool) -> None:
    with contextlib.suppress(OSError):
        if apart:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
