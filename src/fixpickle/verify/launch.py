"""Start a child of the proof, put requests to it, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import site
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixpickle.verify.family import kill_all, members

PROBE = Path(__file__).with_name("probe.py")

_TICK = 0.01  # seconds between two looks where the system does not say that there is something to see
_COUNT = 0.25  # seconds between two looks at how many processes there are: each look reads all of /proc
_TAIL = 2000
_OUTPUT = 64 << 20  # bytes of stdout and stderr together
_ANSWERS = 64 << 20  # bytes of answers to one request
# Other PYTHON* variables change what is proved (PYTHONOPTIMIZE), or stop it (PYTHONINSPECT, PYTHONWARNINGS=error).
_KEPT = frozenset({"PYTHONPATH", "PYTHONHASHSEED", "PYTHONNOUSERSITE", "PYTHONUTF8", "PYTHONIOENCODING"})

Line = dict[str, Any]
"""One line of an answer: JSON."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: seconds without progress, megabytes of address space, processes, and the network."""

    seconds: float
    megabytes: int
    processes: int = 256
    network: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The request was worked off, and the child waits for another one."""


@dataclass(frozen=True, slots=True)
class Died:
    """The child ended. `reason` reads after "the interpreter"; `said` is the end of its stderr."""

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


Ending = Answered | Died | Hung | Unstartable


class Child:
    """One interpreter that runs the probe. `folder` is where it works, keeps its temporary files and has its home."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, limits: Limits, mark: str, bell: Bell) -> None:
        self.folder = folder
        self.requests = 0
        self._process, self._limits, self._mark, self._bell = process, limits, mark, bell

    def ask(
        self, request: Mapping[str, object], heard: Callable[[int], None] = lambda _: None
    ) -> tuple[Ending, list[Line]]:
        """Puts a request and waits for its end, or until the answers have not grown for the time limit.

        `heard` is told of how many tasks more there is an answer. Whatever ends otherwise than Answered leaves nothing
        of the child behind.
        """
        number, self.requests = self.requests, self.requests + 1
        question, answers = self.folder / f"{number}.json", self.folder / f"{number}.jsonl"
        draft = question.with_suffix(".draft")
        try:
            draft.write_text(json.dumps(request), encoding="utf-8")
            draft.replace(question)
            self._bell.knock()
            ending = self._watch(answers, heard)
        except BaseException:
            self.close()
            raise
        if not isinstance(ending, Answered):
            self.close()
        return ending, lines(answers)

    def close(self) -> None:
        """Ends the child and everything that it started and that can be found."""
        self.kill()
        kill_all(self._mark)

    def kill(self) -> None:
        """Ends the child and its process group, also after a normal end: what user code forked lives on in it."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        self._bell.close()

    def _watch(self, answers: Path, heard: Callable[[int], None]) -> Ending:
        size, since, counted = 0, time.monotonic(), time.monotonic()
        while time.monotonic() - since < self._limits.seconds:
            status = self._process.poll()
            grown = _size(answers)
            if status is not None:
                return Died(_ended(status), _tail(self.folder / "stderr"))
            if grown != size:
                heard(_finished(answers, size))
                size, since = grown, time.monotonic()
                if _is_done(answers, grown):
                    # A child that met the limit of its files may have gone on before anybody counted.
                    flood = self._flood(grown)
                    return Died(flood, "") if flood else Answered()
            if time.monotonic() - counted > _COUNT:
                counted = time.monotonic()
                if wrong := self._excess(grown):
                    return Died(wrong, "")
            self._bell.wait(min(_COUNT, since + self._limits.seconds - time.monotonic()))
        return Hung(self._limits.seconds)

    def _excess(self, answered: int) -> str:
        """What the child has too much of, after "the interpreter"; empty where it keeps within its limits."""
        if flood := self._flood(answered):
            return flood
        count = len(members(self._mark))
        if count > self._limits.processes:
            return f"was killed for starting more than {self._limits.processes} processes"
        return ""

    def _flood(self, answered: int) -> str:
        written = sum((self.folder / name).stat().st_size for name in ("stdout", "stderr"))
        too_much = written > _OUTPUT or answered > _ANSWERS
        return f"was killed for writing more than {_OUTPUT >> 20} MB of output" if too_much else ""


class Bell:
    """Rings when a child has worked off a request, by a pipe in its folder, and when it has ended. Knocks at its door.

    Where the system has no such thing, or user code took it away, a wait is over when its time is, and the child looks
    for requests by itself.
    """

    def __init__(self, folder: Path) -> None:
        self._open: list[int] = []
        self._knocker = -1
        self._tick = _TICK
        with contextlib.suppress(OSError, AttributeError):
            # Open both ways: what reads would be at its end for ever where each of the others that write has closed it.
            self._knocker = _pipe(folder / "knocker")
            self._open.append(_pipe(folder / "bell"))

    def watch(self, pid: int) -> None:
        """Rings when this process ends, too."""
        with contextlib.suppress(OSError, AttributeError):
            if self._open:
                self._open.append(os.pidfd_open(pid))
                self._tick = _COUNT

    def knock(self) -> None:
        """Wakes the child."""
        with contextlib.suppress(OSError):
            if self._knocker >= 0:
                os.write(self._knocker, b".")

    def wait(self, seconds: float) -> None:
        """Waits until it rings, and for so many seconds at most."""
        seconds = max(0.0, min(seconds, self._tick))
        if not self._open:
            time.sleep(seconds)
        elif self._open[0] in select.select(self._open, [], [], seconds)[0]:
            os.read(self._open[0], 1 << 16)

    def close(self) -> None:
        if self._knocker >= 0:
            os.close(self._knocker)
            self._knocker = -1
        while self._open:
            os.close(self._open.pop())


def _pipe(path: Path) -> int:
    os.mkfifo(path)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


def start(python: Path, mode: str, folder: Path, limits: Limits, mark: str) -> Child | Unstartable:
    """A child that waits for its first request. `mark` is in the environment of all that it will start."""
    folder.mkdir(exist_ok=True)
    bell = Bell(folder)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        try:
            process = subprocess.Popen(
                [str(python), "-B", str(PROBE), mode, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=environment(folder, mark),
                start_new_session=True,
            )
        except OSError as error:
            bell.close()
            return Unstartable(f"{python} cannot be started: {error.strerror or error}")
    bell.watch(process.pid)
    return Child(process, folder, limits, mark, bell)


def environment(scratch: Path, mark: str) -> dict[str, str]:
    """The environment of a child: as ours, with a home of its own and nothing that would change what is proved."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "__PYVENV"))} | handed_on()
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
        "FIXPICKLE_PROOF_RUN": mark,
    }


