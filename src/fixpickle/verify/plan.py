"""What is tried for each patch, each subject from the strongest way to the weakest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fixpickle.model import (
    ByContents,
    ByReference,
    ByState,
    Ground,
    Instance,
    Patch,
    Subject,
    Trainable,
    library_pickler,
)
from fixpickle.verify.attempt import Attempt, Importing, Manner

_Way = tuple[Subject | Importing, Manner, str]


@dataclass(frozen=True, slots=True)
class Making:
    """How instances are made: the factories, as `module:Class` to `module:function`, and whether they are then used.

    `command` is a program that makes some, and is empty where there is none.
    With `trials`, one trial of each script that Ray Tune gets something from is run for real.
    """

    factories: Mapping[str, str] = field(default_factory=dict)
    used: bool = False
    command: str = ""
    trials: bool = False


def attempts(patches: Sequence[Patch], making: Making, ground: Ground, touched: Iterable[str]) -> tuple[Attempt, ...]:
    """All that is tried, patch by patch, each from the strongest to the weakest. `touched` are names of attributes."""
    modules = _modules({path for patch in patches for path in patch.paths}, ground.roots)
    all_of_them = _Round(making, ground.shippers, tuple(sorted(touched)), _beside(patches), modules)
    return tuple(a for i, patch in enumerate(patches) for a in _of_patch(i, patch, all_of_them))


def of_subjects(subjects: Sequence[Subject], making: Making, touched: Iterable[str]) -> tuple[Attempt, ...]:
    """All that is tried for subjects that no patch names, each counted as a patch of its own."""
    named = tuple(sorted(touched))
    return tuple(
        Attempt(
            patch=i,
            number=number,
            subject=subject,
            manner=manner,
            factory=factory,
            boundary=subject.boundary if isinstance(subject, Instance) else "",
            touched=named,
            used=making.used and manner not in ("", "part"),
        )
        for i, subject in enumerate(subjects)
        for number, (manner, factory) in enumerate(_ways(subject, making), 1)
    )


def _beside(patches: Iterable[Patch]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The attributes that patches are about, by module and class."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for patch in patches:
        for subject in patch.subjects:
            if isinstance(subject, ByState):
                found.setdefault((subject.module, subject.cls), {})[subject.attribute] = None
    return {of: tuple(names) for of, names in found.items()}


def touched(patches: Iterable[Patch]) -> frozenset[str]:
    """The attributes that patches change, leave out or make anew, as they are written in their classes."""
    return frozenset(name for patch in patches for subject in patch.subjects for name in _touched(subject))


def _touched(subject: Subject) -> Iterator[str]:
    match subject:
        case ByState(attribute=attribute, holds=holds):
            yield attribute
            yield from (name for name, _ in holds)
        case ByContents(holds=holds, dropped=dropped):
            yield from (*dropped, *(name for name, _ in holds))


@dataclass(frozen=True, slots=True)
class _Round:
    """What is the same for all patches of a round.

    `touched` are the attributes that some patch is about, `beside` those by module and class, `modules` the dotted
    names of the files that can be imported.
    """

    making: Making
    shippers: Mapping[str, str]
    touched: tuple[str, ...]
    beside: Mapping[tuple[str, str], tuple[str, ...]]
    modules: Mapping[Path, str]


def _of_patch(index: int, patch: Patch, of: _Round) -> Iterator[Attempt]:
    reach = patch.finding.reach
    boundary = library_pickler(" ".join(reach.chain), reach.pickler) or of.shippers.get(reach.carrier, "")
    tried: list[_Way] = [(subject, *way) for subject in patch.subjects for way in _ways(subject, of.making)]
    if of.making.trials:
        tried = [*_trials(tried), *tried]
    edited = {of.modules[path] for path in patch.paths if path in of.modules}
    edited |= {subject.module for subject in patch.subjects if isinstance(subject, ByReference)}
    tried += [(Importing(module), "", "") for module in sorted(edited)]
    for number, (subject, manner, factory) in enumerate(tried, 1):
        touched, used = (of.touched, of.making.used and manner != "part") if manner else ((), False)
        more = of.beside.get((subject.module, subject.cls), ()) if isinstance(subject, ByState) else ()
        yield Attempt(index, number, subject, manner, factory, boundary, touched, used, more)


def _trials(tried: Iterable[_Way]) -> Iterator[_Way]:
    """What scripts hand to Ray Tune, to be run as a real trial."""
    for subject, _, factory in tried:
        if isinstance(subject, Trainable) and subject.script is not None:
            yield subject, "trial", factory


def _ways(subject: Subject, making: Making) -> Iterator[tuple[Manner, str]]:
    """How the subject is made, from the strongest way to the weakest: the manner, and the factory or the command."""
    if not isinstance(subject, (ByState, ByContents, Instance)):
        yield "", ""
        return
    if factory := making.factories.get(f"{subject.module}:{subject.cls}"):
        yield "factory", factory
    if making.command:
        yield "harvested", making.command
    yield "constructor", ""
    yield "obvious", ""
    if not isinstance(subject, Instance):
        yield "part", ""


def _modules(paths: Iterable[Path], roots: Sequence[Path]) -> Mapping[Path, str]:
    """The dotted names of the files that can be imported."""
    found = {}
    for path in paths:
        root = next((r for r in roots if path.is_relative_to(r)), None)
        if root is None or path.suffix != ".py":
            continue
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and all(part.isidentifier() for part in parts):
            found[path] = ".".join(parts)
    return found
