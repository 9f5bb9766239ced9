"""# legacy-tune-call

A script written for an older Ray Tune. It fails in the trial, or at its import, whatever becomes of its pickles:

    TypeError: report() got an unexpected keyword argument 'metric'
    ModuleNotFoundError: No module named 'ray.tune.execution.trial_runner'
    AttributeError: module 'ray.tune' has no attribute 'checkpoint_dir'

This rule has nothing to do with pickling. It is here because such a script does not run after its pickling is mended.

## What it becomes

- `tune.report(loss=1.0, step=i)` becomes `tune.report({"loss": 1.0, "step": i})`. Keywords failed from Ray 2.7 on; the
  dictionary is there from 2.41 on.
- `with tune.checkpoint_dir(step=i) as folder:` becomes a `TemporaryDirectory`, and the report that follows stands in
  it and takes the folder as its checkpoint. Where the `with` stands under a condition, the report gets the checkpoint
  or None.
- The parameter `checkpoint_dir`, in which Tune handed in the folder to go on from, is filled by
  `tune.get_checkpoint()`. It is None today, without an error: such a trial starts from the beginning. The parameter
  goes in a script that nobody imports, and stays where others may call the function with it.
- `tune.get_trial_id()` and its three siblings become methods of `tune.get_context()`.
- `local_dir=` becomes `storage_path=`, made absolute where it may not be. Other arguments of `tune.run` that went are
  left out where they said nothing: `loggers=None`, `queue_trials=False`, `with_server=False`.
- `train.report`, `train.get_checkpoint` and `train.get_context` of `ray.train`, in a function that Tune runs, become
  those of `ray.tune`, and so do `train.RunConfig`, `CheckpointConfig` and `FailureConfig` that are written where Tune
  is given its settings. What `ray.train` has serves its own trainers alone, from Ray 2.51 on.
- Names that only moved are taken from where they are now: searchers of `ray.tune.suggest`, `Trial`,
  `PlacementGroupFactory`, the logger callbacks of wandb, mlflow and comet, and `ray.air.Checkpoint` where a folder is
  all that it is made from.

## What it leaves alone

`tune.run`, which still works, as `register_trainable`, `register_env` and `ray.air.session` do. `tune.report` with a
dictionary. What a trainer of `ray.train` runs or is given. A `checkpoint_dir` that somebody else than Tune gives, as in
methods of `tune.Trainable`. Projects whose requirement files keep them to a Ray in which the old form works, as
`ray[tune]<2.7` does.

## When it refuses

Everything else that went is reported with what stands in its place: `TrialRunner`, `RayTrialExecutor`, `Syncer`,
`Logger`, `_TrackedCheckpoint`, `Checkpoint.from_dict`, `ray.init(local_mode=True)`, arguments of `tune.run` that said
something, `_setup`, `_train`, `_save` and `_restore` of a `tune.Trainable`, and more: `docs/systems.md` lists them.
`tune.report(**values)` alone, where only running tells what is in it; a report with `checkpoint=`, which was a metric
and is none today; one with a metric that has no name.

A checkpoint's folder is temporary now, and has another name. So these are reported: no report follows in the block
of the `with`, or which of several does only running tells; a name that leads to the folder is read after the report,
told by it, or kept somewhere; the step is read from the folder's name, or counted by the call; every step writes to
one folder.

The Ray that is installed in the interpreter is older than the new form.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import Evidence, Finding, Patch, Reach, Refusal, Safety, Source, Span, Trainable
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, ImportFact, Reference
from fixpickle.survey.moved import Moved, Release, behind
from fixpickle.survey.moved_names import FOLDER, HANDED_IN
from fixpickle_codemods._releases import consulted, installed, pinned_below
from fixpickle_codemods._top_statements import within
from fixpickle_codemods._tune_arguments import not_dropped, without_argument
from fixpickle_codemods._tune_calls import (
    GETTERS,
    REPORT,
    Rewritten,
    imported,
    in_context,
    no_dictionary,
    not_in_context,
    not_moved,
    not_renamed,
    renamed,
    reported,
)
from fixpickle_codemods._tune_checkpoints import SAVE, saved
from fixpickle_codemods._tune_hooks import GONE, old_hooks
from fixpickle_codemods._tune_restoring import restored, run_by_tune

_LIBRARY = "ray"


class LegacyTuneCall:
    """A name or call form of Ray that is gone."""

    name = "legacy-tune-call"
    summary = "a call or name of an older Ray Tune, which today's fails on"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every use in a form that today's Ray does not take, where the project does not keep to an older one."""
        for symbol, span, known, reason in () if _LIBRARY in project.tops else _uses(project, facts):
            if pinned_below(_LIBRARY, known.gone, facts.root):
                continue
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=span,
                message=f"{symbol}: {_said(known)}",
                reach=Reach(Evidence.BOUNDARY, (f"fails from Ray {_dotted(known.gone)} on",), ""),
                safety=Safety.MANUAL if reason else Safety.SAFE,
                reason=reason,
            )
        if _LIBRARY not in project.tops:
            yield from self._hooks(project, facts)

    def _hooks(self, project: Project, facts: Facts) -> Iterator[Finding]:
        for span, cls, names in old_hooks(project, facts):
            if pinned_below(_LIBRARY, GONE, facts.root):
                return
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=span,
                message=f"ray.tune.Trainable: Tune calls no method of {cls} by these names",
                reach=Reach(Evidence.BOUNDARY, (f"fails from Ray {_dotted(GONE)} on",), ""),
                safety=Safety.MANUAL,
                reason=f"{names} today; a checkpoint is a dictionary, or what is written into the folder",
            )

    def consults(self, project: Project, facts: Facts) -> Iterator[Path]:
        """Where requirements would be, for a file that has something to say."""
        if any(True for _ in (*_uses(project, facts), *old_hooks(project, facts))):
            yield from consulted(facts.root)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The same in today's form."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        known, use = _use_at(facts, finding)
        have = installed(_LIBRARY, shop.settings.python)
        if have and have < known.since:
            reason = f"Ray {_dotted(have)} is installed, and the new form is there from {_dotted(known.since)} on"
            return Refusal(finding.path, reason, finding.span.line, self.name)
        if isinstance(use, ImportFact):
            made: Rewritten | str = imported(facts, source, use, known.to)
        else:
            made = _rewritten(shop.project, facts, source, use, known)
        if isinstance(made, str):
            return Refusal(finding.path, made, finding.span.line, self.name)
        needs = () if known.idle else (f"it needs Ray {_dotted(known.since)} or later",)
        notes = (*made.notes, *needs)
        run = _run_by_tune(facts, finding.span) if shop.settings.prove_with_ray else ()
        return Patch(finding, made.edits, subjects=(*made.subjects, *run), notes=notes)


