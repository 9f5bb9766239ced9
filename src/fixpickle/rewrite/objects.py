"""A function as a small class whose instances are called: what it captured is kept on them, and it is named by `self`.

An instance is what the function was to code that calls it, compares it, sets attributes of it and reads its `__name__`
and `__doc__`; it is no function to code that asks for its type, and does not bind as a method.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixpickle.model import Span
from fixpickle.rewrite import cst
from fixpickle.rewrite.lift import Lifted, Renaming, lift

if TYPE_CHECKING:
    Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Callable_:
    """The class to make: its name, the `__name__` of its instances, and where the body reads what it captured.

    `captured` are the values it is made with, in that order; `own` are the places where it names itself.
    """

    name: str
    called: str
    captured: Mapping[str, Sequence[Span]]
    own: Sequence[Span]


def lift_object(
    text: str, target: Span, wanted: Callable_, imports: Sequence[str], renamings: Sequence[Renaming]
) -> Lifted | str:
    """The definition at `target` of `text` as a class. Returns the reason where the result would not be what it was."""
    words = set(_WORD.findall(text[target.start : target.end]))
    me = next((name for name in ("self", "this", "own_self") if name not in words | set(wanted.captured)), "")
    fields = {name: _field(name, text) for name in wanted.captured}
    if not me or len({*fields.values()} - {""}) != len(fields):
        return "no name is free for what an instance would keep"
    kept = [Renaming(use, f"{me}.{fields[name]}") for name, uses in wanted.captured.items() for use in uses]
    itself = [Renaming(use, me) for use in wanted.own]
    call = lift(text, target, "__call__", (me,), imports, [*renamings, *kept, *itself])
    return call if isinstance(call, str) else _class(call.code, wanted, me, fields)


def _field(name: str, text: str) -> str:
    """The attribute for a captured value, which nothing in the file has: it may set attributes of the function."""
    bare = name.strip("_") or "value"
    choices = (f"_{bare}", f"_captured_{bare}")
    return next((choice for choice in choices if not re.search(rf"\.{choice}\b", text)), "")


def _class(call: str, wanted: Callable_, me: str, fields: Mapping[str, str]) -> Lifted | str:
    module = cst.parse_module(call)
    function = module.body[0]
    assert isinstance(function, cst.FunctionDef)
    docstring: Sequence[Statement] = ()
    if function.get_docstring(clean=False) is not None:
        if not isinstance(function.body, cst.IndentedBlock) or len(function.body.body) == 1:
            return "nothing but a docstring stands in it"
        docstring, rest = function.body.body[:1], function.body.body[1:]  # type: ignore[assignment]
        function = function.with_changes(body=function.body.with_changes(body=rest))
    if not function.params.posonly_params[1:] and function.params.star_kwarg is None:
        function = function.with_changes(params=_without_slash(function.params))
    made = [cst.parse_statement(f'__name__ = "{wanted.called}"')]
    if fields:
        lines = "".join(f"    {me}.{field} = {name}\n" for name, field in fields.items())
        made.append(cst.parse_statement(f"def __init__({me}, {', '.join(fields)}):\n{lines}"))
    parts = [*docstring, *made, function.with_changes(leading_lines=[])]
    blank = cst.EmptyLine(indent=False)
    parts[1:] = [part.with_changes(leading_lines=[blank]) for part in parts[1:]]
    above = [*module.header, *function.leading_lines]  # comments over a module's first statement are its header
    cls = cst.ClassDef(cst.Name(wanted.name), cst.IndentedBlock(parts), leading_lines=above)
    code = cst.Module([cls], default_indent=module.default_indent).code.strip("\n")
    return Lifted(code) if _same_call(call, code) else "the class would not have the same code"


def _without_slash(parameters: cst.Parameters) -> cst.Parameters:
    """An instance alone need not be positional-only where no keyword could meet it."""
    first = parameters.posonly_params[0].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    plain = [first, *parameters.params]
    return parameters.with_changes(posonly_params=[], posonly_ind=cst.MaybeSentinel.DEFAULT, params=plain)


def _same_call(call: str, code: str) -> bool:
    """Whether the class' `__call__` is the function, but for its docstring and a slash."""
    made, function = ast.parse(code).body[0], ast.parse(call).body[0]
    assert isinstance(made, ast.ClassDef) and isinstance(function, ast.FunctionDef)
    inner = made.body[-1]
    if not isinstance(inner, ast.FunctionDef):
        return False
    if isinstance(made.body[0], ast.Expr):
        inner.body.insert(0, made.body[0])
    if not inner.args.posonlyargs:
        inner.args.posonlyargs, inner.args.args = inner.args.args[:1], inner.args.args[1:]
    return ast.dump(inner) == ast.dump(function)
