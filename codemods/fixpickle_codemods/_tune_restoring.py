"""The parameter `checkpoint_dir`, in which Tune once handed a trial what it is to go on from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.model import Edit, Source
from fixpickle.project import Project
from fixpickle.rewrite import first_lines, free_name, require, starts_line
from fixpickle.survey.facts import Facts, Reference, Sink
from fixpickle.survey.moved_names import FOLDER
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree
from fixpickle_codemods._tune_calls import Rewritten, name_read

_INNER = ".<locals>."
_ASKED = ("{restored} = {tune}.get_checkpoint()", f"{FOLDER} = {{restored}}.to_directory() if {{restored}} else None")


@dataclass(frozen=True, slots=True)
class _Restored:
    """A function with that parameter; `default` is None where it has to be given."""

    tree: Tree
    function: Function
    parameter: ast.arg
    default: ast.expr | None


def run_by_tune(project: Project, facts: Facts, qualname: str) -> bool:
    """Whether a function of the file, or one around it, goes to Tune, and not to a trainer of ray.train besides."""
    names = qualname.split(_INNER)
    around = [_INNER.join(names[:count]) for count in range(1, len(names) + 1)]
    found = {c.boundary.name for name in around for c in project.crossings(facts, list(_sinks(facts, name)))}
    return any(n.startswith("ray.tune.") for n in found) and not any(n.startswith("ray.train.") for n in found)


def _sinks(facts: Facts, qualname: str) -> Iterator[Sink]:
    for mention in facts.mentions:
        if mention.name == qualname:
            yield from mention.sinks
    for definition in facts.definitions:
        if definition.qualname == qualname:
            yield from definition.sinks


def restored(project: Project, facts: Facts, source: Source, reference: Reference) -> Rewritten | str:
    """The function asks for its checkpoint itself; or why not.

    The parameter goes where nobody can give it: in a script that nobody imports, in a function that it does not call.
    """
    found = _restored(Tree(source), reference)
    if isinstance(found, str):
        return found
    tree, function = found.tree, found.function
    line = _giving(found)
    if line:
        return f"line {line} gives it: ask there for tune.get_checkpoint(), which has to_directory()"
    if named := name_read(tree, Names(tree, facts.module, facts.package), function, FOLDER):
        return named
    tune = require(facts, source, "ray", "tune")
    name = free_name("restored", source.text, set())
    asked = [line.format(tune=tune.code, restored=name) for line in _ASKED]
    gone = None if _may_be_given(project, facts, found) else _without(found)
    if gone is None and found.default is None:
        return "others may call it, and it has no default: ask for tune.get_checkpoint() in what Tune runs"
    lines = asked if gone else [f"if {FOLDER} is None:", *(f"    {line}" for line in asked)]
    edits = (*tune.edits, first_lines(source, tree, function, lines), *([gone] if gone else ()))
    return Rewritten(edits, (), ("what it goes on from is copied to a temporary folder, which stays",))


def _restored(tree: Tree, reference: Reference) -> _Restored | str:
    parameter = next(a for a in tree.of(ast.arg) if tree.span(a) == reference.span)
    around = tree.parents[tree.parents[parameter]]
    if not isinstance(around, FUNCTIONS) or not starts_line(tree.text, tree.span(around.body[0]).start):
        return "its body shares a line with its head"
    a = around.args
    if parameter in a.kwonlyargs:
        return _Restored(tree, around, parameter, a.kw_defaults[a.kwonlyargs.index(parameter)])
    plain = [*a.posonlyargs, *a.args]
    place = plain.index(parameter) - (len(plain) - len(a.defaults))
    found = _Restored(tree, around, parameter, a.defaults[place] if place >= 0 else None)
    if found.default is not None and not (isinstance(found.default, ast.Constant) and found.default.value is None):
        return "its default is another than None"
    return found


def _giving(found: _Restored) -> int:
    """The line that hands on the function together with a folder, as `partial` and `with_parameters` do; or 0."""
    for call in found.tree.of(ast.Call):
        named = [a for a in call.args if isinstance(a, ast.Name) and a.id == found.function.name]
        if named and any(k.arg in (FOLDER, None) for k in call.keywords):
            return call.lineno
    return 0


def _may_be_given(project: Project, facts: Facts, found: _Restored) -> bool:
    """Whether anybody calls the function, or may, who knows the parameter."""
    tree, name = found.tree, found.function.name
    called = any(isinstance(c.func, ast.Name) and c.func.id == name for c in tree.of(ast.Call))
    handed = [
        c for c in tree.of(ast.Call) if len(c.args) > 2 and isinstance(c.args[0], ast.Name) and c.args[0].id == name
    ]
    inner = tree.function(found.function) is not None
    others = [f for other in project.files if other is not facts for f in other.imports]
    imported = any(f"{f.target}.".startswith(f"{facts.module}.") or f.module == facts.module for f in others)
    alone = inner or (facts.is_script and not imported)
    return called or bool(handed) or not alone or bool(found.function.decorator_list)


def _without(found: _Restored) -> Edit | None:
    """The parameter and its comma taken away, where both are written plainly."""
    tree = found.tree
    a = found.function.args
    if found.parameter not in a.args[1:]:
        return None
    start, end = tree.span(found.parameter).start, tree.span(found.default or found.parameter).end
    comma = len(tree.text[:start].rstrip()) - 1
    plain = tree.text[comma] == "," and "#" not in tree.text[comma:end] and tree.text[end:].lstrip()[:1] in (",", ")")
    return Edit(tree.source.path, comma, end, "") if plain else None