def _rewritten(project: Project, facts: Facts, source: Source, use: Reference, known: Moved) -> Rewritten | str:
    """The use in today's form, or why it has none."""
    if use.symbol == REPORT:
        return reported(facts, source, use)
    if use.symbol == SAVE:
        return saved(facts, source, use)
    if use.symbol == HANDED_IN:
        return restored(project, facts, source, use)
    if use.symbol.endswith(")"):
        return without_argument(facts, source, use)
    return in_context(source, use) if use.symbol in GETTERS else renamed(facts, source, use, known)


def _run_by_tune(facts: Facts, span: Span) -> tuple[Trainable, ...]:
    """The function of a script that the use stands in: a real trial says more than a signature does."""
    around = [s for s in facts.statements if s.kind == "definition" and within(span.start, s)]
    return tuple(Trainable(facts.module, s.binds[0], facts.path) for s in around if facts.is_script)


def _uses(project: Project, facts: Facts) -> Iterator[tuple[str, Span, Moved, str]]:
    """The symbol, its place, what is known of it, and why it has no rewrite, for each use in an old form."""
    gone = list[str]()
    for fact in facts.imports:
        known = _moved(fact)
        if known is not None:
            symbol = fact.module if fact.whole else fact.target
            gone.append(f"{symbol}.")
            only_moved = fact.target == known.name and known.to and not fact.whole
            reason = not_moved(facts, fact, known) if only_moved else f"instead: {known.instead}"
            yield symbol, fact.span, known, reason
    for reference in facts.references:
        known = behind(reference.symbol)
        handed = reference.symbol == HANDED_IN or (known is not None and known.inside == "trainable")
        if handed and not run_by_tune(project, facts, reference.argument):
            continue
        if known is not None and not f"{reference.symbol}.".startswith(tuple(gone)):
            # What is found at fixing is known by the message: one for each function.
            of = f" of {reference.argument}" if reference.symbol in (SAVE, HANDED_IN) else ""
            symbol = FOLDER if reference.symbol == HANDED_IN else reference.symbol
            yield symbol + of, reference.span, known, _no_rewrite(facts, reference, known)


def _moved(fact: ImportFact) -> Moved | None:
    """What is known of what an import loads, where loading it is enough to fail."""
    known = behind(fact.module if fact.whole else fact.target)
    plain = known is not None and known.given is None and known.name not in GETTERS and not known.inside
    return known if plain else None


def _no_rewrite(facts: Facts, reference: Reference, known: Moved) -> str:
    if reference.symbol == REPORT:
        return no_dictionary(reference.keywords)
    if reference.symbol in (SAVE, HANDED_IN):
        return ""
    if known.name.endswith(")"):
        return not_dropped(reference, known)
    return not_in_context(facts, reference) if reference.symbol in GETTERS else not_renamed(reference, known)


def _use_at(facts: Facts, finding: Finding) -> tuple[Moved, ImportFact | Reference]:
    """What a finding of ours is about: several names of one import share its place, and each is in its message."""
    for fact in facts.imports:
        said = finding.message.startswith(f"{fact.module if fact.whole else fact.target}: ")
        if fact.span == finding.span and said and (known := _moved(fact)) is not None:
            return known, fact
    for reference in facts.references:
        if reference.span == finding.span and (known := behind(reference.symbol)) is not None:
            return known, reference
    raise LookupError(finding)


def _said(known: Moved) -> str:
    if known.name == REPORT:
        return "metrics are given in a dictionary"
    if known.name == SAVE:
        return "a report takes the folder as its checkpoint"
    if known.name == HANDED_IN:
        return "Tune hands it in no more, and the trial starts from the beginning"
    return f"moved to {known.to}" if known.to else "is gone"


def _dotted(release: Release) -> str:
    return ".".join(map(str, release))


RULE = LegacyTuneCall()
