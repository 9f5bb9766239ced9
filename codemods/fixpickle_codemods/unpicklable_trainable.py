"""# unpicklable-trainable

A `multiprocessing.Lock` or `RLock` that a function or class carries along into Ray: as a global of the script or a
captured variable of a trainable, a task or an actor. It is often put there to mend a `threading.Lock`, and fails too:

    RuntimeError: Lock objects should only be shared between processes through inheritance

Such a lock reaches the children of a process when they are forked or started, and no pickle. Ray's workers are not
children of the script.

And a `save_checkpoint` that hands on all that a trainable keeps, as `return self.__dict__` does. Ray keeps things of
its own on a trainable, a lock among them, so the trial fails when it saves:

    TypeError: cannot pickle '_thread.lock' object

## What it becomes

`ray_lock()` or `ray_rlock()` of the runtime module, copied beside the script as `_fixpickle_raylocks.py`: a lock that
excludes the whole cluster, which is what the other was meant for. With the strategy `file`, a lock that excludes the
processes of one user on one host. Both are in `docs/strategies.md`.

## What it leaves alone

Checkpoints that name what they hold, or leave out Ray's `_monitor`. What `setup` keeps and no checkpoint holds: an
instance stays in its trial. Locks that go to `multiprocessing.Process(args=...)` or to the `initializer` of a pool,
where they work. Importable modules, of which Ray ships functions by name.

## When it refuses

A whole trainable in a checkpoint is reported: what the trial goes on from, its class knows.

The script itself uses the lock, or hands it on: it may go to a process that is no worker of Ray's. `acquire` is called
with an argument that only locks of multiprocessing take. It is an argument of the task, or made in another function.
The strategy is `state-hooks` or `remove`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from fixpickle.model import Evidence, Finding, Patch, Reach, Refusal, Safety, Strategy
from fixpickle.project import Project, is_test
from fixpickle.rule import Workshop
from fixpickle.survey.constructions import PROCESS_LOCKS
from fixpickle.survey.facts import Construction, Facts, Home
from fixpickle.survey.trainables import SAVING, WHOLE
from fixpickle_codemods._carried import reach_of, shipped
from fixpickle_codemods._case import Case
from fixpickle_codemods._primitives import subjects
from fixpickle_codemods._strategies import patch_by
from fixpickle_codemods._top_statements import within

_TO_RAY = re.compile(r"passed to ray\.")
_OTHER_ARGUMENTS = re.compile(r"\.acquire\([^()]*(\bblock\s*=|\bNone\b)")
_NOTE = "a lock of multiprocessing reaches children of the process alone, and Ray's workers are none"


class UnpicklableTrainable:
    """A lock of multiprocessing that Ray would have to pickle."""

    name = "unpicklable-trainable"
    summary = "a multiprocessing.Lock that Ray would have to pickle, or a checkpoint that holds a whole trainable"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every such lock of the file that goes to Ray, and every checkpoint that holds a whole trainable."""
        yield from _whole(self.name, project, facts)
        for made in facts.constructions:
            if made.target not in PROCESS_LOCKS or is_test(facts):
                continue
            reach = shipped(project, facts, made) or reach_of(project, facts, made)
            if reach is None or not any(_TO_RAY.match(step) for step in reach.chain):
                continue
            reason = _reason(project, facts, made)
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=made.span,
                message=f"{made.target} in `{made.attribute or made.owner}` reaches no worker of Ray",
                reach=reach,
                safety=Safety.MANUAL if reason else Safety.SAFE,
                reason=reason,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """A lock that reaches as far as this one was meant to."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        made = next(c for c in facts.constructions if c.span == finding.span)
        if _OTHER_ARGUMENTS.search(source.text):
            reason = "acquire is called with an argument that only locks of multiprocessing take"
            return Refusal(finding.path, reason, finding.span.line, self.name)
        kind = made.target.rpartition(".")[2]
        chosen = shop.project.strategy_at(facts, made.line)
        strategy = Strategy.FILE if chosen is Strategy.FILE else Strategy.RAY
        proof = partial(subjects, facts, finding, made, counterpart=kind)
        return patch_by(strategy, Case(finding, shop, facts, source, made, kind, (_NOTE,), proof))


def _whole(rule: str, project: Project, facts: Facts) -> Iterator[Finding]:
    """Where a class that Tune runs puts all that its instance keeps into a checkpoint."""
    for reference in (r for r in facts.references if r.symbol == WHOLE and not is_test(facts)):
        lineage = project.lineage(facts, reference.argument)
        methods = (project.catalogue.match_result(f"{symbol}.{SAVING}") for symbol, _ in lineage)
        boundary = next((found for found in methods if found is not None), None)
        if boundary is None:
            continue
        chain = (f"handed on by {reference.argument}.{SAVING} at {facts.at(reference.span.line)}",)
        yield Finding(
            rule=rule,
            path=facts.path,
            span=reference.span,
            message=f"the checkpoint of {reference.argument} holds what Ray keeps on a trainable, a lock among it",
            reach=Reach(Evidence.BOUNDARY, chain, boundary.pickler),
            safety=Safety.MANUAL,
            reason="save what the trial goes on from, attribute by attribute",
        )


def _reason(project: Project, facts: Facts, made: Construction) -> str:
    strategy = project.strategy_at(facts, made.line)
    if not isinstance(strategy, Strategy):
        return f"its comment chooses a strategy that there is not: {strategy}"
    if strategy in (Strategy.STATE_HOOKS, Strategy.REMOVE):
        return f"the strategy {strategy.value} has nothing for it: ray and file exclude other processes"
    if made.home not in (Home.GLOBAL, Home.CLOSURE) or not made.called:
        return "it is handed over as an argument: hand over what the strategies ray or file make, by one name"
    if made.sinks:
        return "it is handed on, perhaps to a process that is no worker of Ray's"
    if made.home is Home.GLOBAL and _used_by_work(facts, made):
        return "the script itself uses it, perhaps with processes that are no workers of Ray's"
    return ""


def _used_by_work(facts: Facts, made: Construction) -> bool:
    own = next((s for s in facts.statements if within(made.span.start, s)), None)
    return any(made.attribute in s.reads for s in facts.statements if s.kind != "definition" and s is not own)


RULE = UnpicklableTrainable()
