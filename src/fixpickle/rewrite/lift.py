"""A lambda, or a function or class defined in a function, as a definition of its own at module level."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixpickle.model import Span
from fixpickle.rewrite import cst
from fixpickle.rewrite.place import attached_start, block_end

if TYPE_CHECKING:
    Liftable = cst.Lambda | cst.FunctionDef | cst.ClassDef

_NEWLINE = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Renaming:
    """A name inside a definition that is exchanged for another, or for an attribute: `self._factor`.

    A call of it gets `arguments` put first.
    """

    span: Span
    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Early:
    """Parameters whose defaults are values that the function is handed, each with the leading parameter that has it.

    Their default is `unset` then, an object that nobody passes.
    """

    unset: str = ""
    leading: Mapping[str, str] = field(default_factory=dict)

    def statements(self) -> Iterator[str]:
        """What the function does first."""
        yield from (f"if {name} is {self.unset}:\n    {name} = {given}" for name, given in self.leading.items())


@dataclass(frozen=True, slots=True)
class Lifted:
    """The code of a definition as it stands at module level, `\\n` line ends, no blank line after it."""

    code: str


def lift(
    text: str,
    target: Span,
    name: str,
    bound: Sequence[str],
    imports: Sequence[str],
    renamings: Sequence[Renaming],
    early: Early = Early(),
) -> Lifted | str:
    """The definition at `target` of `text`, with the comments that belong to it, as a definition called `name`.

    `bound` become leading positional-only parameters, and what is handed for defaults behind them, `imports` its first
    statements. `renamings` are of names inside it: its own, where it calls itself, and those of others that move with
    it. Only the definition is parsed. Returns the reason where the result would not be what it was.
    """
    from libcst.metadata import MetadataWrapper, PositionProvider

    from fixpickle.rewrite.renaming import Rename

    piece, ahead = _piece(text, target)
    if {*early.leading.values()} & {*bound, *_WORD.findall(piece)}:
        return "no name is free for what its defaults are"
    try:
        wrapper = MetadataWrapper(cst.parse_module(piece), unsafe_skip_copy=True)
    except cst.ParserSyntaxError as error:
        return f"libcst cannot parse it: {error.message}"
    found = _only(wrapper.module)
    if found is None:
        return "the definition could not be found again"
    places = {_position(piece, r.span.start + ahead): r for r in renamings}
    renamer = Rename(wrapper.resolve(PositionProvider), places)
    renamed = found.visit(renamer)
    if len(renamer.met) != len(renamings):
        return "a name inside it could not be found again"
    assert isinstance(renamed, (cst.Lambda, cst.FunctionDef, cst.ClassDef))
    first = [*imports, *early.statements()]
    made = _as_definition(_without_early(renamed, early), name, [*bound, *early.leading.values()], first)
    code = cst.Module([made], default_indent=wrapper.module.default_indent).code.replace("\r\n", "\n").strip("\n")
    if not same_body(_anew_without(_named_anew(piece, places, name), early), code, len(first)):
        return "the lifted definition would not be the same code"
    return Lifted(code)


def _piece(text: str, target: Span) -> tuple[str, int]:
    """The code of a definition with what it needs around it to parse, and how far ahead of `text` its offsets are.

    That is a block around a statement, and parentheses around a lambda.
    """
    if text.startswith("lambda", target.start):
        return f"({text[target.start : target.end]})", 1 - target.start
    start = attached_start(text, target.start)
    return f"if 1:\n{text[start : block_end(text, target)]}", len("if 1:\n") - start


def _without_early(node: Liftable, early: Early) -> Liftable:
    """The definition, with another default where its own is handed over."""
    if not early.leading or isinstance(node, cst.ClassDef):
        return node

    def changed(parameters: Sequence[cst.Param]) -> list[cst.Param]:
        unset = cst.Name(early.unset)
        return [p.with_changes(default=unset) if p.name.value in early.leading else p for p in parameters]

    params = node.params.with_changes(
        posonly_params=changed(node.params.posonly_params),
        params=changed(node.params.params),
        kwonly_params=changed(node.params.kwonly_params),
    )
    return node.with_changes(params=params)


def _anew_without(statement: ast.stmt, early: Early) -> ast.stmt:
    """The same of the tree that Python makes."""
    inner = statement.body[0] if isinstance(statement, ast.If) else getattr(statement, "value", None)
    if early.leading and isinstance(inner, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
        arguments = inner.args
        positional = [*arguments.posonlyargs, *arguments.args]
        ahead = len(positional) - len(arguments.defaults)
        for lists, parameters in (
            (arguments.defaults, positional[ahead:]),
            (arguments.kw_defaults, arguments.kwonlyargs),
        ):
            for at, parameter in enumerate(parameters):
                if parameter.arg in early.leading:
                    lists[at] = ast.Name(early.unset, ast.Load())
    return statement


def _only(module: cst.Module) -> Liftable | None:
    """The definition that a piece of code consists of, inside what was put around it."""
    statement = module.body[0]
    if isinstance(statement, cst.If):
        inner = statement.body.body[0]
        return inner if isinstance(inner, (cst.FunctionDef, cst.ClassDef)) else None
    value = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    lambda_ = value.value if isinstance(value, cst.Expr) else None
    return lambda_ if isinstance(lambda_, cst.Lambda) else None


Places = Mapping[tuple[int, int], Renaming]
"""Renamings by line, from one, and column in characters, from zero, within a piece of code."""


def _position(piece: str, offset: int) -> tuple[int, int]:
    lines = _NEWLINE.split(piece[:offset])
    return len(lines), len(lines[-1])


def _as_definition(
    node: Liftable, name: str, bound: Sequence[str], imports: Sequence[str]
) -> cst.FunctionDef | cst.ClassDef:
    if isinstance(node, cst.ClassDef):
        return node.with_changes(name=cst.Name(name), leading_lines=_comments(node.leading_lines))
    first = [cst.parse_statement(line) for line in imports]
    if isinstance(node, cst.FunctionDef):
        body = _with_first(node.body, first) if first else node.body
        changed = node.with_changes(name=cst.Name(name), body=body, leading_lines=_comments(node.leading_lines))
        return changed.with_changes(params=_with_bound(node.params, bound))
    value = node.body
    if "\n" in cst.Module([]).code_for_node(value) and not getattr(value, "lpar", ()):
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    returned = cst.SimpleStatementLine([cst.Return(value)], leading_lines=_behind_colon(node))
    return cst.FunctionDef(cst.Name(name), _with_bound(node.params, bound), cst.IndentedBlock([*first, returned]))


def _behind_colon(node: cst.Lambda) -> Sequence[cst.EmptyLine]:
    """The comments between a lambda's colon and its body, which may stand on lines of their own inside parentheses."""
    space = node.colon.whitespace_after
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return []
    found = [space.first_line.comment, *(line.comment for line in space.empty_lines)]
    return [cst.EmptyLine(comment=comment) for comment in found if comment is not None]


