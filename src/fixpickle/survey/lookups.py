"""What `__getattr__` does when pickle asks an instance that has nothing yet for a hook it does not have.

Tried on CPython 3.8 to 3.13: an instance is made without its constructor, and is then asked for `__setstate__`, by
pickle as by copy. `deepcopy` asks for `__deepcopy__`; up to 3.10 pickling asks for `__getstate__`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fixpickle.model import Span
from fixpickle.survey.facts import Flaw, Harm
from fixpickle.survey.known_name import KnownName
from fixpickle.survey.mangling import mangled
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Comprehension, Tree, bound_names, children, walk

_ASKED = "__setstate__"
_GIVEN = frozenset(dir(object)) | {"__dict__", "__weakref__", "__module__"}
_MAPPINGS = frozenset({"builtins.dict", "collections.OrderedDict", "collections.UserDict", "collections.defaultdict"})
_CATCHES_ALL = frozenset({"Exception", "BaseException", "RuntimeError", "RecursionError"})
_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property"})


@dataclass(frozen=True, slots=True)
class _Reads:
    """The method reads an attribute of the instance first."""

    attribute: str


@dataclass(frozen=True, slots=True)
class _Answers:
    """The method gives a value whatever it is asked for, or raises another exception than AttributeError."""

    what: str


@dataclass(frozen=True, slots=True)
class _Fine:
    """The method raises AttributeError, or does what cannot be told from here."""


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The method goes on behind the statement."""


_Outcome = _Reads | _Answers | _Fine | _Nothing


def lookup_flaws(tree: Tree, names: Names, cls: ast.ClassDef) -> Iterator[Flaw]:
    """The flaw of the class' own `__getattr__`, if it has one."""
    method = next((s for s in cls.body if isinstance(s, ast.FunctionDef) and s.name == "__getattr__"), None)
    if method is None or method.decorator_list or len(method.args.args) != 2:
        return
    lookup = _Lookup(
        tree,
        method.args.args[0].arg,
        method.args.args[1].arg,
        frozenset(n for s in cls.body for n in _valued(s)),
        cls.name,
        any(names.of_base(b) in _MAPPINGS for b in cls.bases),
        {s.name: s for s in reversed(cls.body) if isinstance(s, ast.FunctionDef)},  # a getter comes before its setter
    )
    start = tree.offset(method.lineno, method.col_offset)
    span = Span(start, tree.text.index(method.name, start) + len(method.name), *tree.position(start))
    outcome = lookup.of(method.body, _ASKED)
    if isinstance(outcome, _Answers):
        # An instance without state is asked for nothing when it is loaded, but for `__deepcopy__` when it is copied.
        held = lookup.all_read(method) or tuple(_first_set(cls))
        if held or "KeyError" in outcome.what:
            yield Flaw(Harm.ANSWERING, method.name, span, held, outcome.what, "")
    elif isinstance(outcome, _Reads) and lookup.endless(method.body, outcome.attribute) and lookup.sets(outcome, cls):
        own = [name for name in lookup.all_read(method) if lookup.sets(_Reads(name), cls)]  # others may be a base's
        held = tuple(dict.fromkeys([*own, outcome.attribute]))
        again = tuple(lookup.properties(outcome))
        yield Flaw(Harm.ENDLESS, method.name, span, held, lookup.keyed(method), "", again)


def _first_set(cls: ast.ClassDef) -> Iterator[str]:
    """The first attribute that a method sets on the instance."""
    for node in walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
            return


