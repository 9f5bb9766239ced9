"""How an attribute is made anew from what an instance keeps: the class' own expression, or no expression at all."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import Construction
from fixpickle.survey.folding import folded
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Comprehension, Function, Tree, bound_names, is_none, parameters
from fixpickle_codemods._case import CONSTRUCTORS

_SETTERS = frozenset({"builtins.object.__setattr__", "builtins.setattr"})
_PLAIN_CALLS = frozenset(
    {"builtins.range", "builtins.len", "builtins.list", "builtins.dict", "collections.defaultdict"}
)
_NESTING = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.Match)


class Unclear(Exception):
    """It cannot be told for certain how the attribute is made. The message is the reason, for a person."""


@dataclass(frozen=True, slots=True)
class Remade:
    """The code that makes an attribute anew, empty where None will do, and the attributes of `self` that it reads.

    `written` is the expression as the class has it, for the proof.
    """

    code: str
    reads: tuple[str, ...]
    written: str


@dataclass(frozen=True, slots=True)
class _Write:
    """One place that sets the attribute: the value, and the function it stands in."""

    value: ast.expr
    function: Function


class Remaking:
    """What the methods of one class do with one attribute."""

    def __init__(self, tree: Tree, names: Names, cls: str, attribute: str) -> None:
        self.tree = tree
        self.names = names
        self.cls = next(n for n in tree.nodes if isinstance(n, ast.ClassDef) and tree.qualname(n) == cls)
        self.attribute = attribute

    def remade(self, made: Construction) -> Remade:
        """How to make it anew. Raises Unclear."""
        if not made.owner:
            return self._of_field(made)
        writes = self._writes()
        values = [w for w in writes if not is_none(w.value)]
        if len({ast.dump(w.value) for w in values}) != 1:
            raise Unclear(f"self.{self.attribute} is set in more than one way")
        write = values[0]
        if len(writes) > len(values) or self._conditional(write):
            if not self._fetched(write):
                raise Unclear(f"self.{self.attribute} may be None, and nothing that is kept tells when")
            return Remade("", (), ast.unparse(write.value))
        if write.function.name not in CONSTRUCTORS and self._asked_for():
            raise Unclear(f"the file asks by name whether there is an attribute {self.attribute}")
        return self._of_value(write)

    def _of_field(self, made: Construction) -> Remade:
        """A field of a dataclass, whose factory is called for each instance."""
        declared = any(made.attribute in set(bound_names(s)) for s in self.cls.body)
        if made.called and self._values(self.attribute):
            (write,) = self._writes()[:1]
            return self._of_value(write)
        if made.called or not declared:
            raise Unclear("one object serves all instances: made anew, each would have its own")
        if self._stores(self.attribute):
            raise Unclear(f"self.{self.attribute} is set in more than one way")
        return Remade(made.code, (), "")

    # --- the places that set it ---

    def _uses(self, attribute: str) -> Iterator[ast.Attribute]:
        """Where the file names that attribute of an instance of the class, or of what may be one.

        What `__setstate__` sets is left out: that happens once the instance is loaded.
        """
        for node in self.tree.nodes:
            if isinstance(node, ast.Attribute) and node.attr == attribute and not self._restored(node):
                owner = self.names.instance_class(node.value)
                if owner is None or owner is self.cls:
                    yield node

    def _stores(self, attribute: str) -> list[ast.Attribute]:
        """Where the file sets or deletes it."""
        return [node for node in self._uses(attribute) if not isinstance(node.ctx, ast.Load)]

    def _values(self, attribute: str) -> list[ast.AST]:
        """What the methods of the class assign to it."""
        values = self.names.attribute_values(self.cls).get(attribute, [])
        return [value for value in values if not self._restored(value)]

    def _restored(self, node: ast.AST) -> bool:
        function = self.tree.function(node)
        return isinstance(function, FUNCTIONS) and function.name == "__setstate__"

    def _writes(self) -> list[_Write]:
        values = self._values(self.attribute)
        if len(values) != len(self._stores(self.attribute)):
            raise Unclear(f"self.{self.attribute} is set in a way that cannot be read")
        for node in self.tree.nodes:
            if isinstance(node, ast.Call) and len(node.args) == 3 and self.names.of(node.func) in _SETTERS:
                named = node.args[1]
                if isinstance(named, ast.Constant) and named.value == self.attribute:
                    values.append(node.args[2])
        writes = []
        for value in values:
            function = self.tree.function(value)
            if not isinstance(value, ast.expr) or not isinstance(function, FUNCTIONS):
                raise Unclear(f"self.{self.attribute} is set in a way that cannot be read")
            writes.append(_Write(value, function))
        if not writes:
            raise Unclear(f"nothing that can be read sets self.{self.attribute}")
        self._check_shared(writes)
        return writes

    def _check_shared(self, writes: Sequence[_Write]) -> None:
        """What is kept under another attribute as well would be made anew twice."""
        shared: list[ast.AST] = list(self._uses(self.attribute))
        for write in writes:
            statement = self.tree.parents[write.value]
            if isinstance(statement, ast.Assign) and len(statement.targets) > 1:
                raise Unclear(f"{ast.unparse(statement.targets[1])} is the same object as self.{self.attribute}")
            if isinstance(write.value, ast.Name):
                inside = (n for n in ast.walk(write.function) if isinstance(n, ast.Name) and n is not write.value)
                shared += [n for n in inside if n.id == write.value.id]
        for node in shared:
            kept = self.tree.parents[node]
            if isinstance(kept, ast.Assign) and kept.value is node and isinstance(kept.targets[0], ast.Attribute):
                raise Unclear(f"{ast.unparse(kept.targets[0])} is the same object as self.{self.attribute}")

    def _conditional(self, write: _Write) -> bool:
        inside = (a for a in self.tree.ancestors(write.value) if self.tree.inside(a, write.function))
        return any(isinstance(a, _NESTING) for a in inside)

    def _asked_for(self) -> bool:
        return any(isinstance(n, ast.Constant) and n.value == self.attribute for n in self.tree.nodes)

    def _fetched(self, write: _Write) -> bool:
        """Whether one method alone hands it out, and makes it where it is None: then it may arrive as None."""
        tests = [a.test for a in self.tree.ancestors(write.value) if isinstance(a, ast.If)]
        wanted = {f"self.{self.attribute} is None", f"not self.{self.attribute}"}
        if len(tests) != 1 or ast.unparse(tests[0]) not in wanted:
            return False
        for node in self._uses(self.attribute):
            none = isinstance(node.ctx, ast.Store) and is_none(getattr(self.tree.parents[node], "value", node))
            if not none and self.tree.function(node) is not write.function:
                return False
        return not self._asked_for()

    def hooks_read(self) -> tuple[str, ...] | None:
        """The attributes that a `__setstate__` of the class reads before it sets them; None where it calls a method."""
        names = [n for n in self.tree.nodes if isinstance(n, ast.Attribute) and self._restored(n)]
        own = [n for n in names if n.attr != "__dict__" and self.names.instance_class(n.value) is self.cls]
        stored = {n.attr for n in own if isinstance(n.ctx, ast.Store)}
        read = [n for n in own if isinstance(n.ctx, ast.Load) and n.attr not in stored]
        parents = [self.tree.parents[n] for n in read]
        if any(isinstance(p, ast.Call) and p.func is n for p, n in zip(parents, read, strict=True)):
            return None
        return tuple(n.attr for n in read)

    # --- the expression ---

    def _of_value(self, write: _Write) -> Remade:
        value = self._inlined(write)
        self._check_calls(value)
        self._check_table(value)
        changes: list[tuple[int, int, str]] = []
        reads: list[str] = []
        start = self.tree.span(value).start
        for node in ast.walk(value):
            if isinstance(node, ast.Name) and (instead := self._instead(node, value, write)) is not None:
                span = self.tree.span(node)
                changes.append((span.start - start, span.end - start, instead))
                reads += [instead.removeprefix("self.")] if instead.startswith("self.") else [self._read(node, write)]
        code = self.tree.code(value)
        for begin, end, text in sorted(changes, reverse=True):
            code = code[:begin] + text + code[end:]
        # It may have been broken where its brackets ended.
        if not (code := folded(code)):
            raise Unclear("a string in what makes it goes over several lines")
        return Remade(code, tuple(dict.fromkeys(reads)), ast.unparse(value))

    def _inlined(self, write: _Write) -> ast.expr:
        """The value of `lock = Lock()` where the attribute is set by `self.lock = lock`."""
        value = write.value
        if isinstance(value, ast.Name) and value.id not in parameters(write.function):
            bound = self.names.bindings.get(write.function, {}).get(value.id, [])
            if len(bound) == 1 and isinstance(bound[0], ast.expr):
                return bound[0]
        return value

    def _instead(self, node: ast.Name, value: ast.expr, write: _Write) -> str | None:
        """What a name in the expression becomes in a method of the instance; None where it stands as it is."""
        if node.id in {n.id for n in ast.walk(value) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}:
            return None
        bound = self.names.bindings.get(write.function, {}).get(node.id)
        if self.names.instance_class(node) is self.cls:
            return "self"
        if bound is None:
            known = node.id in self.names.bindings.get(self.tree.root, {}) or hasattr(builtins, node.id)
            if known and self.tree.function(write.function) is None:
                return None
            raise Unclear(f"it is made from `{node.id}`, which a loaded instance does not have")
        if len(bound) == 1:
            for attribute in self.names.attribute_values(self.cls):
                values = self._values(attribute)
                same = [v for v in values if isinstance(v, ast.Name) and v.id == node.id]
                if len(values) == len(same) == 1 and attribute != self.attribute and self._steady(attribute):
                    return f"self.{attribute}"
        raise Unclear(f"it is made from `{node.id}`, which the instance does not keep as it is")

    def _read(self, node: ast.Name, write: _Write) -> str:
        """The attribute of `self` that is read there."""
        parent = self.tree.parents[node]
        if not isinstance(parent, ast.Attribute) or parent.value is not node:
            raise Unclear("it is made from the instance itself")
        if not self._steady(parent.attr):
            raise Unclear(f"it is made from self.{parent.attr}, which may have changed since")
        return parent.attr

    def _steady(self, attribute: str) -> bool:
        """Whether the attribute is set once, by the constructor, so that it is what it was."""
        values = self._values(attribute)
        if len(values) != 1 or len(self._stores(attribute)) != 1:
            return False
        function = self.tree.function(values[0])
        return isinstance(function, FUNCTIONS) and function.name in CONSTRUCTORS

    def _check_calls(self, value: ast.expr) -> None:
        for call in (n for n in ast.walk(value) if isinstance(n, ast.Call)):
            if self.names.of(call.func) not in PRIMITIVES | _PLAIN_CALLS:
                raise Unclear(f"it is made by `{ast.unparse(call.func)}`, which may give another answer when loaded")
        if any(isinstance(n, (ast.NamedExpr, ast.Await, ast.Yield, ast.Lambda)) for n in ast.walk(value)):
            raise Unclear("the expression that makes it does more than that")

    # --- tables of locks ---

    def _check_table(self, value: ast.expr) -> None:
        """A container may be made anew only if it holds locks alone and is never changed, only looked into."""
        if not isinstance(value, (ast.List, ast.Tuple, ast.Dict, ast.Set, *Comprehension)) and not self._growing(value):
            return
        if not self._growing(value) and not all(self._is_primitive(e) for e in _elements(value)):
            raise Unclear(f"self.{self.attribute} holds more than locks")
        for node in self._uses(self.attribute):
            if isinstance(node.ctx, ast.Load):
                parent = self.tree.parents[node]
                indexed = (
                    isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load)
                )
                looped = isinstance(parent, ast.For) and parent.iter is node and not self._growing(value)
                if not indexed and not looped:
                    raise Unclear(f"self.{self.attribute} may be changed at line {node.lineno}")

    def _growing(self, value: ast.expr) -> bool:
        return isinstance(value, ast.Call) and self.names.of(value.func) not in PRIMITIVES

    def _is_primitive(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self.names.of(node.func) in PRIMITIVES


def _elements(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        yield from value.elts
    elif isinstance(value, ast.Dict):
        yield from value.values
    elif isinstance(value, ast.DictComp):
        yield value.value
    elif isinstance(value, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
        yield value.elt
