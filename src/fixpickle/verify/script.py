"""Trim a script to the definitions a proof needs, so that proving never does the script's work.

Importing a script whose top level downloads, trains or deletes would do all that for a proof. What is kept here are
the statements that bind the wanted names, and, in turn, the names those statements read. Everything else becomes
blank lines: tracebacks, `inspect.getsource` and the positions of code objects stay true.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

_NEWLINE = re.compile(rb"\r\n|\r|\n")
_DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BINDING = (*_DEFINITION, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign)
_NESTING = (ast.If, ast.Try)
_EXITS = ("sys.exit", "exit", "quit", "os._exit")


def trim(text: str, names: Iterable[str] | None) -> str:
    """The part of a script that binds `names`, each statement on the line where it was.

    `names` are top-level names; those the script does not bind are passed over. None keeps every definition and
    every assignment that calls nothing, for a script that is imported by something else. Raises SyntaxError where the
    running interpreter cannot parse `text`.
    """
    text = _without_work(text)
    body = ast.parse(text).body
    wanted = set(_offered(body) if names is None else names)
    kept: dict[int, ast.stmt] = {i: s for i, s in enumerate(body) if _always(s, first=i == 0)}
    wanted.update(name for statement in kept.values() for name in _reads(statement))
    candidates = {i: s for i, s in enumerate(body) if i not in kept and _definitional(s)}
    while True:
        found = [i for i, s in candidates.items() if wanted.intersection(_binds(s))]
        if not found:
            return _lines(text, [kept[i] for i in sorted(kept)])
        for i in found:
            kept[i] = candidates.pop(i)
            wanted.update(_reads(kept[i]))


def used(text: str) -> frozenset[str]:
    """Every name that a script reads. Raises SyntaxError where the running interpreter cannot parse `text`."""
    return frozenset(_reads(ast.parse(text)))


def roots_of(expression: str) -> frozenset[str]:
    """The names an expression, or a dotted name, starts from. Empty where it does not parse."""
    try:
        return frozenset(_reads(ast.parse(expression.strip(), mode="eval")))
    except SyntaxError:
        return frozenset()


def _always(statement: ast.stmt, first: bool) -> bool:
    """Docstring and future imports shape the module, star imports may bind anything, imports need sys.path."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__" or any(a.name == "*" for a in statement.names)
    if not isinstance(statement, ast.Expr):
        return False
    if isinstance(statement.value, ast.Call):
        return ast.unparse(statement.value.func).startswith("sys.path.")
    return first and isinstance(statement.value, ast.Constant)


def _offered(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, _DEFINITION) or (_definitional(statement) and not _calls(statement)):
            yield from _binds(statement)


def _calls(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(statement))


def _definitional(statement: ast.stmt) -> bool:
    """Whether running it only binds names. Loops, `with` blocks, bare calls and the main guard are work."""
    if _nests(statement):
        return all(map(_only_binds, _inner(statement)))
    return isinstance(statement, _BINDING) or type(statement).__name__ == "TypeAlias"


def _only_binds(statement: ast.stmt) -> bool:
    return _definitional(statement) or isinstance(statement, ast.Pass | ast.Raise)


def _without_work(text: str) -> str:
    """The script without what an `if` or a `try` does besides binding names; where it gives up, it raises."""
    source = _NEWLINE.split(text.encode())
    found = [one for statement in ast.parse(text).body for one in _work(statement)]
    for statement, instead in reversed(found):
        start, end = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        rest = source[end][statement.end_col_offset :]
        source[start] = source[start][: statement.col_offset] + instead + rest
        source[start + 1 : end + 1] = [b""] * (end - start)
    return b"\n".join(source).decode() if found else text


def _work(statement: ast.stmt) -> Iterator[tuple[ast.stmt, bytes]]:
    """The statements in it that do not merely bind names, in their order, each with what is to stand in its place."""
    if not _nests(statement) or (isinstance(statement, ast.Try) and not all(map(_only_binds, statement.body))):
        return  # what a `try` does besides decides which of its blocks runs
    handled = {id(s) for handler in getattr(statement, "handlers", ()) for s in handler.body}
    for inner in _inner(statement):
        if _nests(inner):
            yield from _work(inner)
        elif not _only_binds(inner):
            yield inner, b"raise" if id(inner) in handled and _gives_up(inner) else b"pass"


def _nests(statement: ast.stmt) -> bool:
    guard = isinstance(statement, ast.If) and _is_main_guard(statement.test)
    return isinstance(statement, _NESTING) and not guard


def _gives_up(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in _EXITS


def _is_main_guard(test: ast.expr) -> bool:
    names = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
    texts = {n.value for n in ast.walk(test) if isinstance(n, ast.Constant)}
    return "__name__" in names and "__main__" in texts


def _inner(statement: ast.stmt) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.ExceptHandler):
            yield from child.body
        elif isinstance(child, ast.stmt):
            yield child


def _binds(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, _DEFINITION):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(statement, _NESTING):
        for inner in _inner(statement):
            yield from _binds(inner)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _targets(target)
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        yield from _targets(statement.target)
    elif isinstance(name := getattr(statement, "name", None), ast.Name):
        yield name.id


def _targets(target: ast.expr) -> Iterator[str]:
    """`TABLE["a"] = f` and `f.label = 1` shape what `TABLE` and `f` are, so they count as binding them."""
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _targets(element)
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id


def _reads(node: ast.AST) -> Iterator[str]:
    """Every name in it. Local ones come along: a statement too many is harmless, one too few is not."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Global):
            yield from inner.names


def _lines(text: str, kept: list[ast.stmt]) -> str:
    """Only whole segments are copied, so that `work(); x = 1` gives `x = 1`. Column offsets count UTF-8 bytes."""
    source = _NEWLINE.split(text.encode())
    trimmed = [b""] * len(source)
    for statement in kept:
        decorators = getattr(statement, "decorator_list", [])
        start = min([statement.lineno, *(d.lineno for d in decorators)]) - 1
        end = (statement.end_lineno or statement.lineno) - 1
        lines = source[start : end + 1]
        lines[-1] = lines[-1][: statement.end_col_offset]
        if not decorators:
            lines[0] = lines[0][statement.col_offset :]
        separator = b"; " if trimmed[start] else b""
        trimmed[start] += separator + lines[0]
        trimmed[start + 1 : end + 1] = lines[1:]
    return b"\n".join(trimmed).decode()
