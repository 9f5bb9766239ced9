"""# exception-arguments

An exception class whose `__init__` takes other arguments than the ones that end up in `args`:

    class QuotaError(Exception):
        def __init__(self, user, limit):
            super().__init__(f"{user} is over {limit}")

An exception is pickled as its class, its `args` and its `__dict__`. `args` are what `Exception.__init__` was handed,
here one message, so loading calls `QuotaError("ann is over 5")`:

    TypeError: QuotaError.__init__() missing 1 required positional argument: 'limit'

A worker that raises it breaks the whole pool: `ProcessPoolExecutor` gives every task that is left
`BrokenProcessPool`, and `multiprocessing.Pool` waits for ever. With one argument there is no error at all: the message
is made again from the message, `no such user: no such user: ann`.

## What it becomes

The class gets a `__reduce__` that restores an instance without calling its `__init__` again:

    def __reduce__(self):
        return type(self).__new__, (type(self), *self.args), self.__dict__

`args` and every attribute arrive as they were, notes included: whether or not a parameter was kept, if it was passed by
name, and if `args` or an attribute was changed after the exception was made. `copy.copy`, `copy.deepcopy` and every
pickle protocol go the same way. Classes that derive from it need nothing, whatever their `__init__` takes: this is why
it is not `return type(self), (self.user, self.limit)`, which has to be repeated in each of them, and makes the message
anew from what the attributes are by then. As ever, pickle leaves out `__traceback__`, `__cause__` and `__context__`;
the process pools add the worker's traceback as the cause themselves.

Of a class and one that derives from it, both broken, the first alone is reported and changed.

## What it leaves alone

Exceptions that arrive as they were: `super().__init__` with the parameters in their order, or not called at all;
a fixed message with one parameter; a message that is used as it is, or replaced where it is empty. Classes with
`__reduce__`, `__getstate__` or another hook of their own or inherited, except that a `__reduce__` which calls the class
with a number of values that this `__init__` does not take is no remedy. Classes that derive from one outside of the
files that were read, for its `__init__` and its hooks are not known. Tests. Names that begin with an underscore, and
what nothing of its package raises, makes or reads; copies of other projects, in folders such as `_vendor` or `extern`
(`--reach any` takes them too).

Where `args` stay what the constructor was given, it is broken by keywords: reported where the project raises it so.

## When it refuses

A class, or one that derives from it, keeps something that neither `args` nor `__dict__` hold: slots, or the fields of
`OSError`, `ImportError`, `AttributeError`, `SyntaxError`, `StopIteration`, `SystemExit` and the `Unicode...Error`s; or
decides how it is made: `__new__`, `__setattr__`, a metaclass, a frozen dataclass, a class decorator. There the
parameters have to be kept, and a `__reduce__` be written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import ByExpression, Edit, Evidence, Finding, Patch, Reach, Refusal, Safety, Subject
from fixpickle.project import Project, is_test
from fixpickle.rewrite import block_end, line_start
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts
from fixpickle.survey.initialisers import RECALLING, ExceptionFacts, Initialiser, Place
from fixpickle_codemods._carried import registered
from fixpickle_codemods._families import ancestry, descendants, is_exception, obstacle
from fixpickle_codemods._round_trip import Broken, broken, miscounted, stored
from fixpickle_codemods._samples import samples

_DECIDING = frozenset({"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__"})
_DECIDING |= {"__getnewargs_ex__"}
_RETURNED = "type(self).__new__, (type(self), *self.args), self.__dict__"


class ExceptionArguments:
    """An exception that cannot be loaded from its `args`, or arrives with another message."""

    name = "exception-arguments"
    summary = "an exception whose `__init__` does not take its own `args` breaks the pool whose worker raises it"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every exception class of the file that does not arrive as it was, where it is the first of its line."""
        for one in facts.exceptions:
            symbol = f"{facts.module}.{one.name}"
            line, wrong = ancestry(project, symbol), _wrong(project, symbol)
            if line is None or wrong is None or _passed_over(facts, one):
                continue
            if any(_remedied(project, above) for above in line[1:]):
                continue
            reason = obstacle(project, symbol, line) or _unplaced(facts, one)
            verb = "cannot be loaded" if wrong.fails else "is altered when loaded"
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=one.span,
                message=f"{one.name} {verb}: its __init__ {wrong.what}",
                reach=_reach(project, facts, symbol),
                safety=Safety.MANUAL if reason else Safety.SAFE,
                reason=reason,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """A `__reduce__` behind the constructor."""
        facts, text = shop.facts[finding.path], shop.sources[finding.path].text
        one = next(e for e in facts.exceptions if e.span == finding.span)
        wrong = _wrong(shop.project, f"{facts.module}.{one.name}")
        assert one.initialiser is not None and wrong is not None
        outer = text[line_start(text, one.span.start) : one.span.start]
        start = one.initialiser.span.start
        inner = text[line_start(text, start) : start]
        # Before the line break, so that the edit stands in the class.
        at = len(text[: block_end(text, one.initialiser.span)].rstrip("\r\n"))
        returns = _annotation(facts) if one.annotated else ""
        unit = inner.removeprefix(outer)
        code = f"\n\n{inner}def __reduce__(self){returns}:\n{inner}{unit}return {_RETURNED}"
        return Patch(finding, (Edit(finding.path, at, at, code),), subjects=_subjects(facts, one, wrong))


def _annotation(facts: Facts) -> str:
    """Subscripted built-in types are evaluated only from Python 3.9 on, where annotations are."""
    lazy = any(i.target == "__future__.annotations" for i in facts.imports)
    return " -> tuple[object, ...]" if lazy else ' -> "tuple[object, ...]"'


