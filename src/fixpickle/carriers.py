"""Which classes' instances carry what was fixed: the objects that a run was about."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fixpickle.model import Finding, Instance, library_pickler
from fixpickle.project import Project


def carriers(fixed: Iterable[Finding], project: Project) -> tuple[tuple[Instance, tuple[Finding, ...]], ...]:
    """The outermost classes among those whose instances carry a fixed value, each with all the fixes it needed.

    A class of which another one here holds an instance is part of that one, and not told of by itself. A class that
    needed no fix is here where its instances cross a boundary and hold one that did.
    """
    carried: dict[str, list[Finding]] = {}
    for finding in fixed:
        if finding.reach.carrier:
            carried.setdefault(finding.reach.carrier, []).append(finding)
    for name in _shipped_around(carried.keys(), project):
        carried[name] = []
    held = {name: project.held(name) & carried.keys() for name in carried}
    inner = {part for name, parts in held.items() for part in parts if name not in held[part]}
    return tuple(
        (_whole(name, project), tuple(f for part in (name, *sorted(held[name])) for f in carried[part]))
        for name in sorted(carried)
        if name not in inner
    )


def shippers(found: Iterable[Finding], project: Project) -> dict[str, str]:
    """The classes that carry what was found and that a library pickles somewhere: `module:Class` to its name."""
    carried = {f.reach.carrier for f in found if f.reach.carrier}
    wholes = {name: _whole(name, project) for name in sorted(carried)}
    ways = {name: one.boundary or library_pickler("", one.pickler) for name, one in wholes.items()}
    return {name: library for name, library in ways.items() if library}


def _whole(name: str, project: Project) -> Instance:
    """What to pickle of a class, and how: as all the boundaries that its instances are known to cross do."""
    module, _, cls = name.partition(":")
    ways = project.boundaries(f"{module}.{cls}")
    libraries = list(dict.fromkeys(library_pickler(way.name, way.pickler) for way in ways))
    if len(libraries) == 1 and libraries[0] and all(way.by_value for way in ways):
        return Instance(module, cls, libraries[0])
    return Instance(module, cls, boundary=next(filter(None, libraries), ""))


def _shipped_around(carried: Collection[str], project: Project) -> list[str]:
    """The classes, as `module:Class`, that are known to be shipped with instances of `carried` ones in them."""
    if not carried:
        return []
    return [
        f"{facts.module}:{cls.name}"
        for facts in project.files
        for cls in facts.classes
        if f"{facts.module}:{cls.name}" not in carried
        and not project.held(f"{facts.module}:{cls.name}").isdisjoint(carried)
        and any(True for _ in project.shipped(facts, f"{facts.module}.{cls.name}"))
    ]
