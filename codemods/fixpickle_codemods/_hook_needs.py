"""What an instance must have for the hooks of its class to run: those that an earlier fix wrote read attributes too."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.model import Source
from fixpickle.project import Project
from fixpickle.survey.facts import Facts, Family, Holding
from fixpickle.survey.tree import FUNCTIONS, Tree

_HOOKS = ("__getstate__", "__setstate__")
_FIRST = {
    Family.FILE: "__file__",
    Family.HANDLE: "':memory:'",
    Family.EXECUTOR: "2",
    Family.MODULE: "'json'",
    Family.VIEW: "{1: 2}",
    Family.PROXY: "{1: 2}",
}
_HELD = {Family.FILE: "open(__file__, 'rb')", Family.PROXY: "__import__('types').MappingProxyType({1: 2})"}


def samples_of(holding: Holding) -> tuple[tuple[str, str], ...]:
    """The attributes from which a holding is made again, each with an expression to try that with."""
    samples = [_FIRST.get(holding.family, "None"), *["None"] * len(holding.reads)]
    if holding.again.startswith("self.") and holding.family is Family.FILE:
        samples[0] = "__import__('pathlib').Path(__file__)"
    return tuple(zip(holding.reads, samples, strict=False))


def needs_of_hooks(project: Project, source: Source, facts: Facts, cls: str, but: str) -> tuple[tuple[str, str], ...]:
    """The attributes that the hooks of `cls` read, each with an expression to try them with; all but one.

    What the class itself has, its methods, is there already.
    """
    methods = {name for _, found in project.lineage(facts, cls) if found is not None for name in found.methods}
    own = [h for h in facts.holdings if h.cls == cls]
    known = {name: sample for h in own for name, sample in samples_of(h)}
    known |= {h.attribute: _HELD[h.family] for h in own if h.family in _HELD}
    read = dict.fromkeys(_read(Tree(source), cls))
    return tuple((name, known.get(name, "1")) for name in read if name != but and name not in methods)


def _read(tree: Tree, cls: str) -> Iterator[str]:
    node = next(n for n in tree.nodes if isinstance(n, ast.ClassDef) and tree.qualname(n) == cls)
    for hook in (s for s in node.body if isinstance(s, FUNCTIONS) and s.name in _HOOKS):
        made = {n.attr for n in ast.walk(hook) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
        for one in ast.walk(hook):
            if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self":
                around = tree.parents[one]
                called = isinstance(around, ast.Call) and around.func is one
                again = hook.name == "__setstate__" and one.attr in made
                if not called and not again and isinstance(one.ctx, ast.Load) and not one.attr.startswith("__"):
                    yield one.attr
