"""An inspected object -> text for people, and plain values for programs: `docs/schemas/inspection-1.json`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fixpickle.model import Finding, Safety
from fixpickle.verify.inspection import Inspection, Part, Spot, Way

SCHEMA = 1


def render(target: str, found: Inspection, remedies: Mapping[str, Finding], base: Path) -> str:
    """What a person wants to know. Paths are shown from `base` where they lie below it."""
    lines = [f"{target} is a {found.kind.replace(':', '.')}", *_ways(found, remedies, base)]
    for number, part in enumerate(found.parts, 1):
        lines += [f"{number}. {part.path} is {part.what}", *_part(part, remedies.get(part.path), base)]
    return "\n".join(lines) + "\n"


def _ways(found: Inspection, remedies: Mapping[str, Finding], base: Path) -> Iterator[str]:
    for way in found.ways:
        yield f"    {way.name:<12}{_fate(way)}"
        if way.loading and way.at:
            where = f", {_shown(way.defined, base)}" if way.defined else ""
            yield f"                at fault is {way.at}{where}"
        if way.loading and way.name == "pickle":
            yield f"                {_remedy(remedies.get(''), base)}"


def _fate(way: Way) -> str:
    if way.works:
        return "works" if way.name == "deepcopy" else f"crosses, {way.size} bytes"
    return way.error or f"cannot be loaded in another process: {way.loading}"


def _part(part: Part, remedy: Finding | None, base: Path) -> Iterator[str]:
    yield f"    error   {part.error}"
    if part.made is not None:
        yield f"    made    {_shown(part.made, base)}, by its {part.made.by}"
    else:
        yield "    made    not known; --allocations may tell"
    if part.bound is not None:
        yield f"    bound   {_shown(part.bound, base)}"
    if part.defined is not None and part.defined != part.made:
        yield f"    class   {part.kind.replace(':', '.')}, {_shown(part.defined, base)}"
    yield f"    others  {_others(part)}"
    yield f"    fix     {_remedy(remedy, base)}"


def _others(part: Part) -> str:
    names = {None: "cloudpickle is not installed", True: "cloudpickle takes it", False: "cloudpickle does not take it"}
    return names[part.cloudpickle] + (", deepcopy copies it" if part.deepcopy else ", deepcopy does not copy it")


def _remedy(finding: Finding | None, base: Path) -> str:
    if finding is None:
        return "no rule knows it"
    if finding.reason:
        return f"{finding.rule} leaves it: {finding.reason}"
    unsafe = " --unsafe-fixes" if finding.safety is Safety.UNSAFE else ""
    return f"{finding.rule}: fixpickle apply --select {finding.rule}{unsafe} {_path(finding.path, base)}"


def _shown(spot: Spot, base: Path) -> str:
    return f"{_path(spot.path, base)}:{spot.line}"


def _path(path: Path, base: Path) -> str:
    return os.path.relpath(path, base) if path.is_relative_to(base) else str(path)


# --- for programs ---------------------------------------------------------------------------------------------------


def as_dict(target: str, found: Inspection, remedies: Mapping[str, Finding]) -> dict[str, object]:
    """The inspection in plain values. Paths are absolute."""
    return {
        "schema": SCHEMA,
        "target": target,
        "kind": found.kind,
        "crosses": found.crosses,
        "seconds": round(found.seconds, 6),
        "ways": [_way(way) for way in found.ways],
        "parts": [{**_values(part), "remedy": _finding(remedies.get(part.path))} for part in found.parts],
        "remedy": _finding(remedies.get("")),
    }


def _way(way: Way) -> dict[str, object]:
    return {
        "name": way.name,
        "works": way.works,
        "error": way.error,
        "loading": way.loading,
        "at": way.at,
        "defined": _spot(way.defined),
        "bytes": way.size,
    }


def _values(part: Part) -> dict[str, object]:
    return {
        "path": part.path,
        "what": part.what,
        "error": part.error,
        "kind": part.kind,
        "defined": _spot(part.defined),
        "made": _spot(part.made),
        "bound": _spot(part.bound),
        "cloudpickle": part.cloudpickle,
        "deepcopy": part.deepcopy,
    }


def _spot(spot: Spot | None) -> dict[str, object] | None:
    return {"path": spot.path.as_posix(), "line": spot.line, "by": spot.by} if spot else None


def _finding(finding: Finding | None) -> dict[str, object] | None:
    if finding is None:
        return None
    span = finding.span
    return {
        "rule": finding.rule,
        "path": finding.path.as_posix(),
        "line": span.line,
        "safety": finding.safety.value,
        "reason": finding.reason,
    }
