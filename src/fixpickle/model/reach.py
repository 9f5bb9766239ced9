"""Why a value is believed to be pickled, and what can go wrong with a fix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Evidence(str, Enum):
    """How strong the reason is to believe that a value is really pickled, strongest first."""

    TRACED = "traced"
    BOUNDARY = "boundary"
    STATE = "state"
    ANY = "any"

    def admits(self, other: Evidence) -> bool:
        """Whether a run asked for `self` acts on a finding that has `other`."""
        order = list(Evidence)
        return order.index(other) <= order.index(self)


@dataclass(frozen=True, slots=True)
class Reach:
    """Why a value is believed to be pickled: the evidence, the steps a reader can follow, the pickler at the end.

    `carrier` is the class, as `module:Class`, whose instances carry the value along; empty where none does.
    """

    evidence: Evidence
    chain: tuple[str, ...]
    pickler: str = "pickle"
    carrier: str = ""

    def __str__(self) -> str:
        return ", ".join(self.chain)


_PICKLERS: dict[str, re.Pattern[str]] = {
    "ray.cloudpickle": re.compile(r"\bray\."),
    "torch.save": re.compile(r"\btorch\.save\b"),
    "joblib.dump": re.compile(r"\bjoblib\.dump\b"),
}


def library_pickler(words: str, pickler: str) -> str:
    """The library that pickles where a value crosses, if it is not `pickle`: from the name of the boundary or the steps
    to it, and what `pickler` serialises there. Empty for plain pickle.
    """
    named = next((name for name, sign in _PICKLERS.items() if sign.search(words)), "")
    return named or (pickler if pickler in ("cloudpickle", "dill") else "")


@dataclass(frozen=True, slots=True)
class Traced:
    """Where a real run made what could not cross: lines `line` to `last` of a file, as they were then.

    `name` is that of a function or class, `<lambda>` among them, and empty for an instance. `words` tell a reader what
    happened. `main` says that it is a definition of a script which another process did not find, `bound` that it is a
    function which a module binds under a name of its own: then that statement is at fault, or what makes the function.
    `carrier` is the class, as `module:Class`, whose instance could not be loaded.
    """

    path: Path
    line: int
    last: int
    name: str
    words: str
    main: bool = False
    bound: bool = False
    carrier: str = ""


class Safety(str, Enum):
    """What can go wrong with a fix.

    SAFE: same behaviour in-process. UNSAFE: can differ in a way the rule's page names. MANUAL: reported, never edited.
    """

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"
