"""tpcp's pair in the place of joblib's: `delayed(f)` in front of the generator, and states registered."""

from __future__ import annotations

from fixpickle.model import Edit, Finding, NewFile, Pair, Patch, Refusal, Source, WorkerState
from fixpickle.rewrite import attached_start, import_line, namespaced, runtime_module, vendored
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, TopStatement
from fixpickle_codemods._hoisted_delayed import hoisted
from fixpickle_codemods._joblib_pair import DELAYED, PAIR, Exchange
from fixpickle_codemods._pair_choice import notes, to_register

_REGISTER = "register_with_tpcp"


def for_tpcp(finding: Finding, shop: Workshop, made: Exchange) -> Patch | Refusal:
    """The exchange of the pair, with `delayed(f)` where it captures in time, and what the project sets registered."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    if '"multiprocessing"' in source.text or "'multiprocessing'" in source.text:
        return Refusal(finding.path, "tasks of tpcp's `delayed` cannot be pickled for joblib's backend multiprocessing")
    delayed = [r.span for r in facts.references if r.symbol in DELAYED and r.called]
    spelled = any("." in source.text[span.start : span.end] for span in delayed)
    out = hoisted(facts, source, delayed, made.after[1] if spelled else "", shop.taken[finding.path])
    if isinstance(out, Refusal):
        return out
    registered = _registered(facts, source, shop)
    if isinstance(registered, Refusal):
        return registered
    edits, new = registered
    kept = [e for e in made.edits if not any(g.start <= e.start and e.end <= g.end for g in out.gone)]
    states = to_register(shop.project)
    register = f"{_REGISTER}({states[0]!r})" if states else ""
    subject = WorkerState(facts.module, made.before, made.after, states[0] if states else "warnings", register)
    said = tuple(notes(shop.project, Pair.TPCP))
    return Patch(finding, (*kept, *out.edits, *edits), new, (subject,), said)


def _registered(facts: Facts, source: Source, shop: Workshop) -> tuple[tuple[Edit, ...], tuple[NewFile, ...]] | Refusal:
    """The call that lets tpcp carry what the project sets: none where it sets nothing that tpcp leaves behind."""
    states = to_register(shop.project)
    if not states:
        return (), ()
    plain = {s.span for s in facts.statements if s.kind == "import"}
    if not any(i.span in plain for i in facts.imports if i.target in PAIR or i.target in ("joblib", "joblib.parallel")):
        return Refusal(facts.path, "tpcp's states are registered at module level, and joblib is imported in a function")
    first = _below_imports(facts)
    new = vendored(facts, source, shop.settings, "parallel")
    refusal = namespaced(facts, shop.project.files, shop.settings)
    if isinstance(new, Refusal) or refusal:
        return new if isinstance(new, Refusal) else refusal or Refusal(facts.path, "")
    module = runtime_module(facts, source, shop.settings, "parallel")
    at = attached_start(source.text, first.span.start)
    gap = "\n\n\n" if first.kind == "definition" else "\n\n"
    given = ", ".join(f'"{state}"' for state in states)
    line = import_line(facts, source, f"from {module} import {_REGISTER}")
    return (line, Edit(source.path, at, at, f"{_REGISTER}({given}){gap}")), new


def _below_imports(facts: Facts) -> TopStatement:
    """The first statement of the module that is no import, nor the docstring."""
    return next(s for s in facts.statements if s.kind not in ("docstring", "future", "import"))
