"""The interpreters of one run. Each stays warm, its modules imported, while the files are as it was shown them."""

from __future__ import annotations

import marshal
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixpickle.compiled import code_of
from fixpickle.verify.family import kill_all, tasks_of_user
from fixpickle.verify.launch import Answered, Child, Ending, Limits, Line, Unstartable, start
from fixpickle.verify.tally import Tally, silent

_STATES = 3  # as the files were, as the last round left them, and as this one would


@dataclass(frozen=True, slots=True)
class Sources:
    """One state of the files: the texts, what scripts are trimmed to, and where modules are looked up."""

    texts: Mapping[Path, str]
    runs: Mapping[Path, str]
    roots: tuple[Path, ...]

    def written(self) -> bytes:
        """What a child is told of it, in a form that each Python since 3.8 reads: a tenth of the work of JSON."""
        texts = {str(p): t for p, t in self.texts.items()}
        runs = {str(p): t for p, t in self.runs.items()}
        return marshal.dumps({"roots": [str(r) for r in self.roots], "texts": texts, "runs": runs}, 2)


@dataclass(frozen=True, slots=True)
class _State:
    """The children that were shown one state of the files, by their mode, and the folder with its compiled code."""

    shown: Sources
    codes: Path
    children: dict[str, Child] = field(default_factory=dict)


class Stations:
    """Starts interpreters as they are needed, and ends them all on `close`. What they share lies in one folder.

    On a machine that is not the user's they are `abroad`, in a folder: which modules nobody finds there is noted in
    `missed`.
    """

    def __init__(self, python: Path, limits: Limits, tally: Tally | None = None, *, abroad: Path | None = None) -> None:
        self.python, self.limits, self.tally, self.abroad = python, limits, tally or silent(), abroad is not None
        self.remarks: frozenset[str] = frozenset()
        self.missed: frozenset[str] = frozenset()
        self._scratch = Path(tempfile.mkdtemp(dir=abroad, prefix="fixpickle-")).resolve()
        (self._scratch / "shared").mkdir()
        self._mark = secrets.token_hex(8)
        self._tasks = tasks_of_user()
        self._started = 0
        self._states: list[_State] = []
        self._on_disk: dict[tuple[Path, str], bool] = {}

    def ask(
        self, mode: str, sources: Sources, request: Mapping[str, object], *, alone: bool
    ) -> tuple[Ending, list[Line]]:
        """Puts a request to a child of that mode that was shown `sources`; to one of its own where it is to be `alone`.

        A warm child that was lost since the last request is replaced: without lines, none can be started.
        """
        shown = self._differing(sources)
        state = self._new(shown) if alone else self._state(shown)
        warm = state.children.get(mode)
        ending, lines = warm.ask(request, self.tally.did) if warm else (Unstartable(""), [])
        if not lines:
            state.children.pop(mode, None)
            self._hand_over(state)
            begun = self._start(mode)
            if isinstance(begun, Unstartable):
                return begun, []
            state.children[mode] = begun
            ending, lines = begun.ask({**self._setup(state, sources), **request}, self.tally.did)
        self.remarks |= {line["remark"] for line in lines if "remark" in line}
        self.missed |= {name for line in lines for name in line.get("missed", ())}
        if alone:
            state.children[mode].close()
        elif not isinstance(ending, Answered):
            del state.children[mode]
        return ending, lines

    def close(self) -> None:
        """Ends all children and what they started, and removes what they wrote."""
        for state in self._states:
            for child in state.children.values():
                child.kill()
        kill_all(self._mark)
        self._states.clear()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _hand_over(self, state: _State) -> None:
        """Has the children of a state save what they compiled, for one that begins."""
        for mode, child in list(state.children.items()):
            if not isinstance(child.ask({"side": "", "tasks": [], "save": True})[0], Answered):
                del state.children[mode]

    def _state(self, shown: Sources) -> _State:
        """The children of a state of the files. Those of the one that was not asked for longest make room."""
        found = next((state for state in self._states if state.shown == shown), None) or self._new(shown)
        self._states = [found, *(state for state in self._states if state is not found)]
        for old in self._states[_STATES:]:
            for child in old.children.values():
                child.close()
        del self._states[_STATES:]
        return found

    def _differing(self, sources: Sources) -> Sources:
        """Without the texts that are on disk just so, as they were when that was asked first: they change nothing."""
        for one in sources.texts.items():
            if one not in self._on_disk:
                self._on_disk[one] = _is_on_disk(*one)
        return replace(sources, texts={p: t for p, t in sources.texts.items() if not self._on_disk[p, t]})

    def _new(self, shown: Sources) -> _State:
        """A state without children. The code of texts that were compiled already, to check them, is handed over.

        Only where this very program interprets them, too: another one has another bytecode.
        """
        state = _State(shown, Path(tempfile.mkdtemp(dir=self._scratch, prefix="codes-")))
        if self.python.resolve() != Path(sys.executable).resolve():
            return state
        found = {(str(path), text): code_of(str(path), text) for path, text in shown.texts.items()}
        codes = {of: code for of, code in found.items() if code is not None}
        if codes:
            (state.codes / "checked.codes").write_bytes(marshal.dumps(codes))
        return state

    def _start(self, mode: str) -> Child | Unstartable:
        self._started += 1
        folder = self._scratch / str(self._started)
        return start(self.python, mode, folder, self.limits, f"{self._mark}.{self._started}")

    def _setup(self, state: _State, sources: Sources) -> dict[str, object]:
        place = state.codes / f"{self._started}.sources"
        place.write_bytes(sources.written())
        return {
            "sources": str(place),
            "parent": os.getpid(),
            "shared": str(self._scratch / "shared"),
            "codes": str(state.codes),
            "megabytes": self.limits.megabytes,
            "processes": self._tasks + self.limits.processes if self._tasks else 0,
            "network": self.limits.network,
            "abroad": self.abroad,
        }


def _is_on_disk(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except (OSError, UnicodeEncodeError):
        return False
