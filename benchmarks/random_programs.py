"""Random programs that define, keep and call functions in nested scopes: what `differential.py` runs."""

from __future__ import annotations

import random
import re
import sys
import textwrap
from collections.abc import Callable, Sequence

HEADER = '''"""A random program."""

from collections import defaultdict
from functools import partial
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
    "*args, a=1, **kwargs",
    "a, b, /, c=5, *args, d=6",
)
ANNOTATED = ("a: int = 1, *, b: 'c' = 2", "a: d = 1", "b: (lambda: 1) = 2", "*args: n, c: 'P' = 1")


class Writer:
    """Writes one random program. Names are few, so that they meet; functions are named once, most of the time."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        self.fuel = 8
        self.wild = self.dice.choice((0.0, 0.1, 0.3, 0.6))
        self.known: list[str] = []

    def program(self) -> str:
        """The whole text of a module."""
        keep = "class Keep:\n    def __init__(self, n, flag, items):\n        KEPT.append(self)\n" + self._body(2, True)
        self.known, self.fuel = [], 6
        make = "def make(n, flag, items):\n" + self._body(1, False)
        make += f"    return Made({', '.join(f'{name}={name}' for name in dict.fromkeys(self.known))})\n"
        table = f"TABLE = {{'one': {self._lambda(0)}, 'two': [{self._lambda(0)}]}}\nNAMED = {self._lambda(0)}\n"
        return "\n\n".join([HEADER, keep, make, table])

    # --- statements ---

    def _body(self, depth: int, stores: bool) -> str:
        """The first statements of a function bind what the others read, most of the time."""
        starts = [f"{name} = {self._any(('n', '1', 'items', '[n]'))}" for name in NAMES if self.dice.random() < 0.95]
        self.known.append(f"f{depth}")
        starts += [f"def f{depth}(a=1):", f"    return note(mix(a, {self._any(NAMES)}))"]
        lines = [*starts, *self._block(depth, stores, self.dice.randint(2, 4))]
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
        kinds += [self._plain, self._aware]
        kinds += [self._recursion, self._pair] if depth < 4 else []
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
        acts = [f"attempt(lambda: {call})", f"push({self._any(NAMES)}, {self._value()})"]
        if self.dice.random() < self.wild:
            one, other = self._called(), self._called()
            acts += [
                f"note({one} is {other})",
                f"SEEN.add({one}); note(len(SEEN))",
                f"SEEN_BY[{one}] = {self._value()}",
            ]
            acts += [f"note(len({{{one}, {other}}}))", f"LAST.append({one}); note(len(LAST))"]
        return [self._any(acts)]

    def _plain(self, depth: int, stores: bool) -> list[str]:
        """A function that captures nothing, and a lambda that needs it to move along."""
        name, other = self._fresh(), self._fresh()
        self.known += [name, other]
        passed = self._any((self._any(NAMES), "k", f"{name}(k)"))
        kept = f"self.x{self.count}" if stores else other
        lines = [f"def {name}(a=1, *b):", f"    return note('{name}', mix(a, b))"]
        return [*lines, f"{kept} = lambda k=1: note({self.count}, {name}({passed}))"]

    def _aware(self, depth: int, stores: bool) -> list[str]:
        """A function that more is done with than calls: it is asked for its name, has attributes, is set on a class."""
        name, cls = self._fresh(), f"Q{self.count}"
        captured = self._any((self._any(NAMES), self._any(NAMES), "1"))
        inside = self._any((f"getattr({name}, 'calls', 0)", f"note({name} is not None)", f"plain({name})", "2"))
        lines = [f"def {name}({self._any(('k=1', 'k=1, *rest', '*, k=2', 'self=0, k=1'))}):"]
        lines += ["    'Says.'"] if self.dice.random() < 0.5 else []
        lines += [f"    note('{name}', mix({captured}, {inside}))"]
        lines += [f"    {name}.calls = mix({name}.calls, k)"] if self.dice.random() < 0.2 else []
        lines += [f"    return (yield {captured})"] if self.dice.random() < 0.1 else [f"    return {captured}"]
        acts = [
            f"note({name}.__name__, {name}.__doc__)",
            f"note(getattr({name}, '__name__', 'none'))",
            f"{name}.calls = {self._value()}",
            f"setattr({name}, 'calls', 2); note({name}.calls)",
            f"{name}.__name__ = 'again'; note({name}.__name__)",
            f"note({name} is {self._called()})",
            f"LAST.append({name}); note(LAST[0] is {name})",
            f"class {cls}:\n    m = {name}\nnote(attempt({cls}().m))",
            f"class {cls}:\n    pass\nsetattr({cls}, 'm', {name})\nnote(attempt({cls}().m, 1))",
            f"attempt(lambda: {name}(3))",
            f"note({name}.__module__)",
        ]
        for act in self.dice.sample(acts, self.dice.randint(1, 3)):
            lines += act.split("\n")
        self.known.append(name)
        return [*lines, f"self.x{self.count} = {name}"] if stores else lines

    def _recursion(self, depth: int, stores: bool) -> list[str]:
        """A function that calls itself, with a captured value at hand, shadowed now and then, or hands itself on."""
        name, captured = self._fresh(), self._any(NAMES)
        again = self._any(
            (
                f"{name}(k - 1)",
                f"{name}(k=k - 1)",
                f"sum({name}(i) for i in range(k))",
                f"[{name}(k - 1) for {self._any(NAMES)} in (1, 2)][0]",
                f"(lambda {self._any(NAMES)}=2: {name}(k - 1))()",
                f"mix(*map({name}, range(k)))",
                f"{name}(*(k - 1 for _ in (1,)))",
            )
        )
        value = self._any((f"mix(k, {captured})", f"mix(k, {captured})", "mix(k)", f"mix(k, {self._called()})"))
        self.known.append(name)
        lines = [f"def {name}(k=2):", f"    note('{name}', k)"]
        return [*lines, f"    return {value} if not isinstance(k, int) or k <= 0 else mix({again}, {captured})"]

    def _pair(self, depth: int, stores: bool) -> list[str]:
        """Two functions that call each other, with something in between now and then."""
        one, other = self._fresh(), self._fresh()
        value, between = self._any((self._any(NAMES), "1", "1")), self._any(("", "", "", f"note({one}(0))", "a = 2"))
        early = self._any(("", "", "", f"attempt(lambda: {other}(1))", f"if flag: note({other})"))
        lines = [early, f"def {one}(k=1):", f"    note('{one}', k)"]
        lines += [f"    return mix({value}) if not isinstance(k, int) or k <= 0 else {other}(k - 1)", between]
        lines += [f"def {other}(k=3):", f"    return k if not isinstance(k, int) or k <= 0 else {one}(k - 1)"]
        self.known += [one, other]
        return [line for line in lines if line]

    def _rebind(self, depth: int, stores: bool) -> list[str]:
        name = self._any(NAMES)
        return self._any(
            (
                f"{name} = mix({name}, 1)",
                f"if ({name} := {self._value()}): note('bound')",
                f"del {name}; {name} = 5",
                f"import string as {name}",
                f"for {name} in (1, 2): pass",
                f"[({name} := i) for i in range(2)]",
                f"note([{name} for {name} in range(2)])",
                f"globals()['G'] = {name}",
                f"{name}, *{self._any(NAMES)} = (1, [n], items)",
                "items = [*items, n]",
                f"if isinstance({name}, int): {name} += 1",
                f"match {self._value()}:\n    case {{'k': {name}}} | ({name}, _): note('met')",
                f"match {self._value()}:\n    case [*{name}] | int({name}): note('met')",
                f"try: fail(flag, 1)\nexcept ArithmeticError as {name}: note({name})",
                f"while not ({name} := {self._any(('1', 'True'))}): pass",
            )
        ).split("\n")

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
                f"defaultdict(lambda: {self._any(('0', '[]', '{}', '()', 'a', 'note(1)'))})",
                f"defaultdict(lambda: defaultdict({self._any(('int', 'list', 'lambda: 0', 'lambda: b'))}))",
                f"partial({self._lambda(depth)}, 1)",
                f"{{{self._lambda(depth)} for i in range(2)}}.pop()",
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
        name, known = self._fresh(), list(self.known)
        parameters = self._any(ANNOTATED) if self.dice.random() < 0.1 else self._parameters()
        lines = [f"note('{name}{self.count}')"]
        writable = [each for each in NAMES if not re.search(rf"\b{each}\b", parameters)]
        if writable and self.dice.random() < self.wild / 3:
            lines = [f"nonlocal {(target := self._any(writable))}", *lines, f"{target} = mix({target}, {self.count})"]
        if self.dice.random() < 0.2:
            self.known.append(name)
        if depth < 4 and self.fuel > 0 and self.dice.random() < 0.5:
            lines += self._block(depth + 1, False, self.dice.randint(1, 3))
        ends = [f"return {self._value()}", f"return {self._lambda(depth + 1)}", f"return {self._called()}()"]
        ends += [f"yield {self._value()}", f"yield from ({self._value()}, 1)"] if head == "def" else []
        ends += [f"return ({self._any(NAMES)} for i in range(2))", f"global G{self.count}; G{self.count} = a"]
        decorator = [self._any(("@deco", f"@keyed({self._lambda(depth)})"))] if self.dice.random() < 0.1 else []
        body = textwrap.indent("\n".join([*lines, self._any(ends)]), "    ")
        self.known = [*known, name]
        return [*decorator, f"{head} {name}{self._generic()}({parameters}):", *body.split("\n")]

    def _generic(self) -> str:
        """Type parameters, where Python has them: of its own names, and bounded by a variable now and then."""
        if sys.version_info < (3, 12) or self.dice.random() < 0.7:
            return ""
        return self._any(("[T]", "[T: int]", "[*Ts, **P]", f"[T: {self._any(NAMES)}]", f"[{self._any(NAMES)}]"))

    def _class(self, depth: int, stores: bool) -> list[str]:
        self.count += 1
        name = self._any(("P", "Q")) + self._any(("", "", str(self.count)))
        value = self._any((self._value(), "3", "4", "5", "6"))
        method = self._any(
            (f"return {self._value()}", "return type(self).size", f"return {name}.size", "return super()", "return a")
        )
        lines = [f"class {name}:", f"    size = {value}", "    def m(self, a=1):", f"        {method}"]
        if self.dice.random() < 0.2:
            lines.insert(1, f"    {self._any(NAMES)} = {self._any(('1', '2', self._value()))}")
        if self.dice.random() < 0.1:
            lines.append(f"    p = [{self._any(NAMES)} for {self._any(NAMES)} in (1, 2)]")
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