def handed_on() -> dict[str, str]:
    """What children are told of how Python is set up here."""
    env = {k: v for k, v in os.environ.items() if k in _KEPT}
    if "PYTHONPATH" in env:  # relative entries mean the directory we were started in
        env["PYTHONPATH"] = os.pathsep.join(str(Path(p).absolute()) for p in env["PYTHONPATH"].split(os.pathsep) if p)
    return env


def lines(path: Path) -> list[Line]:
    """What a child has answered so far. A line it was killed in, and what is no JSON object, ends the list."""
    if not path.exists() or path.stat().st_size > _ANSWERS:
        return []
    texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    with contextlib.suppress(ValueError, RecursionError):
        # All at once, most often: it takes a third of the time. No line is of more than one value then.
        found = json.loads(f"[{','.join(texts[:-1])}]") if not texts[-1] else []
        if len(found) == len(texts) - 1 and all(isinstance(line, dict) for line in found):
            return list(found)
    return list(_one_by_one(texts))


def _one_by_one(texts: list[str]) -> Iterator[Line]:
    for text in texts:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(line, dict):
            return
        yield line


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _finished(path: Path, since: int) -> int:
    """How many tasks were finished in what was written from there on."""
    with path.open("rb") as file:
        file.seek(since)
        return file.read(_ANSWERS).count(_TASK_DONE)


def _is_done(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - len(_DONE)))
        return file.read() == _DONE


_DONE = b'{"idle": true}\n'
_TASK_DONE = b'{"done": '  # JSON has no such quotes inside of a text


def _ended(status: int) -> str:
    if status == 0:
        return "ended early"
    if status > 0:
        return f"ended with exit status {status}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-status).name}"
    return f"was killed by signal {-status}"


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode("utf-8", "replace").strip()
