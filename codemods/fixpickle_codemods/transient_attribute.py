"""# transient-attribute

Something on `self` that belongs to this process and can be had again in another: a connection that is opened when it
is first asked for, an open file, an executor, a module, a standard stream, a weak cache, a cached method.

    TypeError: cannot pickle '_io.BufferedReader' object
    TypeError: cannot pickle 'sqlite3.Connection' object
    TypeError: cannot pickle 'module' object

## What it becomes

State hooks, as maintainers write them: `__getstate__` copies the instance's dictionary and leaves the attribute out,
`__setstate__` makes it anew. Hooks that the class has already are extended. The instance itself is not touched, so in
the process nothing changes.

| kept | pickled | loaded |
|---|---|---|
| opened on demand: None first, made where a test finds it so | `None` | opened on demand, as at first |
| file opened for reading by the constructor | its position | opened again by path and mode, at that position |
| `ThreadPoolExecutor`, `ProcessPoolExecutor` | `None` | a new one, with the same arguments |
| module, standard stream | `None` | the one of that name |
| module or standard stream, where it may be something else | its name, or the other value | the one of that name |
| `WeakValueDictionary` and its kin, used as a cache | `None` | an empty one |
| `WeakValueDictionary` that is filled with what it lacks | what is alive in it | one with that in it |
| `lru_cache(...)(self.method)` | `None` | a new, empty cache of the same kind |
| `lru_cache(size)(function)`, made in any other way | the function and the cache's limits | an empty cache with these |
| `ssl.create_default_context()` that nothing configures | `None` | a new one |

What is made anew is made by the same expression: each name in it is one of the module, or an attribute that the
constructor sets once, to the parameter as it was given.

Nothing here was picklable before, so no pickle loses what it had. `copy.copy` goes the same way: a class that copies
its own instances with it is left alone.

A module or stream may be the default of a parameter, `def __init__(self, codec=json)`, or of a dataclass's field, the
fallback in `stream or sys.stderr`, one of several values, or what an annotation calls a `ModuleType`; of a parameter
that is asked for its `threadsafety` or `paramstyle` PEP 249 says that it is one. Its callers may pass something else:
hooks look at the value, by two functions of a copied module.

    def __getstate__(self):
        state = self.__dict__.copy()
        _fixpickle_names.to_name(state, "codec")
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        _fixpickle_names.from_name(self, "codec")

A module is imported again by its name, a stream is `sys.stdout` or the like of the other process. Everything else
goes as it went before: a `StringIO` with its text, an open file or the module `__main__` not at all. An attribute
that is not there stays away, and copies made by `copy` keep the very same module or stream. A dictionary may have one
among its values; another object that keeps that dictionary has one of its own then. The same hooks serve a cached
function, be it of the constructor's argument or with a size that only the cache knows (Python 3.9 and later).

## Unsafe

With `--unsafe-fixes`: a connection or pool made by the constructor is made again on load; a file is opened once more
to append, where two processes then write to one file; what is opened on demand, and used somewhere without the test,
or has a position or a conversation that the new one does not have.

## What it leaves alone

Classes that nothing shows to be pickled, where the attribute is made by the constructor: most classes that hold a
socket or a file never leave their process. `--reach any` lists them. A standard stream, a TLS context or a
weak container beside a lock is fixed with the lock, which `bare-lock` takes for a sign that instances are carried.
A module is fixed in every class that others may keep, as a function is: it is there to work with.
Classes whose hooks leave the attribute out, tests, and objects that belong to one process: threads, servers, event
loops, what drives a display. Sessions of requests, loggers, compiled patterns and `lru_cache` on a method in the class
body pickle already.

## When it refuses

State of the same class is keyed by `id()`: it would load, and find nothing under its keys. A file open for writing: to
open it again would truncate it, and what is in its buffer would be written twice. A database in memory. An expression
with a value that the instance does not keep as it was given. A weak reference: whether its object is pickled along
cannot be told. Where the project is for Python 3.14, what `traceback.extract_stack` and the like give, which hold code
from then on. Running threads, processes and loops, temporary files, frames, matches, handles of native code. A class
with `__slots__`, hooks or bases of which hooks written here could do harm. A module or stream by choice in a slot: what
was pickled with another value there could not be loaded any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import ByState, Evidence, Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import ByName, Rebuilt
from fixpickle.rule import Workshop
from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import Facts, Family, Holding, Home
from fixpickle_codemods._attributes import NAMED, STAND_IN, Judged, Remedy, findings, patch
from fixpickle_codemods._hook_needs import samples_of
from fixpickle_codemods._releases import consulted

_REPORTED = {
    Family.REFERENCE: "whether the object it refers to is pickled along cannot be told: "
    "pickle that object, or None, and make the reference again in __setstate__",
    Family.RUNNING: "it is running in this process: start it where it is needed, not where the object is made",
    Family.OWNED: "it goes with the object that made it: pickle what is in it, or its path",
    Family.FRAMES: "from Python 3.14 on it holds the code of its frames, which cannot be pickled: "
    "keep what traceback.format_list or its own format() gives",
    Family.NATIVE: "it is an object of this interpreter and cannot be made again: keep what it was made from",
}
_CACHE_WORDS = ("cache", "memo")
"""What the name of an attribute says where its loss costs time only; other weak containers register things."""

_HARMLESS = frozenset({Family.CACHE, Family.MODULE, Family.STREAM, Family.CONTEXT})
"""What is had again without a trace in the world outside."""
_RUNTIME = "_fixpickle_locks."
_MADE = {Family.MODULE: "__import__('math')", Family.MEMO: "__import__('functools').lru_cache(maxsize=3)(len)"}
"""Something of the kind, to try hooks with that look at the value."""

_LOOKUPS = frozenset({".get", ".setdefault", ".pop", ".clear", "in", "item", "item=", "item del", "is", "test"})
_DESCRIPTORS = frozenset({"fd", "fileno", "descriptor"})
_SETUP = frozenset({".load_cert_chain", ".load_verify_locations", ".set_ciphers", ".set_alpn_protocols"})


class TransientAttribute:
    """Something of this process, kept on an instance, that can be had again in another."""

    name = "transient-attribute"
    summary = "an open file, connection, executor, module or the like on an instance cannot be pickled"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every such attribute of the file's classes."""
        return findings(self.name, _judge, project, facts)

    def consults(self, project: Project, facts: Facts) -> Iterator[Path]:
        """Where a project says which Python it is for, for a file that keeps summaries of frames."""
        if any(holding.family is Family.FRAMES for holding in facts.holdings):
            yield from consulted(facts.root)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """State hooks that leave the attribute out and make it anew."""
        return patch(finding, shop, _judge)


