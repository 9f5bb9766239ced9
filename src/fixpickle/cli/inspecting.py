"""Puts an object to the children, asks the rules about what they name, and says so. Imports the engine."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.cli.inspection import as_dict, render
from fixpickle.cli.settling import refuse
from fixpickle.cli.terminal import complain, put
from fixpickle.engine import Ports, run
from fixpickle.model import Evidence, Finding, Refusal, Settings, Traced
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.settings import Options, load
from fixpickle.shelf import Changed
from fixpickle.source import read
from fixpickle.trace.record import Culprit, Made
from fixpickle.trace.sites import places
from fixpickle.verify import Prover
from fixpickle.verify.inspection import Inspection, Part, Wanted, inspect

_LOADING = "it is what could not be loaded"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the target as it was written, and how it is to be looked at and told of."""

    target: str
    allocations: bool
    seconds: float | None
    as_json: bool


def inspected(asked: Asked, options: Options) -> int:
    """Inspects and prints. Gives the exit code: 0 it crosses, 1 it does not, 2 there is no such object."""
    target = asked.target
    wanted = _wanted(target, asked.allocations)
    if isinstance(wanted, str):
        complain(wanted)
        return 2
    settings = load((Path.cwd(),), options, [rule.name for rule in load_rules()])
    if isinstance(settings, Refusal):
        return refuse(settings)
    settings = replace(settings, time_limit=asked.seconds or settings.time_limit)
    found = inspect(wanted, settings)
    if isinstance(found, str):
        complain(f"{target}: {found}")
        return 2
    remedies = _remedies(found, settings, wanted)
    text = json.dumps(as_dict(target, found, remedies), indent=2) + "\n" if asked.as_json else ""
    put(sys.stdout, text or render(target, found, remedies, Path.cwd()))
    return 0 if found.crosses else 1


def _wanted(target: str, allocations: bool) -> Wanted | str:
    """What the words on the command line ask for; or what is wrong with them."""
    module, colon, expression = target.partition(":")
    here = Path.cwd()
    if not colon or not module or not expression.strip():
        return f"`{target}` is not MODULE:EXPRESSION, such as `package.module:make()`"
    try:
        ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        return f"`{expression}` is no expression: {error.msg}"
    roots: tuple[Path, ...] = tuple(root for root in (here, here / "src") if root.is_dir())
    if module.endswith(".py") or "/" in module:
        source = read(here / module, explicit=True)
        if isinstance(source, Refusal):
            return f"{module}: {source.reason}"
        module, roots = source.module, (source.root, *roots)
    if not all(part.isidentifier() for part in module.split(".")):
        return f"`{module}` cannot be imported: it is no dotted name, and no file that ends in .py"
    return Wanted(module, expression.strip(), here, roots, allocations)


# --- the rules ------------------------------------------------------------------------------------------------------


def _remedies(found: Inspection, settings: Settings, wanted: Wanted) -> Mapping[str, Finding]:
    """What a rule finds at the line that made each part, by the part's path; and, by "", at what cannot be loaded."""
    traced = tuple(_traced(found))
    paths = {
        one.path for one in traced if any(one.path.is_relative_to(root) for root in (settings.root, *wanted.roots))
    }
    if not paths:
        return {}
    led = replace(settings, traced=traced, reach=Evidence.TRACED)
    with Prover() as prover:
        ports = Ports(prover.prove, prover.examine, tidy, lambda _what, _done, _of: None)
        try:
            report = run(sorted(paths), led, load_rules(), ports, fix=False)
        except Changed as error:
            complain(str(error))
            return {}
    met: dict[str, Finding] = {}
    for left in report.left:
        known = met.get(left.finding.reach.chain[0])
        if known is None or (left.finding.fixable and not known.fixable):
            met[left.finding.reach.chain[0]] = left.finding
    return {word.removeprefix(_LOADING): finding for word, finding in met.items()}


def _traced(found: Inspection) -> Iterator[Traced]:
    for part in found.parts:
        yield from places(_culprit(part), part.path)
    for way in found.ways:
        if way.name == "pickle" and way.defined is not None:
            module, _, cls = way.at.rpartition(".")
            line = way.defined.line
            yield Traced(way.defined.path, line, line, cls, _LOADING, carrier=f"{module}:{cls}")


def _culprit(part: Part) -> Culprit:
    made, bound = (Made(str(spot.path), spot.line, spot.by) if spot else None for spot in (part.made, part.bound))
    return Culprit(part.path, part.what, part.error, "", "", made, bound)