def _comments(lines: Sequence[cst.EmptyLine]) -> Sequence[cst.EmptyLine]:
    """The comment lines directly above a definition, which travel with it."""
    kept: list[cst.EmptyLine] = []
    for line in reversed(lines):
        if line.comment is None:
            break
        kept.insert(0, line)
    return kept


def _with_first(
    body: cst.BaseSuite, first: Sequence[cst.SimpleStatementLine | cst.BaseCompoundStatement]
) -> cst.BaseSuite:
    """The body with statements put before its first one, after its docstring."""
    if isinstance(body, cst.SimpleStatementSuite):
        return cst.IndentedBlock([*first, cst.SimpleStatementLine(body.body)])
    assert isinstance(body, cst.IndentedBlock)
    at = 1 if body.body and _is_string(body.body[0]) else 0
    return body.with_changes(body=[*body.body[:at], *first, *body.body[at:]])


def _is_string(statement: cst.BaseStatement) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.Expr):
        return False
    return isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))


def _with_bound(parameters: cst.Parameters, bound: Sequence[str]) -> cst.Parameters:
    if not bound:
        return parameters
    leading = [cst.Param(cst.Name(n)) for n in bound]
    rest = parameters.posonly_params
    return parameters.with_changes(posonly_params=[*leading, *rest], posonly_ind=cst.ParamSlash())


