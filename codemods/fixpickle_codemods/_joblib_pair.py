"""How a file gets `Parallel` and `delayed` from another module: the imports that name them, and names spelled out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fixpickle.model import Edit, Source, Span
from fixpickle.rewrite import cst, free_name, import_line, line_start
from fixpickle.survey.facts import Facts, ImportFact

PARALLEL = frozenset({"joblib.Parallel", "joblib.parallel.Parallel"})
DELAYED = frozenset({"joblib.delayed", "joblib.parallel.delayed"})
PAIR = PARALLEL | DELAYED
_MODULES = frozenset({"joblib", "joblib.parallel"})
_FROM = re.compile(r"from\s+([\w.]+)")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The edits, and two expressions for the pair, `Parallel` first, in the module's namespace before and after."""

    edits: tuple[Edit, ...]
    before: tuple[str, str]
    after: tuple[str, str]


def exchange(facts: Facts, source: Source, module: str, absolute: str, taken: set[str]) -> Exchange:
    """Both halves from `module`, as this file writes it, where the file now takes them from joblib.

    `absolute` is the dotted name of that module. `taken` holds names that the run has given away.
    """
    local = _spelled_out(facts, source, taken)
    edits = [_import_edit(source, span, module) for span in sorted({i.span for i in _named(facts)})]
    for reference in facts.references:
        half = reference.symbol.rpartition(".")[2]
        if reference.symbol in PAIR and "." in source.text[reference.span.start : reference.span.end]:
            edits.append(Edit(source.path, reference.span.start, reference.span.end, local[half]))
    if local:
        names = ", ".join(n if n == given else f"{n} as {given}" for n, given in local.items())
        edits += _added_imports(facts, source, f"from {module} import {names}")
    before = _expression(facts, source, PARALLEL), _expression(facts, source, DELAYED)
    after = _afterwards(facts, local, "Parallel", absolute), _afterwards(facts, local, "delayed", absolute)
    return Exchange(tuple(edits), before, after)


def _named(facts: Facts) -> list[ImportFact]:
    """The imports that take one of the pair by its name."""
    return [i for i in facts.imports if i.target in PAIR and not i.whole]


def _wholes(facts: Facts) -> list[ImportFact]:
    return [i for i in facts.imports if i.target in _MODULES]


# --- `from joblib import Parallel, delayed` -------------------------------------------------------------------------


def _import_edit(source: Source, span: Span, module: str) -> Edit:
    """`from joblib import Memory, Parallel, delayed` without the pair, and the pair from `module` behind it."""
    text = source.text[span.start : span.end].replace("\r\n", "\n")
    statement = cst.ensure_type(cst.parse_statement(text), cst.SimpleStatementLine)
    imported = cst.ensure_type(statement.body[0], cst.ImportFrom)
    names = list(imported.names) if not isinstance(imported.names, cst.ImportStar) else []
    moved = [a for a in names if a.evaluated_name in ("Parallel", "delayed")]
    kept = [a for a in names if a not in moved]
    if not kept:
        written = _FROM.match(text)
        assert written is not None
        # Only the module's name changes, so that comments between the names stay.
        return Edit(source.path, span.start + written.start(1), span.start + written.end(1), module)
    indent = source.text[line_start(source.text, span.start) : span.start]
    gap = f"\n{indent}" if not indent.strip() else "; "
    code = [_FROM.sub(f"from {name}", _with(imported, some)) for name, some in ((_module(text), kept), (module, moved))]
    return Edit(source.path, span.start, span.end, gap.join(code))


def _module(text: str) -> str:
    written = _FROM.match(text)
    assert written is not None
    return written[1]


def _with(imported: cst.ImportFrom, names: list[cst.ImportAlias]) -> str:
    if imported.lpar is None:
        names = [*names[:-1], names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
    return cst.Module([]).code_for_node(imported.with_changes(names=names))


# --- `joblib.Parallel` spelled out ----------------------------------------------------------------------------------


def _spelled_out(facts: Facts, source: Source, taken: set[str]) -> Mapping[str, str]:
    """The halves that are spelled out, and the names they get: their own unless something else in the file has it."""
    halves = {
        r.symbol.rpartition(".")[2]
        for r in facts.references
        if r.symbol in PAIR and "." in source.text[r.span.start : r.span.end]
    }
    used = set(_identifiers(source.text))
    return {h: free_name(f"joblib_{h.lower()}", source.text, taken) if h in used else h for h in sorted(halves)}


def _identifiers(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name


def _added_imports(facts: Facts, source: Source, line: str) -> Iterator[Edit]:
    """One import at module level; where joblib itself is imported in a function, there, so that it is no sooner."""
    inner = [i for i in _wholes(facts) if not i.top]
    if len(inner) < len(_wholes(facts)):
        yield import_line(facts, source, line)
        return
    for fact in inner:
        indent = source.text[line_start(source.text, fact.span.start) : fact.span.start]
        gap = f"\n{indent}" if not indent.strip() else "; "
        yield Edit(source.path, fact.span.start, fact.span.start, f"{line}{gap}")


# --- the pair, for the proof ----------------------------------------------------------------------------------------


def _expression(facts: Facts, source: Source, half: frozenset[str]) -> str:
    """One half as the module's namespace gives it as it stands."""
    reference = next(r for r in facts.references if r.symbol in half)
    written = source.text[reference.span.start : reference.span.end]
    top = {name for s in facts.statements if s.kind == "import" for name in s.binds}
    return written if written.partition(".")[0] in top else _imported(*reference.symbol.rsplit(".", 1))


def _afterwards(facts: Facts, local: Mapping[str, str], half: str, absolute: str) -> str:
    top = {name for s in facts.statements if s.kind == "import" for name in s.binds}
    named = [i.local for i in _named(facts) if i.local in top and i.target.endswith(f".{half}")]
    spelled = [local[half]] if half in local and any(i.top for i in _wholes(facts)) else []
    return next(iter([*named, *spelled]), _imported(absolute, half))


def _imported(module: str, name: str) -> str:
    """An expression for a name that only functions of the module import."""
    return f"__import__({module!r}, fromlist=[{name!r}]).{name}"
