"""What carries a lock or one of its kin along: the instance, function or task with which it would be pickled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import Evidence, Reach
from fixpickle.project import Crossing, Project, is_test
from fixpickle.survey.catalogue import Boundary
from fixpickle.survey.facts import Construction, Facts, Home, Kind, Sink, ToAttribute, ToCall, ToReturn

_OF_CLASSES = frozenset({"builtins.type", "abc.ABCMeta", "enum.EnumMeta", "enum.EnumType"})
_LOCAL = "<locals>"
_DILL_TAKES = frozenset(
    {
        *("_thread.RLock", "_thread.allocate_lock", "_thread.allocate"),
        *(
            f"threading.{n}"
            for n in ("Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier")
        ),
        *(f"queue.{name}" for name in ("Queue", "LifoQueue", "PriorityQueue")),
    }
)
"""What dill 0.4 pickles as it is. A `threading.local` and a `queue.SimpleQueue` it does not."""
_TUNES = r"(tuner\.)?Tuner|run|run_experiments|Experiment|with_\w+|(registry\.)?register_trainable"
_TUNED = re.compile(rf"passed to ray\.tune\.({_TUNES}) ")


@dataclass(frozen=True, slots=True)
class Keeper:
    """An attribute of a class, by which its instances carry a value along, and the steps that lead there."""

    facts: Facts
    cls: str
    attribute: str
    chain: tuple[str, ...]


def reach_of(project: Project, facts: Facts, made: Construction) -> Reach | None:
    """Why the value of a construction is believed to be pickled, or None."""
    crossing = sent(project, facts, made)
    if crossing is not None:
        return Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler)
    return carried(project, facts, made)


def carried(project: Project, facts: Facts, made: Construction) -> Reach | None:
    """Why the value is believed to be pickled along with what keeps it, or None: not as an argument by itself."""
    if made.home is Home.INSTANCE:
        return _kept(project, facts, made)
    if made.home is Home.BASE:
        return _inherited(project, facts, made)
    if made.home is Home.OTHER:
        return _handed_on(project, facts, made)
    return shipped(project, facts, made)


def shipped(project: Project, facts: Facts, made: Construction) -> Reach | None:
    """Why the value goes along with a function or class that is shipped by value, as a global or captured, or None."""
    if made.home is Home.GLOBAL and made.called:
        users = [made.cls.partition(".")[0]] if made.cls else readers(facts, made.attribute)
        return shipped_with(project, facts, users, made.target)
    if made.home is Home.CLOSURE and made.called:
        return shipped_captured(project, facts, made.attribute, made.owner, made.target)
    return None


def for_trials(reach: Reach) -> bool:
    """Whether Ray Tune makes a trainable of what carries the value along."""
    return any(_TUNED.search(step) for step in reach.chain)


def sent(project: Project, facts: Facts, made: Construction) -> Crossing | None:
    """The boundary that the value itself is handed to, as an argument of a task."""
    if is_test(facts):
        return None
    return next((c for c in project.crossings(facts, made.sinks) if not _takes(c.boundary, made.target)), None)


def _takes(boundary: Boundary, target: str) -> bool:
    """Whether the pickler of a boundary pickles what the constructor `target` gives as it is."""
    return boundary.pickler == "dill" and target in _DILL_TAKES


def given_back(project: Project, facts: Facts, made: Construction) -> Crossing | None:
    """The boundary that what an instance keeps crosses where a method returns it, as a trainable's checkpoint does."""
    if is_test(facts):
        return None
    kept = ToAttribute(made.cls, made.attribute, made.line)
    return next((c for c in project.crossings(facts, [kept]) if c.boundary.of_result), None)


def _inherited(project: Project, facts: Facts, made: Construction) -> Reach | None:
    """A class that is a lock or queue of its own kind, where instances of others keep one."""
    if is_test(facts) or _LOCAL in made.cls or not project.carries(facts, made.cls, made.attribute):
        return None
    for owner, kept in project.keepers.of_instances(facts, made.cls):
        if project.exposure.inner(owner, kept.cls):
            continue
        step = f"stored on self.{kept.attribute} of {kept.cls}"
        return Reach(Evidence.STATE, (step,), carrier=f"{owner.module}:{kept.cls}")
    return None


def _handed_on(project: Project, facts: Facts, made: Construction) -> Reach | None:
    """A value that a function returns to whoever keeps it, or that is given to what keeps it."""
    for keeper in keepers(project, facts, made):
        return Reach(Evidence.STATE, keeper.chain, carrier=f"{keeper.facts.module}:{keeper.cls}")
    return None


def keepers(project: Project, facts: Facts, made: Construction) -> Iterator[Keeper]:
    """The attributes that hold the value of a construction, whoever puts it there."""
    if made.home is Home.INSTANCE and made.cls:
        yield Keeper(facts, made.cls, made.attribute, ())
    if is_test(facts) or made.home is not Home.OTHER:
        return
    for sink in made.sinks:
        if isinstance(sink, ToReturn):
            cls, _, method = sink.function.rpartition(".")
            found = [*project.keepers.of(f"{facts.module}.{sink.function}")]
            found += project.keepers.of_method(facts, cls, method) if cls else ()
            for owner, at in found:
                steps = f"returned by {sink.function} at line {sink.line}", f"stored on self.{at.attribute} of {at.cls}"
                yield Keeper(owner, at.cls, at.attribute, steps)
    for kept in project.kept(facts, made.sinks):
        if kept.lasting:
            yield Keeper(kept.owner, kept.sink.cls, kept.sink.attribute, kept.chain)


