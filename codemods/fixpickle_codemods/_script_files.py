"""The text of a script and of the module beside it, once its definitions have moved there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from fixpickle.model import Edit, Source
from fixpickle.rewrite import attached_start, cst, line_end, line_start
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, TopStatement
from fixpickle_codemods._script_layout import Layout

_WIDTH = 88  # black's, where nothing else is said


# --- the module -----------------------------------------------------------------------------------------------------


def module_text(facts: Facts, source: Source, plan: Layout) -> str:
    """What the module is for, the imports that the moved code reads, and the moved code as it was."""
    text = source.text
    futures = [_line(text, s) for s in facts.statements if s.kind == "future"]
    imports = "\n".join(_imports(text, plan.imports, plan.reads))
    head = [f'"""Definitions of {facts.path.name} that other processes import."""', "\n".join(futures), imports]
    body = ""
    for number, statement in enumerate(plan.moved):
        body += "\n" * (_gap(text, plan.moved[number - 1], statement) if number else 0) + _code(text, statement)
    above = "\n" * (3 if plan.moved[0].kind == "definition" else 2)
    whole = "\n\n".join(filter(None, head)) + above + body
    return whole.replace("\r\n", "\n").replace("\r", "\n").replace("\n", source.newline)


def _line(text: str, statement: TopStatement) -> str:
    return text[statement.span.start : line_end(text, statement.span.end)].rstrip()


def _code(text: str, statement: TopStatement) -> str:
    """A statement with the comments above and behind it."""
    code = text[statement_start(text, statement) : line_end(text, statement.span.end)].rstrip() + "\n"
    return code if statement.span.column == 1 else _dedented(code)


def _dedented(code: str) -> str:
    """A statement of a block as one of a module; the inside of long strings keeps its margin."""
    guard = cst.ensure_type(cst.parse_module(f"if True:\n{code}").body[0], cst.If)
    indent = code[: len(code) - len(code.lstrip(" \t"))]
    lines = cst.ensure_type(guard.body, cst.IndentedBlock).body
    return "".join(cst.Module([], default_indent=indent).code_for_node(line) for line in lines)


def statement_start(text: str, statement: TopStatement) -> int:
    """Where a statement starts with the comments above it; those that start the file belong to the file."""
    return attached_start(text, statement.span.start) or line_start(text, statement.span.start)


def _gap(text: str, above: TopStatement, below: TopStatement) -> int:
    """How many blank lines stand between two statements: as black has them around definitions, else as they were."""
    if "definition" in (above.kind, below.kind):
        return 2
    before = text[: statement_start(text, below)].replace("\r\n", "\n")
    return min(len(before) - len(before.rstrip("\n")) - 1, 2)


def _imports(text: str, statements: Sequence[TopStatement], needed: frozenset[str]) -> Iterator[str]:
    """The imports, with blank lines where such parted them in the script."""
    for number, statement in enumerate(statements):
        between = text[statements[number - 1].span.end : statement.span.start] if number else ""
        if re.search(r"\n[ \t\r]*\n", between):
            yield ""
        yield from _import(text, statement, needed)


def _import(text: str, statement: TopStatement, needed: Iterable[str]) -> Iterator[str]:
    """An import with only those of its names that the module needs; as it was where that is all of them."""
    node = ast.parse(text[statement.span.start : statement.span.end]).body[0]
    names = node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else []
    kept = [a for a in names if (a.asname or a.name).split(".")[0] in needed or a.name == "*"]
    if len(kept) == len(names):
        yield _line(text, statement)
        return
    parts = [f"{a.name} as {a.asname}" if a.asname else a.name for a in kept]
    if isinstance(node, ast.ImportFrom):
        yield _from_import("." * node.level + (node.module or ""), parts)
    else:
        yield from (f"import {part}" for part in parts)


def _from_import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"


# --- the script -----------------------------------------------------------------------------------------------------


def import_back(module: str, names: Iterable[str]) -> str:
    """The import of what moved: constants, classes, functions, as isort orders them."""
    return _from_import(module, sorted(names, key=lambda n: (not n.isupper(), not n.lstrip("_")[:1].isupper(), n)))


def edits(
    facts: Facts, source: Source, moved: Sequence[TopStatement], work: Sequence[TopStatement]
) -> tuple[Edit, ...]:
    """What `moved` is taken out of the script, and `work` is gathered at its end, under a main guard."""
    text = source.text
    if not work:
        return tuple(Edit(source.path, start, end, "") for start, end in _cuts(text, moved))
    begin = _tail(facts, source, moved, work)
    gathered = [s for s in work if statement_start(text, s) < begin]
    above = [c for c in _cuts(text, sorted([*moved, *gathered], key=lambda s: s.span)) if c[0] < begin]
    body = "".join(_pieces(text, gathered)) + _without(text, begin, [c for c in _cuts(text, moved) if c[0] >= begin])
    indent = cst.parse_module(text).default_indent
    parted = text[:begin].replace("\r\n", "\n").endswith("\n\n") or any(end == begin for _, end in above)
    broken = "" if parted or not begin else "\n\n" if text[:begin].endswith(("\n", "\r")) else "\n\n\n"
    guard = Edit(source.path, begin, len(text), broken + _under_guard(body, indent))
    return (*(Edit(source.path, start, min(end, begin), "") for start, end in above), guard)


def _tail(facts: Facts, source: Source, moved: Collection[TopStatement], work: Collection[TopStatement]) -> int:
    """Where the work starts below which nothing stays above the guard; the end of the script, where none stands so."""
    kept = [s.span.end for s in facts.statements if s not in moved and s not in work]
    below = [s for s in work if s.span.start > max(kept, default=-1)]
    return statement_start(source.text, below[0]) if below else len(source.text)


def _pieces(text: str, statements: Sequence[TopStatement]) -> Iterator[str]:
    """Statements with their comments, and a blank line where something parted them."""
    for number, statement in enumerate(statements):
        last = statements[number - 1].span.end if number else statement.span.start
        between = text[last : statement.span.start]
        yield "\n" if re.search(r"\n[ \t\r]*\n", between) else ""
        yield _code(text, statement)
    yield "\n" if statements else ""


def _without(text: str, begin: int, cuts: Sequence[tuple[int, int]]) -> str:
    """The text from `begin` on without these stretches."""
    rest, position = "", begin
    for start, end in cuts:
        rest += text[position:start]
        position = end
    return rest + text[position:]


def _cuts(text: str, statements: Sequence[TopStatement]) -> Iterator[tuple[int, int]]:
    """Statements with their comments and the fewer of the blank lines around them; neighbours in one stretch."""
    stretches: list[tuple[int, int]] = []
    for statement in statements:
        start, end = statement_start(text, statement), line_end(text, statement.span.end)
        if stretches and not text[stretches[-1][1] : start].strip():
            start = stretches.pop()[0]
        stretches.append((start, end))
    for start, end in stretches:
        above, below = len(text[:start].rstrip()), end + len(text[end:]) - len(text[end:].lstrip())
        above, below = line_end(text, above) if above else 0, line_start(text, below)
        more_below = text[end:below].count("\n") > text[above:start].count("\n")
        yield (above, end) if more_below else (start, below)


def _under_guard(code: str, indent: str) -> str:
    """Statements as the body of a main guard. Libcst indents them, and leaves the inside of long strings alone."""
    from fixpickle_codemods._blank_lines import Blank

    module = cst.parse_module(code)
    first = module.body[0]
    lines = [*module.header, *getattr(first, "leading_lines", ())]
    body = [first.with_changes(leading_lines=lines), *module.body[1:]]
    test = cst.parse_expression('__name__ == "__main__"')
    block = cst.IndentedBlock(body, footer=module.footer)
    guard = cst.Module([cst.If(test, block)], default_indent=indent, has_trailing_newline=module.has_trailing_newline)
    return guard.visit(Blank()).code.replace("\r\n", "\n")


def shares_a_line(source: Source, statements: Iterable[TopStatement]) -> bool:
    """Whether another statement stands on the line of one of these, before or behind it."""
    text = source.text
    for statement in statements:
        before = text[line_start(text, statement.span.start) : statement.span.start]
        behind = text[statement.span.end : line_end(text, statement.span.end)]
        if before.strip() or behind.lstrip().startswith(";"):
            return True
    return False


def free_module(facts: Facts, shop: Workshop) -> str:
    """A module name beside the script that no file has, and that says where its content comes from."""
    stem = re.sub(r"\W", "_", facts.path.stem).strip("_") or "script"
    wanted = name = f"{stem}_defs"
    number = 1
    while True:
        path = facts.path.with_name(f"{name}.py")
        given = shop.taken[path.parent]
        if not (path.exists() or path.with_suffix("").exists() or path in shop.sources or name in given):
            given.add(name)
            return name
        number += 1
        name = f"{wanted}_{number}"
