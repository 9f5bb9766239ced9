"""# stateless-delayed

`joblib.Parallel` with `joblib.delayed` sends a function and its arguments to the workers, and nothing else.
Configuration set in the parent stays there: `sklearn.set_config`, pandas options, numpy's error state and print
options, warning filters, logging levels, the decimal context. Nothing fails; the results are those of the defaults.

    with sklearn.config_context(assume_finite=True):
        Parallel(n_jobs=2)(delayed(fit)(x) for x in data)        # the workers validate all the same

## What it becomes

Both halves together, `Parallel` and `delayed`, from one library: the one that the project imports or its metadata
names, or the one that `delayed-from` chooses.

- `tpcp.parallel`, from tpcp 3: `delayed(f)` moves in front of the generator of tasks, since tpcp captures where it is
  called; what the project sets is registered with `register_with_tpcp`, which puts it back after each task. It sets
  nothing in workers of joblib's Ray backend, and is not taken where `register_ray` is imported.
- `sklearn.utils.parallel`, from scikit-learn 1.3: it carries scikit-learn's configuration and the filters of warnings,
  and is not taken of itself where the project sets more than that.
- The pair of the runtime module, copied into your package as `_fixpickle_parallel.py`. State is captured once, in the
  thread that calls `Parallel(...)`, applied in the worker around each task, and put back after it.

## What it leaves alone

Files where every `Parallel` says `n_jobs=1`; the pairs of scikit-learn and tpcp; tests; joblib's own sources.

## When it refuses

Only one half is here, and the other comes from another file: half a pair warns at every task and carries nothing.
The names are imported inside a `try` or an `if`, or handed on as values. With tpcp: where `delayed(f)` cannot be called
once in front of the generator, as each task has a function of its own, or for the backends multiprocessing and Ray.

Where the project sets no such configuration, the rewrite changes nothing yet.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from fixpickle.model import Evidence, Finding, Pair, Patch, Reach, Refusal, Safety, Source, WorkerState
from fixpickle.project import Project, is_test
from fixpickle.rewrite import namespaced, runtime_module, vendored
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, ImportFact, Reference
from fixpickle_codemods._joblib_pair import DELAYED, PAIR, PARALLEL, exchange
from fixpickle_codemods._pair_choice import MODULES, chosen, notes
from fixpickle_codemods._tpcp_pair import for_tpcp

_JOBLIB = re.compile(r"(from|import) joblib\b")
_HALF = "half a pair warns at every task and carries nothing"


class StatelessDelayed:
    """joblib's own pair, which leaves the parent's configuration behind."""

    name = "stateless-delayed"
    summary = "joblib workers do not get the configuration that was set in the parent"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding a file: the pair is changed as one, or not at all."""
        references = [r for r in facts.references if r.symbol in PAIR]
        own = project.class_of("joblib.parallel.Parallel") is not None
        if not any(r.called for r in references) or own or is_test(facts) or _in_caller(references):
            return
        reason = _reason(facts, references)
        first = next((r for r in references if r.symbol in DELAYED), references[0])
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
        if line := _conditional(source):
            return Refusal(finding.path, "the pair is imported inside a `try` or an `if`", line)
        pair = chosen(shop, facts)
        if isinstance(pair, Refusal):
            return pair
        if pair is Pair.RUNTIME:
            return _from_runtime(finding, shop)
        made = exchange(facts, source, MODULES[pair], MODULES[pair], shop.taken[finding.path])
        if pair is Pair.TPCP:
            return for_tpcp(finding, shop, made)
        state = WorkerState(facts.module, made.before, made.after, "sklearn")
        return Patch(finding, made.edits, (), (state,), tuple(notes(shop.project, pair)))


def _from_runtime(finding: Finding, shop: Workshop) -> Patch | Refusal:
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    new = vendored(facts, source, shop.settings, "parallel")
    if isinstance(new, Refusal):
        return new
    if refusal := namespaced(facts, shop.project.files, shop.settings):
        return refusal
    module = runtime_module(facts, source, shop.settings, "parallel")
    made = exchange(facts, source, module, _absolute(facts, module), shop.taken[finding.path])
    state = WorkerState(facts.module, made.before, made.after, "decimal")
    return Patch(finding, made.edits, new, (state,), tuple(notes(shop.project, Pair.RUNTIME)))


def _absolute(facts: Facts, module: str) -> str:
    parts = facts.module.split(".")
    package = parts[0] if facts.package or len(parts) > 1 else ""
    return f"{package}.{module.lstrip('.')}" if module.startswith(".") and package else module.lstrip(".")


def _in_caller(references: Sequence[Reference]) -> bool:
    """Whether every `Parallel` says `n_jobs=1`: then tasks run in the thread that has the configuration."""
    made = [r for r in references if r.symbol in PARALLEL]
    return bool(made) and all(r.called and r.argument == "1" for r in made)


def _reason(facts: Facts, references: Sequence[Reference]) -> str:
    halves = {r.symbol in PARALLEL for r in references}
    if halves != {True, False}:
        half, other = ("Parallel", "delayed") if True in halves else ("delayed", "Parallel")
        return f"only {half} is joblib's here, its {other} comes from elsewhere: {_HALF}"
    if any(not r.called for r in references):
        return "Parallel or delayed is handed on as a value, so who calls it cannot be seen"
    whole = {(s.span.start, s.span.end) for s in facts.statements}
    top = [i for i in facts.imports if i.target in PAIR and i.top]
    if any((i.span.start, i.span.end) not in whole and not _in_guard(facts, i) for i in top):
        return "the pair is imported inside a `try` or an `if`"
    named = {i.local for i in top}
    if any(sum(name in s.binds for s in facts.statements) != 1 for name in named):
        return "the names of the pair are bound more than once"
    return ""


def _in_guard(facts: Facts, fact: ImportFact) -> bool:
    return facts.guard is not None and facts.guard.start <= fact.span.start < facts.guard.end


def _conditional(source: Source) -> int:
    """The line of an import of joblib, in a function, that a `try` or an `if` decides on, or 0."""
    for function in ast.walk(ast.parse(source.text)):
        for block in ast.walk(function) if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) else ():
            if isinstance(block, (ast.Try, ast.If, ast.ExceptHandler)):
                for node in [*block.body, *getattr(block, "orelse", ())]:
                    if isinstance(node, (ast.Import, ast.ImportFrom)) and _JOBLIB.match(ast.unparse(node)):
                        return node.lineno
    return 0


RULE = StatelessDelayed()