def _passed_over(facts: Facts, one: ExceptionFacts) -> bool:
    """Whether a class is never pickled by its own name and hooks, or is only what a test needs."""
    twice = sum(c.name == one.name for c in facts.classes) > 1
    return twice or "<locals>" in one.name or registered(facts, one.name) or is_test(facts)


def _unplaced(facts: Facts, one: ExceptionFacts) -> str:
    if any("type" in s.binds for s in facts.statements):
        return "the module has a `type` of its own"
    if one.initialiser is not None and one.initialiser.span.line == one.span.line:
        return "its class stands on one line"
    return ""


# --- what is wrong --------------------------------------------------------------------------------------------------


def _wrong(project: Project, symbol: str) -> Broken | None:
    """What goes wrong when an exception of that class is loaded; None where nothing does, or it is none."""
    found, line = project.exceptions.get(symbol), ancestry(project, symbol)
    init = found[1].initialiser if found else None
    if init is None or line is None or not is_exception(line) or not init.readable:
        return None
    hooked = [s for s in line if (cls := project.class_of(s)) is not None and _DECIDING & set(cls.hooks)]
    if hooked:
        return _under_hook(project, symbol, hooked[0], init)
    alternatives = stored(project, line)
    if alternatives is None:
        return None
    wrong = broken(init, alternatives)
    return wrong or (_by_keyword(project, symbol, init) if None in alternatives else None)


def _under_hook(project: Project, symbol: str, owner: str, init: Initialiser) -> Broken | None:
    """What goes wrong where an ancestor's `__reduce__` calls the class with the ancestor's own arguments."""
    cls, found = project.class_of(owner), project.exceptions.get(owner)
    reduction = found[1].reduction if found else None
    if owner == symbol or cls is None or set(cls.hooks) & _DECIDING != {"__reduce__"} or reduction is None:
        return None
    if reduction.callee != RECALLING:
        return None
    needed = [p.name for p in init.parameters if p.place is Place.KEYWORD and p.required]
    return Broken(True, f"needs `{needed[0]}` by name") if needed else miscounted(init, reduction.count)


def _by_keyword(project: Project, symbol: str, init: Initialiser) -> Broken | None:
    """What goes wrong where the project raises the class with arguments by name, which never get into `args`."""
    positional = [p for p in init.parameters if p.place is Place.POSITIONAL]
    for one in _kin(project, symbol):
        for facts, raised in project.raised.get(one, ()):
            named = [p.name for p in positional[max(raised.count, 0) :] if p.required and p.name in raised.keywords]
            if raised.count >= 0 and named:
                where = f"{facts.path.name}:{raised.line}"
                return Broken(True, f"is given `{named[0]}` by name at {where}, which `args` do not have", tuple(named))
    return None


def _kin(project: Project, symbol: str) -> Iterator[str]:
    """A class and those that are made by its constructor."""
    yield symbol
    for one in descendants(project, symbol):
        found = project.exceptions.get(one)
        if found is None or found[1].initialiser is None:
            yield one


def _remedied(project: Project, symbol: str) -> bool:
    """Whether an ancestor is itself broken and gets a `__reduce__`, which serves all that derive from it."""
    line = ancestry(project, symbol)
    found = project.exceptions.get(symbol)
    if found is None or line is None or _wrong(project, symbol) is None:
        return False
    facts, one = found
    ignored = any((c.line, c.rule) == (one.span.line, ExceptionArguments.name) for c in facts.suppressions)
    return not (obstacle(project, symbol, line) or _unplaced(facts, one) or _passed_over(facts, one) or ignored)


# --- why it matters, and how it is shown ----------------------------------------------------------------------------


def _reach(project: Project, facts: Facts, symbol: str) -> Reach:
    everyone = [symbol, *descendants(project, symbol)]
    private = all(part.startswith("_") for part in (s.rpartition(".")[2] for s in everyone))
    raised = [(f, r.line) for s in everyone for f, r in project.raised.get(s, ())]
    where = next((n for f, n in raised if f.path == facts.path), 0)
    steps = [f"raised at line {where}"] if where else [f"raised at {f.path.name}:{n}" for f, n in raised[:1]]
    if project.copied(facts):
        return Reach(Evidence.ANY, ("a copy of another project's, which is mended where it comes from",))
    if not raised and all(_idle(project, s) for s in everyone):
        return Reach(Evidence.ANY, ("nothing of its package raises it, or reads its name",))
    step = "an exception that a worker raises is pickled for its caller"
    return Reach(Evidence.ANY if private else Evidence.STATE, (*steps, step))


def _idle(project: Project, symbol: str) -> bool:
    """Whether its package has no use for a class, but to inherit from it."""
    found = project.exceptions.get(symbol)
    everyone = [s.rpartition(".")[2] for s in (symbol, *descendants(project, symbol))]
    return found is not None and project.exposure.unread(found[0], everyone)


def _subjects(facts: Facts, one: ExceptionFacts, wrong: Broken) -> tuple[Subject, ...]:
    """Instances made by the constructor from plain values; at last, one that no `__init__` ran for.

    None where an import binds the name too: the class stands in for one that the interpreter may have.
    """
    if any(i.top and i.local == one.name for i in facts.imports):
        return ()
    assert one.initialiser is not None
    made = [f"{one.name}({given})" for given in samples(one.initialiser, wrong.keywords)]
    blank = f"{one.name}.__new__({one.name}, 'text')"
    return tuple(ByExpression(facts.module, code, code) for code in [*made, blank])


RULE = ExceptionArguments()