def _judge(facts: Facts, holding: Holding) -> Judged | None:
    if holding.family in (Family.VIEW, Family.PROXY, Family.GENERATOR, Family.ITERTOOLS):
        return None
    if holding.lazy and not (holding.family in NAMED and (holding.chosen or holding.loose)):
        return Judged(_on_demand(facts, holding), Evidence.STATE)
    # A module is to work with, as a function is; a stream is for this process to write to.
    beside = holding.family in _HARMLESS and _keeps_lock(facts, holding.cls)
    evidence = Evidence.STATE if beside or holding.family in (Family.MEMO, Family.MODULE) else Evidence.ANY
    return Judged(_anew(facts, holding), evidence)


def _keeps_lock(facts: Facts, name: str) -> bool:
    """Whether instances of the class keep a lock or one of its kin: to make that picklable alone helps nobody."""
    kept = (made for made in facts.constructions if made.home is Home.INSTANCE and made.target in PRIMITIVES)
    if any(made.cls == name for made in kept):
        return True
    found = next((c for c in facts.classes if c.name == name), None)
    made = (value for _, value in found.attributes if value.endswith("()")) if found else ()
    return any(value.removesuffix("()") in PRIMITIVES or _RUNTIME in value for value in made)


# --- opened on demand -----------------------------------------------------------------------------------------------


def _on_demand(facts: Facts, holding: Holding) -> Remedy | str:
    if holding.family in _REPORTED:
        return _REPORTED[holding.family]
    if reason := _lost(holding):
        return reason
    kept = ByState(facts.module, holding.cls, holding.attribute, STAND_IN, STAND_IN, dropped=True)
    notes = []
    if holding.loose:
        notes.append(
            f"{holding.loose} uses or sets it without a test: what opens it is to be called first, once it is loaded"
        )
    if holding.family is Family.FILE and (".seek" not in holding.uses or "onwards" in holding.uses):
        notes.append("it is opened at its start, wherever it was read to")
    if holding.family is Family.CONVERSATION:
        notes.append("what was agreed with the other side is gone")
    safety = Safety.UNSAFE if notes else Safety.SAFE
    return Remedy(safety, Rebuilt(holding.attribute, ""), subjects=(kept,), notes=tuple(notes))


def _lost(holding: Holding) -> str:
    """What a process that opens it again would not find, or would destroy."""
    if holding.family is Family.FILE and _DESCRIPTORS & set(holding.reads):
        return "a descriptor is a number of this process, and another file or none in the next"
    if holding.mode == "?":
        return "its mode is known only when the program runs: opened for writing, it must not be opened again"
    if holding.mode == "memory":
        return "its database is in the memory of this process"
    if set(holding.mode) & set("wx+" if holding.family is Family.FILE else "wxa+"):
        return f"it is open for writing ({holding.mode!r}): opened again it would be truncated or written twice"
    return ""


