"""Random programs that define, keep and call functions in nested scopes: what `differential.py` runs."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Sequence

PRELUDE = '''\
"""A random program."""

import inspect
import itertools
from contextlib import contextmanager

LOG = []
KEPT = []
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
        value.close()
        return "coroutine"
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
    elif inspect.isclass(value):
        note("class")
    elif callable(value) and depth < 3:
        try:
            note(*[(p.name, p.kind.name, p.default) for p in inspect.signature(value).parameters.values()])
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


def play(n, flag, items, backwards):
    LOG.clear()
    KEPT.clear()
    for makes in (Keep, make):
        KEPT.append(guarded(makes, n, flag, list(items)))
    parts = [*(part for made in KEPT if made for part in vars(made).values()), TABLE, NAMED]
    for part in reversed(parts) if backwards else parts:
        guarded(exercise, part)
    return list(LOG)
'''

NAMES = ("a", "b", "c", "d")
FUNCTIONS = ("f", "g", "h")
PARAMETERS = (
    "",
    "a",
    "b",
    "a, b=1",
    "*args",
    "a, /, b=2",
    "*, c=3",
    "a=None, *args, b=4, **kwargs",
    "d=(1, -2)",
    "a=[]",
    "b=c",
    "b=lambda: 1",
    "c=(lambda a=2: lambda: a)",
    "d=(c := 3)",
)


class Writer:
    """Writes one random program. Names are few, so that they meet; functions are named once, most of the time."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        self.fuel = 50
        self.wild = self.dice.choice((0.0, 0.1, 0.3, 0.6))
        self.known: list[str] = []

    def program(self) -> str:
        """The whole text of a module."""
        keep = "class Keep:\n    def __init__(self, n, flag, items):\n        KEPT.append(self)\n" + self._body(2, True)
        self.known, self.fuel = [], 25
        make = "def make(n, flag, items):\n" + self._body(1, False)
        make += f"    return Made({', '.join(f'{name}={name}' for name in dict.fromkeys(self.known))})\n"
        table = f"TABLE = {{'one': {self._lambda(0)}, 'two': [{self._lambda(0)}]}}\nNAMED = {self._lambda(0)}\n"
        return "\n\n".join([PRELUDE, keep, make, table])

    # --- statements ---

    def _body(self, depth: int, stores: bool) -> str:
        """The first statements of a function bind what the others read, most of the time."""
        starts = [f"{name} = {self._any(('n', '1', 'items', '[n]'))}" for name in NAMES if self.dice.random() < 0.95]
        self.known.append(f"f{depth}")
        starts += [f"def f{depth}(a=1):", f"    return note(mix(a, {self._any(NAMES)}))"]
        lines = [*starts, *self._block(depth, stores, self.dice.randint(4, 9))]
        return textwrap.indent("\n".join(lines), "    " * depth) + "\n"

    def _block(self, depth: int, stores: bool, size: int) -> list[str]:
        known = list(self.known)
        lines = [line for _ in range(size) for line in self._statement(depth, stores)]
        if depth > 2:
            self.known = known
        return lines

    def _statement(self, depth: int, stores: bool) -> list[str]:
        self.fuel -= 1
        kinds: list[Callable[[int, bool], list[str]]] = [self._act, self._function, self._function, self._class]
        kinds += [self._store, self._store, self._store] if stores else [self._name]
        if self.dice.random() < self.wild:
            kinds += [self._assign, self._rebind, self._rebind, self._rebind]
        if depth < 5 and self.fuel > 0:
            kinds += [self._if, self._loop, self._try, self._with, self._match, self._while]
        return self.dice.choice(kinds)(depth, stores)

    def _assign(self, depth: int, stores: bool) -> list[str]:
        return [f"{self._any(NAMES)} = {self._value()}"]

    def _called(self) -> str:
        """A function that was defined before, and now and then one that was not."""
        return self._any((*self.known, *self.known, *FUNCTIONS) if self.dice.random() < self.wild else self.known)

    def _act(self, depth: int, stores: bool) -> list[str]:
        call = f"{self._called()}({self._any(('', '1', 'b=2'))})"
        return [self._any((f"attempt(lambda: {call})", f"push({self._any(NAMES)}, {self._value()})"))]

    def _rebind(self, depth: int, stores: bool) -> list[str]:
        name = self._any(NAMES)
        return [
            self._any(
                (
                    f"{name} = mix({name}, 1)",
                    f"if ({name} := {self._value()}): note('bound')",
                    f"del {name}; {name} = 5",
                    f"import string as {name}",
                    f"for {name} in (1, 2): pass",
                    f"[({name} := i) for i in range(2)]",
                    f"note([{name} for {name} in range(2)])",
                    f"globals()['G'] = {name}",
                )
            )
        ]

    def _store(self, depth: int, stores: bool) -> list[str]:
        self.count += 1
        value = self._any(
            (
                self._lambda(depth),
                self._lambda(depth),
                self._called(),
                f"[{self._lambda(depth)} for i in range(2)]",
                f"{{'k': {self._lambda(depth)}, 'l': {self._called()}}}",
                f"{self._lambda(depth)} if flag else {self._called()}",
                f"({self._lambda(depth)}, {self._lambda(depth)})",
            )
        )
        return [f"self.x{self.count} = {value}"]

    def _name(self, depth: int, stores: bool) -> list[str]:
        name = self._fresh()
        lines = [f"{name} = {self._lambda(depth)}"]
        self.known.append(name)
        return lines

    def _fresh(self) -> str:
        self.count += 1
        return self._any(FUNCTIONS) if self.dice.random() < self.wild / 3 else f"f{self.count}"

    def _function(self, depth: int, stores: bool) -> list[str]:
        head = self._any(("def", "def", "def", "def", "def", "async def"))
        name, parameters, known = self._fresh(), self._parameters(), list(self.known)
        lines = [f"note('{name}{self.count}')"]
        writable = [each for each in NAMES if not re.search(rf"\b{each}\b", parameters)]
        if writable and self.dice.random() < self.wild / 3:
            lines = [f"nonlocal {(target := self._any(writable))}", *lines, f"{target} = mix({target}, {self.count})"]
        if self.dice.random() < 0.2:
            self.known.append(name)
        if depth < 4 and self.fuel > 0 and self.dice.random() < 0.5:
            lines += self._block(depth + 1, False, self.dice.randint(1, 3))
        ends = [f"return {self._value()}", f"return {self._lambda(depth + 1)}", f"return {self._called()}()"]
        ends += [f"yield {self._value()}"] if head == "def" else []
        decorator = [self._any(("@deco", f"@keyed({self._lambda(depth)})"))] if self.dice.random() < 0.1 else []
        body = textwrap.indent("\n".join([*lines, self._any(ends)]), "    ")
        self.known = [*known, name]
        return [*decorator, f"{head} {name}({parameters}):", *body.split("\n")]

    def _class(self, depth: int, stores: bool) -> list[str]:
        self.count += 1
        name = self._any(("P", "Q")) + self._any(("", "", str(self.count)))
        value = self._any((self._value(), "3", "4", "5", "6"))
        method = self._any(
            (f"return {self._value()}", "return type(self).size", f"return {name}.size", "return super()", "return a")
        )
        lines = [f"class {name}:", f"    size = {value}", "    def m(self, a=1):", f"        {method}"]
        if self.dice.random() < 0.3:
            lines.append(f"    n = {self._called()}")
        if self.dice.random() < 0.3:
            lines.append(f"    o = {self._lambda(depth, 'self')}")
        return [*lines, f"self.x{self.count} = {name}()" if stores else f"note({name}().m())"]

    # --- statements that hold statements ---

    def _inner(self, depth: int, stores: bool) -> list[str]:
        lines = self._block(depth + 1, stores, self.dice.randint(1, 3))
        return textwrap.indent("\n".join(lines), "    ").split("\n")

    def _if(self, depth: int, stores: bool) -> list[str]:
        lines = [f"if {self._any(('flag', 'not flag', 'n', 'items'))}:", *self._inner(depth, stores)]
        return [*lines, "else:", *self._inner(depth, stores)] if self.dice.random() < 0.5 else lines

    def _loop(self, depth: int, stores: bool) -> list[str]:
        name = self._any((*NAMES, "i"))
        lines = [f"for {name} in {self._any(('items', '(1, 2)', '()'))}:", *self._inner(depth, stores)]
        if self.dice.random() < 0.2:
            lines.append(f"    if flag: {self._any(('break', 'continue'))}")
        return [*lines, "else:", *self._inner(depth, stores)] if self.dice.random() < 0.3 else lines

    def _while(self, depth: int, stores: bool) -> list[str]:
        self.count += 1
        turn = f"turn{self.count}"
        return [f"{turn} = 0", f"while {turn} < 2:", f"    {turn} += 1", *self._inner(depth, stores)]

    def _try(self, depth: int, stores: bool) -> list[str]:
        name = self._any(NAMES)
        lines = ["try:", f"    {name} = fail({self._any(('flag', 'not flag', 'n'))}, {self._value()})"]
        lines += self._inner(depth, stores)
        caught = self._any((f" as {name}", "", ""))
        lines += [f"except ArithmeticError{caught}:", *self._inner(depth, stores)]
        if self.dice.random() < 0.3:
            lines += ["else:", *self._inner(depth, stores)]
        return [*lines, "finally:", *self._inner(depth, stores)] if self.dice.random() < 0.3 else lines

    def _with(self, depth: int, stores: bool) -> list[str]:
        name = self._any(NAMES)
        return [f"with swallow({self._value()}) as {name}:", *self._inner(depth, stores)]

    def _match(self, depth: int, stores: bool) -> list[str]:
        name = self._any(NAMES)
        lines = ["match items:", f"    case [{name}, *_]:"]
        lines += textwrap.indent("\n".join(self._inner(depth + 1, stores)), "    ").split("\n")
        return [*lines, "    case _:", "        pass"]

    # --- expressions ---

    def _value(self) -> str:
        name = self._any((*NAMES, "n", "items"))
        other = self._any(NAMES)
        return self._any(("1", "[]", "[n]", name, f"mix({name}, {other})", f"({name}, {other})", f"note({name})"))

    def _lambda(self, depth: int, first: str = "") -> str:
        self.count += 1
        if depth == 0:
            return f"lambda a=1, *b: note({self.count}, mix(a, b))"
        bodies = [self._value(), f"mix({self._any(NAMES)}, {self._any(NAMES)})", f"{self._called()}()"]
        bodies += [f"[{self._any(NAMES)} for i in range(2)]", f"[{(x := self._any(NAMES))} for {x} in range(2)]"]
        bodies += [
            f"({self._any(NAMES)} := 3)",
            "(yield 1)",
            f"f'{{plain({self._any(NAMES)})}}'",
            f"lambda: {self._value()}",
            "__class__",
            "sorted(locals())",
        ]
        return f"(lambda {first or self._parameters()}: note({self.count}, {self._any(bodies)}))"

    def _parameters(self) -> str:
        return self._any(PARAMETERS) if self.dice.random() < 0.6 else ""

    def _any(self, choices: Sequence[str]) -> str:  # type: ignore[override]
        return self.dice.choice(choices)