# --- sameness -------------------------------------------------------------------------------------------------------


def _named_anew(piece: str, places: Places, name: str) -> ast.stmt:
    """The tree of a piece of code, with the definition in it called `name`, and the names at `places` exchanged."""
    statement = ast.parse(piece).body[0]
    if places:
        statement = _Anew(_NEWLINE.split(piece), places).visit(statement)
    if isinstance(statement, ast.If):
        definition = statement.body[0]
        assert isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        definition.name = name
    return statement


class _Anew(ast.NodeTransformer):
    """What :class:`fixpickle.rewrite.renaming.Rename` does, done to the tree that Python makes."""

    def __init__(self, lines: Sequence[str], places: Places) -> None:
        self.lines = lines
        self.places = places

    def _at(self, node: ast.AST) -> Renaming | None:
        if not isinstance(node, ast.Name):
            return None
        return self.places.get((node.lineno, self._column(node.lineno, node.col_offset)))

    def _column(self, line: int, offset: int | None) -> int:
        """A column in characters, of one in bytes."""
        return len(self.lines[line - 1].encode()[:offset].decode())

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        self.generic_visit(node)
        line = node.end_lineno or node.lineno
        place = line, self._column(line, node.end_col_offset) - len(node.attr)
        if (renaming := self.places.get(place)) is not None:
            node.attr = renaming.name
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        renaming = self._at(node)
        return node if renaming is None else ast.parse(renaming.name, mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.Call:
        renaming = self._at(node.func)
        self.generic_visit(node)
        if renaming is not None:
            node.args[:0] = [ast.Name(a, ast.Load(), lineno=0, col_offset=0) for a in renaming.arguments]
        return node


def same_body(piece: ast.stmt, code: str, added: int) -> bool:
    """Whether the lifted code does what the original does: equal trees but for what was put first."""
    made = ast.parse(code).body[0]
    if isinstance(piece, ast.Expr):
        old = piece.value
        assert isinstance(old, ast.Lambda) and isinstance(made, ast.FunctionDef)
        last = made.body[added]
        value = last.value if isinstance(last, ast.Return) else None
        return value is not None and _dump(old.body) == _dump(value) and _same_parameters(old.args, made.args)
    assert isinstance(piece, ast.If)
    definition = piece.body[0]
    if isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)) and type(made) is type(definition):
        assert isinstance(made, (ast.FunctionDef, ast.AsyncFunctionDef))
        if not _same_parameters(definition.args, made.args):
            return False
        doc = 1 if ast.get_docstring(definition, clean=False) is not None else 0
        made.body[doc : doc + added] = []
        made.args = definition.args
    return _dump(definition) == _dump(made)


def _same_parameters(old: ast.arguments, new: ast.arguments) -> bool:
    """Whether the new parameters are the old ones behind added positional-only ones."""
    added = len(new.posonlyargs) - len(old.posonlyargs)
    if added < 0:
        return False
    trimmed = ast.arguments(
        posonlyargs=new.posonlyargs[added:],
        args=new.args,
        vararg=new.vararg,
        kwonlyargs=new.kwonlyargs,
        kw_defaults=new.kw_defaults,
        kwarg=new.kwarg,
        defaults=new.defaults,
    )
    return _dump(trimmed) == _dump(old)


def _dump(node: ast.AST) -> str:
    return ast.dump(node)
