"""What every random program finds around it: what it logs with, and what calls all that it made."""

import inspect
import itertools
from collections import defaultdict
from contextlib import contextmanager

LOG = []
KEPT = []
LAST = []
SEEN = set()
SEEN_BY = {}
LIMIT = [0]


class Made:
    """What a function returns, by name."""

    def __init__(self, **values):
        vars(self).update(values)


class Stop(BaseException):
    """Ends what would not end."""


def note(*values):
    if len(LOG) > LIMIT[0]:
        raise Stop
    LOG.append(tuple(plain(value) for value in values))
    return values[-1] if values else None


def plain(value):
    """What of a value must be the same: not its address, and not the name of a function."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return [(plain(key), plain(each)) for key, each in value.items()]
    if isinstance(value, BaseException):
        return type(value).__name__
    if inspect.ismodule(value):
        return value.__name__
    if inspect.isgenerator(value):
        return ["generator", [plain(each) for each in itertools.islice(value, 5)]]
    if inspect.iscoroutine(value):
        try:
            value.send(None)
        except StopIteration as stop:
            return ["coroutine", plain(stop.value)]
    return value if isinstance(value, (int, str, type(None))) else "callable" if callable(value) else "object"


def mix(*values):
    return sum(len(str(plain(value))) * n for n, value in enumerate(values, 1)) % 97


def push(values, value):
    if isinstance(values, list) and len(values) < 9:
        values.append(value)
    return values


@contextmanager
def swallow(value):
    try:
        yield value
    except ArithmeticError:
        note("swallowed")


def fail(flag, value):
    if flag:
        raise ZeroDivisionError
    return value


def attempt(function, *args, **kwargs):
    try:
        result = function(*args, **kwargs)
        return note("gave", plain(result)) and result
    except Exception as error:
        note("raised", error)


def deco(function):
    return function


def keyed(key):
    note(attempt(key))
    return deco


def exercise(value, depth=0):
    """Calls whatever can be called, in several ways, and looks into whatever holds something."""
    if isinstance(value, (list, tuple)) and depth < 3:
        for each in value:
            exercise(each, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        for each in list(value.values()):
            exercise(each, depth + 1)
        if isinstance(value, defaultdict):
            note(attempt(value.__getitem__, "new"))
    elif inspect.isclass(value):
        note("class")
    elif callable(value) and depth < 3:
        try:
            seen = inspect.signature(value).parameters.values()
            # What a default is shows in the calls below: one that each call evaluates is kept elsewhere once it moves.
            told = [(p.name, p.kind.name, p.default is p.empty, p.annotation) for p in seen]
            note(*told, inspect.iscoroutinefunction(value))
        except ValueError as error:
            note(error)
        for args, kwargs in [((), {}), ((1,), {}), ((2, 3), {}), ((), {"a": 4}), ((5,), {"b": 6, "c": 7})]:
            exercise(attempt(value, *args, **kwargs), depth + 1)
    elif type(value).__name__.strip("_0123456789") in ("P", "Q"):
        for name in sorted(n for n in dir(value) if not n.startswith("_")):
            exercise(getattr(value, name), depth + 1)


def guarded(function, *args):
    """What ends early makes room for the next."""
    LIMIT[0] = len(LOG) + 200
    try:
        return function(*args)
    except (Exception, Stop) as error:
        LIMIT[0] += 1
        note("ended", error)


def play(program, n, flag, items, backwards):
    """What the program logs when all that it makes, for these arguments, is called in this order."""
    for each in (LOG, KEPT, LAST, SEEN, SEEN_BY):
        each.clear()
    for makes in (program["Keep"], program["make"]):
        KEPT.append(guarded(makes, n, flag, list(items)))
    parts = [*(part for made in KEPT if made for part in vars(made).values()), program["TABLE"], program["NAMED"]]
    for part in reversed(parts) if backwards else parts:
        guarded(exercise, part)
    return list(LOG)
