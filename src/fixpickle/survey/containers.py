"""Subclasses of containers that cannot be loaded, by how each container is made anew.

Read from `odict_reduce`, `defdict_reduce`, `deque___reduce__`, `set___reduce__`, `Counter.__reduce__` and
`object.__reduce_ex__`, and tried on CPython 3.8 to 3.13. Pickle calls OrderedDict subclasses without arguments,
defaultdict ones with the factory, Counter ones with a dict and set ones with a list; defaultdict and Counter leave
attributes out. A dict's items are set one by one, and a list's through `extend`, before there are attributes; `copy`
does it the other way round.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.model import Span
from fixpickle.survey.facts import Flaw, Harm
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree, bound_in, walk

_FILLED = {"builtins.dict": "__setitem__", "builtins.list": "extend"}
_MADE = {
    "collections.OrderedDict": "OrderedDict",
    "collections.defaultdict": "defaultdict",
    "collections.Counter": "Counter",
    "collections.deque": "deque",
    "builtins.set": "set",
}
_FORGETFUL = frozenset({"collections.defaultdict", "collections.Counter"})
_GIVEN = frozenset((*dir(dict), *dir(list), "__dict__"))
_OWN = frozenset({"__reduce__", "__reduce_ex__", "__new__", "__slots__", "__getnewargs__", "__getnewargs_ex__"})


def container_flaws(tree: Tree, names: Names, cls: ast.ClassDef) -> Iterator[Flaw]:
    """The flaw of a class that is directly a subclass of one of the containers, and says not how it is pickled."""
    bases = [b.value if isinstance(b, ast.Subscript) else b for b in cls.bases]
    base = next((b for b in bases if names.of(b) in _FILLED or names.of(b) in _MADE), None)
    if base is None:
        return
    symbol = names.of(base)
    defined = bound_in(cls.body)
    methods = {s.name: s for s in cls.body if isinstance(s, ast.FunctionDef)}
    if _OWN & defined:
        return
    flaw: tuple[Harm, ast.FunctionDef, tuple[str, ...]] | None = None
    filler = methods.get(_FILLED.get(symbol, ""))
    if filler is not None and (read := _reads_first(filler, defined)):
        flaw = Harm.ITEMS, filler, (read,)
    init = methods.get("__init__")
    if symbol in _MADE and init is not None and not init.decorator_list:
        made = _Made(symbol, _MADE[symbol], init)
        if made.fails():
            flaw = Harm.ARGUMENTS, init, tuple(made.attributes())
    if flaw is not None:
        hooks = sorted({"__getstate__", "__setstate__"} & defined)
        reason = f"it has a {hooks[0]} of its own, which has to know" if hooks else ""
        harm, method, attributes = flaw
        yield Flaw(harm, method.name, _header(tree, method), attributes, f"{symbol} {tree.code(base)}", reason)


def hands_all_on(cls: ast.ClassDef) -> bool:
    """Whether the class' `__reduce__` keeps nothing back: its state is the whole dictionary, and the items."""
    method = next((s for s in cls.body if isinstance(s, ast.FunctionDef) and s.name == "__reduce__"), None)
    value = method.body[0].value if method is not None and isinstance(method.body[0], ast.Return) else None
    if not isinstance(value, ast.Tuple) or len(value.elts) != 3 or not isinstance(value.elts[2], ast.Tuple):
        return False
    return bool(value.elts[2].elts) and ast.unparse(value.elts[2].elts[0]) == "self.__dict__.copy()"


def _header(tree: Tree, method: ast.FunctionDef) -> Span:
    start = tree.offset(method.lineno, method.col_offset)
    return Span(start, tree.text.index(method.name, start) + len(method.name), *tree.position(start))


def _reads_first(method: ast.FunctionDef, defined: frozenset[str]) -> str:
    """An attribute of the instance that the method reads whatever it is given."""
    me = method.args.args[0].arg if method.args.args else ""
    for statement in method.body:
        certain: list[ast.AST] = [statement]
        if isinstance(statement, (ast.If, ast.While)):
            certain = [statement.test.values[0] if isinstance(statement.test, ast.BoolOp) else statement.test]
        elif isinstance(statement, ast.With):
            certain = [*statement.items, *statement.body[:1]]
        elif isinstance(statement, ast.For):
            certain = [statement.iter]
        elif isinstance(statement, ast.Try):
            certain = []
        for node in (n for one in certain for n in walk(one)):
            if isinstance(node, (ast.IfExp, ast.BoolOp, ast.Lambda, ast.FunctionDef, ast.If, ast.Try)):
                return ""
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
                continue
            if ast.unparse(node.value) == me and node.attr not in defined | _GIVEN:
                return node.attr
        if any(isinstance(n, (ast.Return, ast.Raise)) for n in walk(statement)):
            return ""
    return ""


@dataclass(frozen=True, slots=True)
class _Made:
    """The constructor of a subclass of a container that pickle calls to make it anew."""

    symbol: str
    base: str
    init: ast.FunctionDef

    def fails(self) -> bool:
        """Whether the call fails, takes the container's content for something else, or loses attributes."""
        if self.symbol == "collections.OrderedDict":
            return bool(self._required())
        if self.symbol == "collections.deque":
            return bool(self._required()) or (self._bounded() and len(self._positional()) < 2)
        first = self._first()
        if self._missing() or (first and first not in self._handed_on()):
            return True
        return self.symbol in _FORGETFUL and any(True for _ in self.attributes())

    def attributes(self) -> Iterator[str]:
        """The attributes that the constructor keeps parameters in."""
        given = {a.arg for a in walk(self.init.args) if isinstance(a, ast.arg)} - {"self"}
        for node in walk(self.init):
            if not isinstance(node, ast.Assign):
                continue
            used = {n.id for n in walk(node.value) if isinstance(n, ast.Name)}
            for target in node.targets if used & given else ():
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                    yield target.attr

    def _positional(self) -> list[str]:
        return [a.arg for a in (*self.init.args.posonlyargs, *self.init.args.args)][1:]

    def _required(self) -> list[str]:
        a = self.init.args
        positional = self._positional()
        named = [k.arg for k, default in zip(a.kwonlyargs, a.kw_defaults, strict=True) if default is None]
        return positional[: len(positional) - len(a.defaults)] + named

    def _first(self) -> str:
        """The parameter that what pickle hands over is taken for; "" where `*args` takes it."""
        return next(iter(self._positional()), "")

    def _missing(self) -> bool:
        """Whether pickle hands over too little, or more than there are parameters for."""
        required = self._required()
        nothing_taken = not self._positional() and self.init.args.vararg is None
        return len(required) > 1 or (bool(required) and required[0] != self._first()) or nothing_taken

    def _handed_on(self) -> set[str]:
        """The names that the base's constructor, or a method that fills it, is given."""
        found: set[str] = set()
        for node in walk(self.init):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                given: list[ast.expr] = [*node.args, *(k.value for k in node.keywords)]
            elif isinstance(node, (ast.For, ast.comprehension)):
                given = [node.iter]
            else:
                continue
            found |= {n.id for one in given for n in walk(one) if isinstance(n, ast.Name)}
        return found

    def _bounded(self) -> bool:
        calls = [n for n in walk(self.init) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith("__init__")]
        return any(len(c.args) > 1 or any(k.arg == "maxlen" for k in c.keywords) for c in calls)
