"""One `__init__`, read from top to bottom: what it hands to its base, and what it needs of what it is given."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from fixpickle.survey.initialisers import ARGS, FIXED, OPEN, SUPER, Demand, Form, Handed, Value
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Function, bound_names, children, walk
from fixpickle.survey.values import Values, joined

Known = dict[str, Value]
Alternatives = tuple[Handed | None, ...]


class Constructor:
    """Follows the statements of a constructor; both ways of an `if`, and nothing of what it calls."""

    def __init__(self, names: Names, cls: ast.ClassDef, init: Function, constants: frozenset[str]) -> None:
        arguments = [*init.args.posonlyargs, *init.args.args]
        self.names, self.cls, self.init = names, cls, init
        self.receiver = arguments[0].arg if arguments else ""
        self.values = Values(self.receiver, constants)
        self.known: Known = {a.arg: Value(Form.SAME, frozenset({a.arg})) for a in arguments[1:] + init.args.kwonlyargs}
        self.rest = init.args.vararg.arg if init.args.vararg else ""
        self.extra = init.args.kwarg.arg if init.args.kwarg else ""
        self.known |= {self.rest: Value(Form.SAME, frozenset({self.rest}))} if self.rest else {}
        self.known |= {self.extra: OPEN} if self.extra else {}
        self.handed: Alternatives = (None,)
        self.returned: Alternatives = ()
        self.demands: list[Demand] = []
        self.keys: list[str] = []

    def run(self) -> None:
        """Read the whole body."""
        through = self._block(self.init.body, certain=True)
        self.handed = tuple(dict.fromkeys((*self.returned, *(self.handed if through else ()))))

    def _block(self, body: Iterable[ast.stmt], certain: bool) -> bool:
        """Read statements in their order; whether the end of them is reached."""
        for statement in body:
            if isinstance(statement, ast.Return):
                if isinstance(statement.value, ast.Call):
                    self._called(statement.value)
                self.returned += self.handed
                return False
            if isinstance(statement, ast.Raise) or not self._statement(statement, certain):
                return False
            certain = certain and not any(isinstance(n, ast.Return) for n in walk(statement))
        return True

    def _statement(self, statement: ast.stmt, certain: bool) -> bool:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                self._needs(test, certain)
                return self._branches([body, orelse])
            case ast.With(body=body):
                return self._block(body, certain=False)
            case ast.Try(body=body, orelse=orelse, finalbody=final, handlers=handlers):
                through = self._branches([body + orelse, *(h.body for h in handlers)])
                return self._block(final, certain=False) and through
        self._simple(statement, certain)
        return True

    def _simple(self, statement: ast.stmt, certain: bool) -> None:
        match statement:
            case ast.Expr(value=ast.Call() as call):
                self._needs(call, certain)
                self._called(call)
            case ast.Assign(targets=targets, value=value):
                self._needs(value, certain)
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._needs(value, certain)
                self._bind(target, value)
            case ast.AugAssign(target=target, op=op, value=value):
                reading = ast.copy_location(ast.BinOp(_loaded(target), op, value), value)
                self._bind(target, reading)
            case ast.Expr() | ast.Pass() | ast.AnnAssign() | ast.Assert() | ast.Import():
                pass
            case _:
                self._unknown(statement)

    def _branches(self, bodies: Iterable[list[ast.stmt]]) -> bool:
        """What holds after either of them, of those whose end is reached; whether any is."""
        known, handed = self.known, self.handed
        ends: list[tuple[Known, Alternatives]] = []
        for body in bodies:
            self.known, self.handed = dict(known), handed
            if self._block(body, certain=False):
                ends.append((self.known, self.handed))
        self.known, self.handed = ends[0] if ends else (known, handed)
        for other, also in ends[1:]:
            names = self.known.keys() | other.keys()
            self.known = {n: joined(self._value(self.known, n), self._value(other, n)) for n in names}
            self.handed = tuple(dict.fromkeys((*self.handed, *also)))
        return bool(ends)

    def _value(self, known: Known, name: str) -> Value:
        return known.get(name, OPEN if name.startswith(".") else FIXED)

    def _unknown(self, part: ast.stmt | ast.expr) -> None:
        """A loop, a match, a definition, a pattern: whatever it binds or hands on cannot be told."""
        for name in bound_names(part):
            self.known[name] = OPEN
        for node in walk(part):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                self.known[f".{node.attr}"] = OPEN
                if node.attr == ARGS:
                    self.handed = (*self.handed, Handed(ARGS, (), complete=False))
            elif isinstance(node, ast.Call) and self._target(node):
                self.handed = (*self.handed, Handed(self._target(node), (), complete=False))

    # --- statements -------------------------------------------------------------------------------------------------

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        owner = target.value if isinstance(target, ast.Attribute) else None
        if isinstance(target, ast.Attribute) and isinstance(owner, ast.Name) and owner.id == self.receiver:
            if target.attr == ARGS:
                elements = value.elts if isinstance(value, ast.Tuple) else [ast.Starred(value)]
                self.handed = (self._given(ARGS, elements, []),)
            self.known[f".{target.attr}"] = self.values.of(value, self.known)
        elif isinstance(target, ast.Name):
            self.known[target.id] = self.values.of(value, self.known)
        else:
            self._unknown(target)

    def _called(self, call: ast.Call) -> None:
        target = self._target(call)
        if target:
            arguments = call.args if target == SUPER else call.args[1:]
            self.handed = (self._given(target, arguments, call.keywords),)

    def _target(self, call: ast.Call) -> str:
        """Which class' `__init__` a call is of: `SUPER`, a symbolic name, "?" where unknown, "" where it is none."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "__init__":
            return ""
        match call.func.value:
            case ast.Call(func=ast.Name(id="super"), args=[]):
                return SUPER
            case ast.Call(func=ast.Name(id="super"), args=[ast.Name(id=name), ast.Name(id=self.receiver)]):
                return SUPER if name == self.cls.name else "?"
            case ast.Call(func=ast.Name(id="super")):
                return "?"
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Name) and first.id == self.receiver:
            return self.names.of(call.func.value) or "?"
        return ""

    def _given(self, target: str, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> Handed:
        rest, plain, complete = "", list(arguments), True
        if plain and isinstance(plain[-1], ast.Starred):
            last = plain.pop()
            inner = last.value if isinstance(last, ast.Starred) else last
            unchanged = isinstance(inner, ast.Name) and inner.id == self.rest
            if unchanged and self._is_given(self.rest):
                rest = self.rest
            else:
                complete = False
        if any(isinstance(a, ast.Starred) for a in plain):
            complete, plain = False, []
        values = tuple(self.values.of(a, self.known) for a in plain)
        named = tuple((k.arg, self.values.of(k.value, self.known)) for k in keywords if k.arg)
        return Handed(target, values, named, rest, complete)

    # --- needs ------------------------------------------------------------------------------------------------------

    def _needs(self, node: ast.expr, certain: bool) -> None:
        """Attributes and keys that are sure to be read, of parameters that are still what was given."""
        for inner in _evaluated(node) if certain else ():
            match inner:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if self._is_given(name):
                    self.demands.append(Demand(name, attribute))
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str())) if self._is_given(name):
                    self.demands.append(Demand(name, "__getitem__ of a name"))
                case ast.Subscript(value=ast.Name(id=self.extra), slice=ast.Constant(value=str(key))):
                    self.keys.append(key)
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=self.extra), attr="pop"), args=[ast.Constant(value=str(key))]
                ):
                    self.keys.append(key)

    def _is_given(self, name: str) -> bool:
        return self.known.get(name) == Value(Form.SAME, frozenset({name}))


def _loaded(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    return target


def _evaluated(node: ast.expr) -> Iterator[ast.AST]:
    """The expression and all in it that is sure to be evaluated with it."""
    pending: list[ast.AST] = [node]
    for one in pending:
        yield one
        match one:
            case ast.IfExp(test=test):
                pending.append(test)
            case ast.BoolOp(values=[first, *_]):
                pending.append(first)
            case ast.ListComp(generators=[first, *_]) | ast.SetComp(generators=[first, *_]):
                pending.append(first.iter)
            case ast.GeneratorExp(generators=[first, *_]) | ast.DictComp(generators=[first, *_]):
                pending.append(first.iter)
            case ast.Lambda():
                pass
            case _:
                pending.extend(children(one))