def _valued(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of the class body gives a value: an annotation alone does not."""
    if not (isinstance(statement, ast.AnnAssign) and statement.value is None):
        yield from bound_names(statement)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """One `__getattr__`: how it names the instance and the name it is asked for, and what the class has of itself.

    Or a method that it calls. `entered` are the methods that lead to it, so that a circle of them ends.
    """

    tree: Tree
    me: str
    name: str
    members: frozenset[str]
    cls: str
    mapping: bool
    methods: Mapping[str, ast.FunctionDef]
    entered: frozenset[str] = frozenset()

    def endless(self, body: list[ast.stmt], attribute: str) -> bool:
        """Whether asking for the attribute that is read leads back to it."""
        seen: set[str] = set()
        while attribute not in seen:
            seen.add(attribute)
            outcome = self.of(body, attribute)
            if not isinstance(outcome, _Reads):
                return False
            attribute = outcome.attribute
        return True

    def sets(self, reads: _Reads, cls: ast.ClassDef) -> bool:
        """Whether the class itself sets the attribute: a mixin's may be a property of what it is mixed with."""
        for node in walk(cls):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if reads.attribute == mangled(node.attr, self.cls):
                    return True
            elif isinstance(node, (ast.Constant, ast.AnnAssign)):
                named = node.value if isinstance(node, ast.Constant) else ast.unparse(node.target)
                if named == reads.attribute:
                    return True
        return False

    def all_read(self, method: ast.FunctionDef) -> tuple[str, ...]:
        """Every attribute of instances that the method itself reads, as stored."""
        found = (self._attribute(n) for n in walk(method) if self.tree.function(n) is method)
        return tuple(dict.fromkeys(name for name in found if name))

    def properties(self, reads: _Reads) -> Iterator[str]:
        """The properties that read the attribute first: where that raises AttributeError, they are asked for again."""
        for name, method in self.methods.items():
            own = {ast.unparse(d) for d in method.decorator_list} & _PROPERTIES
            if own and self._inside(method, []) == reads.attribute:
                yield name

    def keyed(self, method: ast.FunctionDef) -> str:
        """How a missing key of the last `return self.data[name]` escapes as KeyError, or ""."""
        last = method.body[-1]
        value = last.value if isinstance(last, ast.Return) else None
        by_name = isinstance(value, ast.Subscript) and ast.unparse(value.slice) == self.name
        return f"raises KeyError from `{ast.unparse(value)}`" if by_name and value is not None else ""

    # --- statements ---

    def of(self, body: list[ast.stmt], asked: str) -> _Outcome:
        """What the statements do when they are asked for that name."""
        for statement in body:
            outcome = self._statement(statement, asked)
            if not isinstance(outcome, _Nothing):
                return outcome
        return _Nothing() if body is not self._whole(body) else _Answers("returns None")

    def _whole(self, body: list[ast.stmt]) -> object:
        parent = self.tree.parents[body[0]]
        return body if isinstance(parent, ast.FunctionDef) else None

    def _statement(self, statement: ast.stmt, asked: str) -> _Outcome:
        if isinstance(statement, ast.If):
            return self._branch(statement, asked)
        if isinstance(statement, ast.Try):
            return self._tried(statement, asked)
        if isinstance(statement, ast.Raise):
            if statement.exc is not None and (first := self._first(statement.exc)):
                return _Reads(first)  # its message names what the instance lacks
            wrong = statement.exc is not None and ast.unparse(statement.exc).startswith("KeyError")
            return _Answers("raises KeyError") if wrong else _Fine()
        if isinstance(statement, ast.Return):
            return self._returned(statement.value)
        if isinstance(statement, (ast.Expr, ast.Assign)):
            if first := self._first(statement.value):
                return _Reads(first)
            plain = isinstance(statement.value, (ast.Constant, ast.Attribute, ast.Name, ast.JoinedStr))
            return _Nothing() if plain or self._makes_another(statement.value) else _Fine()
        if (leading := _leading(statement)) is not None and (first := self._first(leading)):
            return _Reads(first)
        return _Nothing() if isinstance(statement, (ast.Pass, ast.Import, ast.ImportFrom)) else _Fine()

    def _makes_another(self, value: ast.expr) -> bool:
        """Whether it makes another instance of the same class, with arguments that nothing is read for."""
        kinds = (f"type({self.me})", f"{self.me}.__class__")
        return isinstance(value, ast.Call) and ast.unparse(value.func) in kinds

    def _branch(self, statement: ast.If, asked: str) -> _Outcome:
        holds = KnownName(self.name, asked).holds(statement.test)
        if holds is None:
            first = self._first(statement.test)
            return _Reads(first) if first else _Fine()
        taken = statement.body if holds else statement.orelse
        return self.of(taken, asked) if taken else _Nothing()

    def _tried(self, statement: ast.Try, asked: str) -> _Outcome:
        """Handlers that name their exceptions let a RecursionError through; what else they do is not followed."""
        caught = {ast.unparse(h.type) if h.type is not None else "Exception" for h in statement.handlers}
        if any(name in clause for clause in caught for name in _CATCHES_ALL):
            return _Fine()
        outcome = self.of(statement.body, asked)
        return outcome if isinstance(outcome, _Reads) else _Fine()

    def _returned(self, value: ast.expr | None) -> _Outcome:
        if value is None or isinstance(value, ast.Constant):
            return _Answers(f"returns {ast.unparse(value) if value is not None else None}")
        if first := self._first(value):
            return _Reads(first)
        if isinstance(value, (ast.Lambda, ast.List, ast.Dict)):
            return _Answers(f"returns {ast.unparse(value)}")
        if isinstance(value, ast.Subscript) and ast.unparse(value.slice) == self.name:
            held = ast.unparse(value.value)
            if (self.mapping and held == self.me) or held.startswith(f"{self.me}.__dict__["):
                return _Answers(f"raises KeyError from `{ast.unparse(value)}`")
        return _Fine()

    # --- expressions ---

    def _first(self, node: ast.AST) -> str:
        """The attribute of the instance that the expression is certain to read first, or ""."""
        pending: list[ast.AST] = [node]
        while pending:
            node = pending.pop(0)
            if name := self._attribute(node) or self._through(node):
                return name
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith((f"{self.me}.", "super()")):
                root = node.func
                while isinstance(root, ast.Attribute) and isinstance(root.value, ast.Attribute):
                    root = root.value
                # What a method is called on is read first; a method may give the instance what it lacks.
                return "" if root is node.func else self._attribute(root) or self._through(root)
            if isinstance(node, ast.BoolOp):
                pending[:0] = node.values[:1]
            elif isinstance(node, ast.IfExp):
                pending[:0] = [node.test]
            elif isinstance(node, Comprehension):
                pending[:0] = [node.generators[0].iter]
            elif not isinstance(node, ast.Lambda):
                pending[:0] = list(children(node))
        return ""

    def _through(self, node: ast.AST) -> str:
        """What a property, `self[key]` or a method of the class itself reads first, where the expression runs it."""
        called = node.func if isinstance(node, ast.Call) else node
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == self.me and isinstance(node.ctx, ast.Load):
            name, given = "__getitem__", [node.slice]
        elif isinstance(called, ast.Attribute) and ast.unparse(called.value) == self.me:
            name, given = called.attr, node.args if isinstance(node, ast.Call) else []
        else:
            return ""
        method = self.methods.get(name)
        if method is None or name in self.entered or not method.args.args:
            return ""
        kinds = [ast.unparse(d) for d in method.decorator_list]
        if kinds and (isinstance(node, ast.Call) or not set(kinds) <= _PROPERTIES):
            return ""
        if not kinds and called is node and not isinstance(node, ast.Subscript):
            return ""  # a bound method, which is not called
        return self._inside(method, given)

    def _inside(self, method: ast.FunctionDef, given: list[ast.expr]) -> str:
        """The attribute that a method reads first when it is handed these arguments."""
        me, *others = (a.arg for a in method.args.args)
        asked = next((o for o, g in zip(others, given, strict=False) if ast.unparse(g) == self.name), "")
        inner = replace(self, me=me, name=asked, entered=self.entered | {method.name})
        outcome = inner.of(method.body, _ASKED)
        return outcome.attribute if isinstance(outcome, _Reads) else ""

    def _attribute(self, node: ast.AST) -> str:
        """The stored name of what `self.x` or `getattr(self, "x")` reads, where the class does not have it."""
        name = ""
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and ast.unparse(node.value) == self.me:
            name = node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr") and len(node.args) > 1:
            owner, key = node.args[:2]
            if ast.unparse(owner) == self.me and isinstance(key, ast.Constant):
                return str(key.value) if key.value not in self.members else ""
        if not name or name in self.members or name in _GIVEN:
            return ""
        return mangled(name, self.cls)


def _leading(statement: ast.stmt) -> ast.expr | None:
    """The expression that a loop, a `with` or an assertion is certain to evaluate, and evaluates first."""
    if isinstance(statement, ast.For):
        return statement.iter
    if isinstance(statement, (ast.While, ast.Assert)):
        return statement.test
    return statement.items[0].context_expr if isinstance(statement, ast.With) else None
