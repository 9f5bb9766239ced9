"""Expressions of a constructor, read for what they are made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Formatter

from fixpickle.survey.initialisers import FIXED, OPEN, Form, Value
from fixpickle.survey.tree import children, walk

_PERCENT = re.compile(r"%(?:\((\w+)\))?([#0\- +\d.*]*)([a-zA-Z%])")
_OF_CLASS = frozenset({"__class__", "__name__", "__qualname__", "__module__", "__doc__"})


class Values:
    """Reads expressions where `known` holds what names, and attributes of the receiver as `.name`, are."""

    def __init__(self, receiver: str, constants: frozenset[str]) -> None:
        self.receiver, self.constants = receiver, constants

    def of(self, node: ast.expr, known: Mapping[str, Value]) -> Value:
        """What an expression is."""
        match node:
            case ast.Constant(value=value):
                return Value(Form.MADE, text=isinstance(value, str), full=isinstance(value, str) and bool(value))
            case ast.Name(id=name):
                return known.get(name, FIXED)
            case ast.Attribute():
                return self._attribute(node, known)
            case ast.JoinedStr():
                return self._joined(node, known)
            case ast.BinOp(op=ast.Add()):
                return _added(self.of(node.left, known), self.of(node.right, known))
            case ast.BinOp(left=left, op=ast.Mod()) if (text := _literal(left)) is not None:
                return self._percent(text, node.right, known)
            case ast.BoolOp(op=ast.Or(), values=[first, *others]):
                return _first_of(self.of(first, known), [self.of(o, known) for o in others])
            case ast.IfExp():
                return joined(self.of(node.body, known), self.of(node.orelse, known))
            case ast.Call():
                return self._call(node, known)
        return self._made(children(node), known)

    def _made(self, nodes: Iterable[ast.AST], known: Mapping[str, Value]) -> Value:
        return _mixed([self.of(n, known) for n in _expressions(nodes)])

    def _attribute(self, node: ast.Attribute, known: Mapping[str, Value]) -> Value:
        if isinstance(node.value, ast.Name) and node.value.id == self.receiver:
            if f".{node.attr}" in known:
                return known[f".{node.attr}"]
            return FIXED if node.attr in self.constants | _OF_CLASS else OPEN
        return _mixed([self.of(node.value, known)])

    # --- texts ---

    def _joined(self, node: ast.JoinedStr, known: Mapping[str, Value]) -> Value:
        full = any(isinstance(p, ast.Constant) and p.value for p in node.values)
        parts = [p for p in node.values if isinstance(p, ast.FormattedValue)]
        return _text(((self.of(p.value, known), p.format_spec is None) for p in parts), full)

    def _percent(self, text: str, right: ast.expr, known: Mapping[str, Value]) -> Value:
        fields = [m for m in _PERCENT.finditer(text) if m[3] != "%"]
        full = bool(_PERCENT.sub("", text))
        if isinstance(right, ast.Dict):
            given = {k.value: v for k, v in zip(right.keys, right.values, strict=True) if isinstance(k, ast.Constant)}
            pairs = [(given.get(f[1]), f) for f in fields]
        else:
            elements = right.elts if isinstance(right, ast.Tuple) else [right]
            pairs = list(zip(elements, fields, strict=True)) if len(elements) == len(fields) else []
        found = [(self.of(e, known), f[3] in "sr" and not f[2]) for e, f in pairs if e is not None]
        rest = [] if len(found) == len(fields) else [(self._made([right], known), False)]
        return _text([*found, *rest], full)

    def _format(self, text: str, call: ast.Call, known: Mapping[str, Value]) -> Value:
        given: dict[str, ast.expr] = {str(i): a for i, a in enumerate(call.args) if not isinstance(a, ast.Starred)}
        given |= {k.arg: k.value for k in call.keywords if k.arg}
        found: list[tuple[Value, bool]] = [(self._made([*call.args, *(k.value for k in call.keywords)], known), False)]
        full, number = False, 0
        try:
            for literal, field, spec, _ in Formatter().parse(text):
                full = full or bool(literal)
                if field is not None:
                    name, number = (field, number) if field else (str(number), number + 1)
                    if name in given:
                        found.append((self.of(given[name], known), not spec))
        except ValueError:
            return _mixed(v for v, _ in found)
        return _text(found, full)

    def _call(self, node: ast.Call, known: Mapping[str, Value]) -> Value:
        match node:
            case ast.Call(func=ast.Name(id="str"), args=[one], keywords=[]):
                value = self.of(one, known)
                form = Form.EITHER if value.form is Form.SAME else value.form
                return Value(form, value.names, value.whole, True, value.full)
            case ast.Call(func=ast.Name(id="repr"), args=[one], keywords=[]):
                return _text([(self.of(one, known), True)], True)
            case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id=name)]) if name == self.receiver:
                return FIXED
            case ast.Call(func=ast.Attribute(value=left, attr="format")) if (text := _literal(left)) is not None:
                return self._format(text, node, known)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="join"), args=[one]):
                # Whatever is joined again is joined letter by letter: longer, where there is a separator.
                return _text([(self.of(_elements(one), known), True)], bool(text))
        if any(isinstance(n, ast.Name) and n.id == self.receiver for n in walk(node)):
            return OPEN
        return self._made(children(node), known)


def _literal(node: ast.expr) -> str | None:
    """A string that stands in the source, as it is or handed to what translates it, by the names this goes by."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Call(func=ast.Name(id="_" | "gettext" | "gettext_lazy"), args=[ast.Constant(value=str(text))]):
            return text
    return None