def _kept(project: Project, facts: Facts, made: Construction) -> Reach | None:
    if made.cls and (crossing := given_back(project, facts, made)):
        return Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler)
    if is_test(facts) or not project.carries(facts, made.cls, made.attribute) or registered(facts, made.cls):
        return None
    if any(symbol in _OF_CLASSES for symbol, _ in project.lineage(facts, made.cls)):
        return None  # what a metaclass keeps, it keeps on classes, and these are pickled by name
    if _LOCAL in made.cls:
        return _shipped_local(project, facts, made)
    step = f"stored on self.{made.attribute} of {made.cls or 'an instance'} at line {made.line}"
    ways = list(project.shipped(facts, f"{facts.module}.{made.cls}"))
    crossing = next((way for way in ways if not _takes(way.boundary, made.target)), None)
    if crossing is not None:
        chain, pickler = (step, *crossing.chain), crossing.boundary.pickler
        return Reach(Evidence.BOUNDARY, chain, pickler, f"{facts.module}:{made.cls}")
    if ways or project.exposure.inner(facts, made.cls):
        return None
    return Reach(Evidence.STATE, (step,), carrier=f"{facts.module}:{made.cls}" if made.cls else "")


def registered(facts: Facts, cls: str) -> bool:
    """Whether `copyreg` was told how the class is pickled."""
    return any(
        isinstance(sink, ToCall) and sink.callee == "copyreg.pickle"
        for mention in facts.mentions
        if mention.name == cls
        for sink in mention.sinks
    )


def left_alone(project: Project, facts: Facts, made: Construction) -> str:
    """Why the instances that keep the value are left as they are, where their class shows that; or an empty string."""
    if is_test(facts) or made.home is not Home.INSTANCE or not made.cls or _LOCAL in made.cls:
        return ""
    if registered(facts, made.cls) or any(symbol in _OF_CLASSES for symbol, _ in project.lineage(facts, made.cls)):
        return ""
    return project.left_alone(facts, made.cls, made.attribute)


def _shipped_local(project: Project, facts: Facts, made: Construction) -> Reach | None:
    """An instance of a class that stands in a function crosses by value or not at all."""
    sinks = next((d.sinks for d in facts.definitions if d.kind is Kind.CLASS and d.qualname == made.cls), ())
    return _by_value(project, facts, made.target, sinks, f"kept by instances of {made.cls}")


def shipped_with(project: Project, facts: Facts, users: Sequence[str], target: str = "") -> Reach | None:
    """Why a global goes along with one of the definitions that read it; those of `__main__` are shipped by value.

    `target` is the constructor that gave it, where a pickler may take what it gives.
    """
    if not facts.is_script:
        return None
    for mention in facts.mentions:
        if mention.name in users:
            reach = _by_value(
                project, facts, target, mention.sinks, f"read by {mention.name}, which is shipped by value"
            )
            if reach is not None:
                return reach
    return None


def readers(facts: Facts, name: str) -> list[str]:
    """The module's definitions that read a global, directly or through one another."""
    wanted, found = {name}, list[str]()
    for _ in facts.statements:
        fresh = [
            d
            for s in facts.statements
            if s.kind == "definition" and wanted & set(s.reads)
            for d in s.binds
            if d not in found
        ]
        if not fresh:
            break
        found += fresh
        wanted |= set(fresh)
    return found


def shipped_captured(project: Project, facts: Facts, name: str, owner: str, target: str = "") -> Reach | None:
    """Why a variable of the function `owner` goes along with one that captures it, or None.

    `target` is the constructor that gave it, where a pickler may take what it gives.
    """
    for definition in facts.definitions:
        captures = any(c.name == name and c.owner == owner for c in definition.captures)
        if definition.kind is Kind.CLASS or not captures:
            continue
        step = f"captured by {definition.name}, which is shipped by value"
        reach = _by_value(project, facts, target, [*definition.sinks, *_of_results(facts, definition.sinks)], step)
        if reach is not None:
            return reach
    return None


def _of_results(facts: Facts, sinks: Sequence[Sink]) -> Iterator[Sink]:
    """Where the results of the functions go that return the value."""
    makers = {s.function for s in sinks if isinstance(s, ToReturn)}
    for mention in facts.mentions:
        if mention.name in makers:
            yield from mention.results


def _by_value(project: Project, facts: Facts, target: str, sinks: Sequence[Sink], step: str) -> Reach | None:
    for crossing in project.crossings(facts, sinks):
        if crossing.boundary.by_value and not _takes(crossing.boundary, target):
            return Reach(Evidence.BOUNDARY, (step, *crossing.chain), crossing.boundary.pickler)
    return None
