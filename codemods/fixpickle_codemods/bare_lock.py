"""# bare-lock

A `Lock` or `RLock` that is carried along when an instance or a function is pickled: kept on `self`, in a container or
by a `cached_property`, made by a `default_factory`, a `defaultdict`, a helper that returns it, in `__new__` or by a
class decorator, handed to the constructor of what keeps it, a global of a script whose function Ray or joblib ships by
value, or captured by a function that is shipped.

    TypeError: cannot pickle '_thread.lock' object
    TypeError: cannot pickle '_thread.RLock' object

## What it becomes

Its counterpart of the runtime module, called with the same arguments. In the process it behaves as the original does
([CPython's own tests](../runtime.md) say so); `with` costs no more, `acquire()` and `release()` spelled out about 1.2
times as much, for `Lock` on Python 3.11 about 1.5 times. Pickled it
becomes a fresh, free lock of the same kind in the other process, whether or not it was held; two attributes that share
one lock still share one. A lock that travels with a function, or that all instances keep because it is a global of the
module or a default argument, becomes `shared_lock` or `shared_rlock`: whatever arrives in one worker gets the same one,
for a fresh lock each would guard nothing. Instances that keep a global of their module find the module's own lock
there, by its name.

The runtime module is copied into your package as `_fixpickle_locks.py` (`runtime = "vendor"`), or imported from
`fixpickle.runtime.locks` (`runtime = "package"`).

**A lock excludes threads of one process.** Two processes that load the same object have a lock each, and neither keeps
the other out. This was true before as well, with fork; the report says so for every fix.

Other strategies leave the lock out of the pickle (`state-hooks`), exclude other processes (`file`, `ray`) or do without
(`remove`): by `--strategy`, or by a comment on the line, `# fixpickle: strategy[file]`. `docs/strategies.md` has all of
them.

## What it leaves alone

Locks of functions that never leave the process, module globals of importable modules (pickle stores their functions by
name), class attributes of classes that are not shipped by value, also those that a metaclass sets, classes with
`__getstate__` or `__reduce__` or known to `copyreg`, a lock type that the caller gives (of
`def __init__(self, lock_class=Lock)`, where it is only called, the default is exchanged), tests, and objects that
belong to one process anyway: threads, servers, schedulers, windows, what keeps an executor, a socket or a running
thread, what has a thread of its own from the start, classes that `ray.remote` or a server of gRPC makes instances of,
and those whose methods Pyro serves.
Private classes of a package of which nobody outside holds an instance, or what holds one, and classes that it does not
export and whose instances its functions make, use and drop. Classes whose hook raises on purpose, and those with state
that is keyed by `id()`, which would load and be wrong without a word. `--reach any` names each of the last two, with
the reason. What is known to cross by dill alone, which pickles locks.

## When it refuses

The lock guards a file or another thing that other processes reach too: there a picklable lock would exclude nobody.
The strategies `file` and `ray` do.

It is handed to another process as an argument (`submit(f, lock)`, `Process(args=(lock,))`): what arrives would exclude
nobody here. `multiprocessing.Manager().Lock()` reaches across, for Ray a named actor. The function that makes it is
decorated, as with `lru_cache`, and may give the same lock to several callers.

The package tests for the type of a lock: `isinstance(lock, type(threading.Lock()))` is false for a counterpart of
`Lock`. A string or a call replaces the constructor by its name, as in `mock.patch("package.module.Lock")`: the new one
would not be reached. `_fixpickle_locks` is already the name of something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts
from fixpickle_codemods._primitives import findings, patch

_TARGETS = {
    "_thread.RLock": "RLock",
    "_thread.allocate_lock": "Lock",
    "_thread.allocate": "Lock",
    "threading.Lock": "Lock",
    "threading.RLock": "RLock",
}


class BareLock:
    """A lock that is carried along when an instance or a function is pickled."""

    name = "bare-lock"
    summary = "a lock that an instance or a shipped function carries along cannot be pickled"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every lock of the file that something carries along."""
        return findings(self.name, _TARGETS, project, facts)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The constructor exchanged for its counterpart."""
        return patch(finding, shop, _TARGETS)


RULE = BareLock()