def _elements(node: ast.expr) -> ast.expr:
    """What is joined, where every element of it is, as it is or as its `str` or `repr`."""
    match node:
        case ast.GeneratorExp(elt=elt, generators=[ast.comprehension(target=ast.Name(id=name), iter=inner, ifs=[])]):
            match elt:
                case ast.Name(id=used) | ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=used)]):
                    return _elements(inner) if used == name else node
        case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id="str" | "repr"), inner]):
            return _elements(inner)
        case ast.Call(func=ast.Name(id="sorted" | "list" | "tuple"), args=[inner]):
            return _elements(inner)
    return node


def _expressions(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """The expressions directly below, through nodes that are none, such as comprehensions and keywords."""
    for node in nodes:
        if isinstance(node, ast.expr):
            yield node
        else:
            yield from _expressions(children(node))


def _mixed(values: Iterable[Value]) -> Value:
    found = list(values)
    form = Form.OPEN if any(v.form is Form.OPEN for v in found) else Form.MADE
    return Value(form, frozenset[str]().union(*(v.names for v in found)))


def _text(parts: Iterable[tuple[Value, bool]], full: bool) -> Value:
    """A text of parts, each with whether it stands there unshortened, `full` where there is more to it than those."""
    found = list(parts)
    mixed = _mixed(v for v, _ in found)
    whole = frozenset[str]().union(*(v.carried if full else v.whole for v, plain in found if plain))
    return Value(mixed.form, mixed.names, whole, True, full)


def _added(left: Value, right: Value) -> Value:
    mixed = _mixed([left, right])
    whole = left.whole | right.whole
    whole |= left.carried if right.full else frozenset()
    whole |= right.carried if left.full else frozenset()
    return Value(mixed.form, mixed.names, whole, left.text or right.text, left.full or right.full)


def _first_of(first: Value, others: Sequence[Value]) -> Value:
    if first.form in (Form.SAME, Form.EITHER) and all(o.fixed for o in others):
        return Value(Form.EITHER, first.names, text=first.text)
    return _mixed([first, *others])


def joined(one: Value, other: Value) -> Value:
    """What is either of the two."""
    if one == other:
        return one
    plain = [v for v in (one, other) if v.form in (Form.SAME, Form.EITHER)]
    names = one.names | other.names
    if plain and len(names) == 1 and all(v in plain or v.fixed for v in (one, other)):
        return Value(Form.EITHER, names, text=one.text and other.text)
    options = dict.fromkeys((*(one.options or (one,)), *(other.options or (other,))))
    text, full = one.text and other.text, one.full and other.full
    return Value(Form.OPEN, names, one.whole & other.whole, text, full, tuple(options))
