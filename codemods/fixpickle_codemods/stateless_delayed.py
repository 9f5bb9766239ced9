"""# stateless-delayed

`joblib.Parallel` with `joblib.delayed` sends a function and its arguments to the workers, and nothing else.
Configuration set in the parent stays there: `sklearn.set_config`, pandas options, numpy's error state and print
options, warning filters, logging levels, the decimal context. Nothing fails; the results are those of the defaults.

    with sklearn.config_context(assume_finite=True):
        Parallel(n_jobs=2)(delayed(fit)(x) for x in data)        # the workers validate all the same

## What it becomes

Both halves together, `Parallel` and `delayed`, from one library: `sklearn.utils.parallel` where the project uses
scikit-learn, else the pair of the runtime module, copied into your package as `_fixpickle_parallel.py`. State is
captured once, in the thread that calls `Parallel(...)`, applied in the worker around each task, and put back after it.

## What it leaves alone

Files where every `Parallel` runs with `n_jobs=1`; the pairs of scikit-learn and tpcp; joblib's own sources.

## When it refuses

Only one half is here, and the other comes from another file: half a pair warns at every task and carries nothing.
The names are imported inside a `try`, or handed on as values.

Where the project sets no such configuration, the rewrite changes nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from fixpickle.model import (
    Edit,
    Evidence,
    Finding,
    NewFile,
    Patch,
    Reach,
    Refusal,
    Safety,
    Settings,
    Source,
    Span,
    WorkerState,
)
from fixpickle.project import Project, is_test
from fixpickle.rewrite import line_start, require, require_runtime
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, ImportFact, Reference

_PARALLEL = frozenset({"joblib.Parallel", "joblib.parallel.Parallel"})
_DELAYED = frozenset({"joblib.delayed", "joblib.parallel.delayed"})
_PAIR = _PARALLEL | _DELAYED


class StatelessDelayed:
    """joblib's own pair, which leaves the parent's configuration behind."""

    name = "stateless-delayed"
    summary = "joblib workers do not get the configuration that was set in the parent"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding a file: the pair is changed as one, or not at all."""
        references = [r for r in facts.references if r.symbol in _PAIR]
        halves = {r.symbol in _PARALLEL for r in references}
        own = project.class_of("joblib.parallel.Parallel") is not None
        if False not in halves or own or is_test(facts):
            return
        first = next(r for r in references if r.symbol in _DELAYED)
        reason = _reason(facts, references, halves)
        yield Finding(
            rule=self.name,
            path=facts.path,
            span=first.span,
            message=f"joblib.delayed leaves configuration behind ({len(references)} uses of the pair)",
            reach=Reach(Evidence.BOUNDARY, ("tasks run in joblib workers",), "cloudpickle"),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """Both names from one library that carries state."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        sklearn = _uses_sklearn(shop.project)
        target = _sklearn_module() if sklearn else _runtime_module(facts, source, shop.settings)
        if isinstance(target, Refusal):
            return target
        module, new_files = target
        edits = [_import_edit(source, span, facts, module) for span in _import_spans(facts)]
        attributes, added = _attribute_edits(facts, source, module)
        before = _written(facts, source, _PARALLEL), _written(facts, source, _DELAYED)
        subject = WorkerState(
            facts.module, before, _local_names(facts, attributes), "sklearn" if sklearn else "decimal"
        )
        notes = (
            ()
            if _sets_state(shop.project)
            else ("no such configuration is set in these files: it changes nothing yet",)
        )
        return Patch(finding, (*edits, *attributes, *added), new_files, (subject,), notes)


def _reason(facts: Facts, references: list[Reference], halves: set[bool]) -> str:
    if True not in halves:
        return "its Parallel is made in another file, and half a pair warns at every task and carries nothing"
    plain = {i.local for i in facts.imports if i.target in _PAIR}
    if any(not r.called for r in references):
        return "Parallel or delayed is handed on as a value, so who calls it cannot be seen"
    nested = [s for s in facts.statements if s.kind == "import" and plain & set(s.binds)]
    spans = {(i.span.start, i.span.end) for i in facts.imports if i.target in _PAIR and i.top}
    if any((s.span.start, s.span.end) not in spans for s in nested):
        return "the pair is imported inside a `try` or an `if`"
    return ""


def _uses_sklearn(project: Project) -> bool:
    return any(i.target.split(".")[0] == "sklearn" for f in project.files for i in f.imports)


def _sets_state(project: Project) -> bool:
    """Whether any file reaches for what the pair carries. An import is enough: the setting may be in a helper."""
    carried = {"sklearn", "pandas", "numpy", "decimal", "warnings", "logging"}
    return any(i.target.split(".")[0] in carried for f in project.files for i in f.imports)


def _sklearn_module() -> tuple[str, tuple[NewFile, ...]]:
    return "sklearn.utils.parallel", ()


def _runtime_module(facts: Facts, source: Source, settings: Settings) -> tuple[str, tuple[NewFile, ...]] | Refusal:
    runtime = require_runtime(facts, source, settings, "parallel")
    if isinstance(runtime, Refusal):
        return runtime
    if settings.runtime == "package":
        return "fixpickle.runtime.parallel", ()
    dots = "." * (facts.module.count(".") + (1 if facts.package else 0))
    return f"{dots}_fixpickle_parallel", runtime.new_files


# --- edits ----------------------------------------------------------------------------------------------------------


def _from_imports(facts: Facts) -> list[ImportFact]:
    return [i for i in facts.imports if i.target in _PAIR and not i.whole]


def _import_spans(facts: Facts) -> list[Span]:
    return sorted({i.span for i in _from_imports(facts)})


def _import_edit(source: Source, span: Span, facts: Facts, module: str) -> Edit:
    """`from joblib import Memory, Parallel, delayed` without the pair, and the pair from `module` below it."""
    statement = cst.parse_statement(source.text[span.start : span.end])
    assert isinstance(statement, cst.SimpleStatementLine)
    imported = statement.body[0]
    assert isinstance(imported, cst.ImportFrom) and not isinstance(imported.names, cst.ImportStar)
    moved = [a for a in imported.names if a.evaluated_name in ("Parallel", "delayed")]
    kept = [a for a in imported.names if a not in moved]
    spelled = ", ".join(_spelled(a) for a in moved)
    lines = [f"from {module} import {spelled}"]
    if kept:
        rest = imported.with_changes(names=[*kept[:-1], kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)])
        lines.insert(0, cst.Module([]).code_for_node(rest))
    indent = source.text[line_start(source.text, span.start) : span.start]
    return Edit(source.path, span.start, span.end, f"\n{indent}".join(lines))


def _spelled(alias: cst.ImportAlias) -> str:
    return f"{alias.evaluated_name} as {alias.evaluated_alias}" if alias.evaluated_alias else alias.evaluated_name


def _attribute_edits(facts: Facts, source: Source, module: str) -> tuple[list[Edit], list[Edit]]:
    """`joblib.delayed` spelled out becomes the imported name; the edits at the uses, and those that import."""
    uses: list[Edit] = []
    added: list[Edit] = []
    for reference in facts.references:
        written = source.text[reference.span.start : reference.span.end]
        if reference.symbol in _PAIR and "." in written:
            imported = require(facts, source, module, reference.symbol.rpartition(".")[2])
            uses.append(Edit(source.path, reference.span.start, reference.span.end, imported.code))
            added += [e for e in imported.edits if e not in added]
    return uses, added


def _written(facts: Facts, source: Source, half: frozenset[str]) -> str:
    """How the module writes one half of the pair as it stands."""
    span = next(r.span for r in facts.references if r.symbol in half)
    return source.text[span.start : span.end]


def _local_names(facts: Facts, attributes: list[Edit]) -> tuple[str, str]:
    """How the module names the pair after the change."""
    local = {i.target.rpartition(".")[2]: i.local for i in _from_imports(facts)}
    for edit in attributes:
        local.setdefault(edit.text.rpartition(".")[2], edit.text)
    return local.get("Parallel", "Parallel"), local.get("delayed", "delayed")


RULE = StatelessDelayed()
