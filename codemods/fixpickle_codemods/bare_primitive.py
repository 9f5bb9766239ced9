"""# bare-primitive

A `Condition`, `Event`, `Semaphore`, `BoundedSemaphore`, `Barrier`, `threading.local` or a queue of the `queue` module
that is kept on an instance, and so carried along when the instance is pickled. Each of them holds a lock:

    TypeError: cannot pickle '_thread.lock' object
    TypeError: cannot pickle '_thread._local' object

## What it becomes

Its counterpart of the runtime module, called with the same arguments. Pickled it becomes a free one of its kind: an
Event keeps its flag, a Semaphore its count, a queue its items and bound; a thread-local arrives empty; a Condition
arrives on the same lock as its owner's, where it shared one.

A subclass of one, of which instances of other classes keep an instance, inherits from the counterpart instead: it keeps
its own attributes, and a subclass of `threading.local` the arguments of its constructor.

With the strategy `state-hooks` the class leaves it out and makes it anew instead: by `--strategy`, or by a comment on
the line, `# fixpickle: strategy[state-hooks]`. See `docs/strategies.md`.

## What it leaves alone

Everything that `bare-lock` leaves alone: what never leaves the process, classes with `__getstate__` or `__reduce__`,
test cases, and objects that belong to one process anyway. Subclasses of which nothing keeps an instance, and subclasses
of `SimpleQueue`, which may call its methods by their full name.

## When it refuses

It is a global or a captured variable of a function that is shipped by value, or a default argument: every task or
instance would get one of its own. It is handed to another process as an argument. What it guards can be reached from
other processes too. A string or a call replaces the constructor by its name, as in
`mock.patch("package.module.Queue")`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts
from fixpickle_codemods._primitives import findings, patch

_TARGETS = {
    **{
        f"threading.{kind}": kind
        for kind in ("Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier", "local")
    },
    **{f"queue.{kind}": kind for kind in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")},
    "_thread._local": "local",
    "_queue.SimpleQueue": "SimpleQueue",
}


class BarePrimitive:
    """A primitive of threading or queue that an instance carries along when it is pickled."""

    name = "bare-primitive"
    summary = "a condition, event, semaphore, barrier, thread-local or queue on an instance cannot be pickled"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every such primitive of the file that something carries along."""
        return findings(self.name, _TARGETS, project, facts)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The constructor exchanged for its counterpart."""
        return patch(finding, shop, _TARGETS)


RULE = BarePrimitive()