# --- made by the constructor ----------------------------------------------------------------------------------------


def _anew(facts: Facts, holding: Holding) -> Remedy | str:
    if holding.family in _REPORTED:
        return _REPORTED[holding.family]
    if holding.family in NAMED and not _plain(holding):
        return _by_name(facts, holding)
    if not holding.single:
        return "several expressions assign it, and which one did is known only when the program runs"
    if holding.nullable:
        return "it is None at times: whether it was, the fix would have to keep"
    if reason := _lost(holding) or holding.obstacle:
        return reason
    if holding.family is Family.CONTEXT and (holding.code.partition("(")[2] != ")" or _configured(holding)):
        return "what it was configured with cannot be read from it: keep that, and make it again in __setstate__"
    rebuilt = _rebuilt(holding)
    notes = _notes(holding)
    imports = ("importlib", "import_module") if holding.code.isidentifier() and "(" in holding.again else None
    made = f"__import__({holding.target!r})" if imports else holding.again
    subject = ByState(facts.module, holding.cls, holding.attribute, made, made, holds=samples_of(holding))
    safety = Safety.UNSAFE if notes else Safety.SAFE
    return Remedy(safety, rebuilt, imports=imports, subjects=(subject,), notes=notes)


def _plain(holding: Holding) -> bool:
    """Whether the constructor gives it one value, whoever calls: the code that does so can do it again."""
    return holding.single and not (holding.chosen or holding.nullable or holding.obstacle or holding.loose)


def _by_name(facts: Facts, holding: Holding) -> Remedy:
    """Hooks that look at the value: it is a module or standard stream at times."""
    module, _, name = holding.target.rpartition(".")
    made = f"__import__({module!r}).{name}" if holding.family is Family.STREAM else _MADE[holding.family]
    subject = ByState(facts.module, holding.cls, holding.attribute, made, made)
    return Remedy(Safety.SAFE, ByName(holding.attribute), subjects=(subject,))


def _configured(holding: Holding) -> bool:
    return any(use in _SETUP or use.endswith("=") for use in holding.uses)


def _rebuilt(holding: Holding) -> Rebuilt:
    name = f"self.{holding.attribute}"
    if holding.family is Family.MEMO and f"({name})" in holding.again:
        return Rebuilt(holding.attribute, holding.again, first=f"del {name}")  # None in its place hides the method
    if _remade_on_miss(holding):
        return Rebuilt(holding.attribute, holding.again, f"dict({name})", f"items = {name}", f"{name}.update(items)")
    if holding.family is not Family.FILE or "a" in holding.mode:
        return Rebuilt(holding.attribute, holding.again)
    return Rebuilt(holding.attribute, holding.again, f"{name}.tell()", f"position = {name}", f"{name}.seek(position)")


def _notes(holding: Holding) -> tuple[str, ...]:
    """What can differ from the object that was pickled; empty where nothing can."""
    if holding.family is Family.FILE and "a" in holding.mode:
        return ("both processes append to one file: what they write can get mixed",)
    if holding.family in (Family.HANDLE, Family.CONVERSATION):
        return ("it is opened again on load: what was agreed with the other side, or not yet committed, is gone",)
    if holding.family is Family.POOL:
        return ("its workers are started again on load",)
    if holding.family in (Family.FILE, Family.EXECUTOR) and "other" in holding.uses:
        return ("something else may keep it too, and keeps another one then",)
    if holding.family is Family.EXECUTOR and ".shutdown" in holding.uses:
        return ("it arrives ready for work, even if it was shut down",)
    if holding.family is Family.CACHE and not _only_cache(holding) and not _remade_on_miss(holding):
        return ("it arrives empty, and may be more than a cache",)
    return ()


def _only_cache(holding: Holding) -> bool:
    named = any(word in holding.attribute.lower() for word in _CACHE_WORDS)
    return named and set(holding.uses) - {"on miss"} <= _LOOKUPS


def _remade_on_miss(holding: Holding) -> bool:
    """Whether it is filled with what its keys lack, whatever it is called: what is alive then goes along.

    So one key still stands for one object, among those that are pickled together; the others are made when asked for.
    """
    empty = holding.target == "weakref.WeakValueDictionary" and holding.code.endswith("()")
    filled = "on miss" in holding.uses and set(holding.uses) - {"on miss"} <= _LOOKUPS - {"item del", ".pop", ".clear"}
    return empty and filled and not any(word in holding.attribute.lower() for word in _CACHE_WORDS)


RULE = TransientAttribute()
