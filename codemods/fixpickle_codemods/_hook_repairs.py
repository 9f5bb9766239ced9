"""The remedy for each flaw of a hook."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from fixpickle.layout import layout
from fixpickle.model import Edit, Finding, Patch, Refusal, Source
from fixpickle.rewrite import (
    Imported,
    Rebuilt,
    class_at,
    first_lines,
    import_line,
    last_line,
    method_of,
    methods_behind,
    remade_hooks,
    require,
)
from fixpickle.rule import Workshop
from fixpickle.survey.facts import ClassFacts, Facts, Harm
from fixpickle.survey.mangling import mangled
from fixpickle.survey.tree import Function, Tree, is_text
from fixpickle_codemods._container_state import container_hooks
from fixpickle_codemods._hook_flaws import Judged
from fixpickle_codemods._hook_subjects import subjects

_CONTENTS = ("self.__dict__", "vars(self)")
_DUNDER = 'if {0}.startswith("__") and {0}.endswith("__"):'
_LOADED = "pickles that the class wrote before, which load without their items or not at all, load no more"


def repair(finding: Finding, shop: Workshop, found: Judged) -> Patch | Refusal:
    """The patch for one flaw, against the source as it stands."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    tree = Tree(source)
    node = class_at(tree, found.cls.name)
    method = method_of(tree, node, found.flaw.method) if node is not None else None
    if node is None or method is None:
        return Refusal(source.path, f"{found.cls.name}.{found.flaw.method} stands on one line")
    edits = _edits(shop, facts, source, tree, node, method, found)
    if isinstance(edits, Refusal):
        return edits
    return Patch(
        finding=finding,
        edits=edits,
        subjects=tuple(subjects(shop.project, facts, tree, method, found)),
        notes=(_LOADED,) if found.flaw.harm is Harm.ITEMS or found.flaw.code.startswith("builtins.set") else (),
    )


def _edits(
    shop: Workshop, facts: Facts, source: Source, tree: Tree, node: ast.ClassDef, method: Function, found: Judged
) -> tuple[Edit, ...] | Refusal:
    flaw = found.flaw
    match flaw.harm:
        case Harm.SILENT:
            return (last_line(source, tree, method, f"return {flaw.code}"),)
        case Harm.DAMAGE:
            return tuple(_copied_first(source, tree, node, method, flaw.code.removesuffix(" set")))
        case Harm.FORGOTTEN:
            laid_out = layout(shop.project, facts, found.cls.name)
            if isinstance(laid_out, str):
                return Refusal(source.path, laid_out, node.lineno)
            return remade_hooks(source, found.cls.name, laid_out, [Rebuilt(flaw.names[0], flaw.code)])
        case Harm.PASSED_OVER:
            call = f"super().{flaw.method}({flaw.code})"
            return (Edit(source.path, flaw.span.start, flaw.span.end, call),)
        case Harm.SLOTS:
            return (methods_behind(source, tree, node, ["__getstate__"], _slot_setter(found.cls)),)
        case Harm.ENDLESS | Harm.ANSWERING:
            return (first_lines(source, tree, method, _guard(method, found)),)
        case Harm.ARGUMENTS | Harm.ITEMS:
            copyreg = _copyreg(facts, source)
            lines = container_hooks(flaw.code, copyreg.code)
            return (*copyreg.edits, methods_behind(source, tree, node, ["__init__"], lines))


def _copyreg(facts: Facts, source: Source) -> Imported:
    """`copyreg.__newobj__`, whose module is imported whole where the file has no other use for the name."""
    if re.search(r"\bcopyreg\b", source.text):
        return require(facts, source, "copyreg", "__newobj__")
    return Imported("copyreg.__newobj__", (import_line(facts, source, "import copyreg"),))


# --- __getstate__ ---------------------------------------------------------------------------------------------------


def _copied_first(source: Source, tree: Tree, node: ast.ClassDef, method: Function, contents: str) -> Iterator[Edit]:
    """A copy made first, and every change to the instance made to the copy."""
    taken = {n.id for n in ast.walk(method) if isinstance(n, ast.Name)}
    name = contents if contents not in _CONTENTS else "state" if "state" not in taken else "pickled"
    body = [s for s in method.body if not is_text(s)]
    if contents in _CONTENTS:
        yield first_lines(source, tree, method, [f"{name} = {contents}.copy()"])
    else:
        made = body.pop(0)
        assert isinstance(made, (ast.Assign, ast.AnnAssign)) and made.value is not None
        end = tree.span(made.value).end
        yield Edit(source.path, end - 1, end, source.text[end - 1 : end] + ".copy()")
    last = body[-1]
    assert isinstance(last, ast.Return) and last.value is not None
    yield _put(source, tree, last.value, name)
    for one in (n for s in body[:-1] for n in ast.walk(s) if isinstance(n, (ast.Attribute, ast.Call))):
        written = isinstance(one, ast.Attribute) and not isinstance(one.ctx, ast.Load)
        if isinstance(one, ast.Attribute) and written and ast.unparse(one.value) == "self":
            yield _put(source, tree, one, f'{name}["{mangled(one.attr, node.name)}"]')
        elif ast.unparse(one) in _CONTENTS and contents in _CONTENTS:
            yield _put(source, tree, one, name)


def _put(source: Source, tree: Tree, node: ast.expr, code: str) -> Edit:
    span = tree.span(node)
    return Edit(source.path, span.start, span.end, code)


def _slot_setter(cls: ClassFacts) -> list[str]:
    setter = "object.__setattr__" if cls.guarded else "setattr"
    return [
        "def __setstate__(self, state):",
        "    for name, value in state.items():",
        f"        {setter}(self, name, value)",
    ]


# --- __getattr__ ----------------------------------------------------------------------------------------------------


def _guard(method: Function, found: Judged) -> Sequence[str]:
    """AttributeError for what an empty instance lacks; for all hooks where something else would come of them."""
    asked, names = method.args.args[1].arg, (*found.flaw.names, *found.flaw.properties)
    raised = f"    raise AttributeError({asked})"
    if found.flaw.harm is Harm.ANSWERING or found.flaw.code:
        return [_DUNDER.format(asked), raised]
    if len(names) == 1:
        return [f'if {asked} == "{names[0]}":', raised]
    return [f"if {asked} in ({', '.join(repr(n) for n in names)}):".replace("'", '"'), raised]
