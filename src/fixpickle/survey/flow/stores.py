"""Where a value is put: into variables, attributes, containers, fields and defaults of parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import ToAttribute, ToCall, ToGlobal, ToParameter
from fixpickle.survey.flow.literals import Literals
from fixpickle.survey.flow.steps import Step, Via, key_written, keyed
from fixpickle.survey.flow.variables import Variables
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Comprehension, Tree, attribute_declared

# Calls in the body of a class that declare an attribute of its instances.
FIELDS = frozenset(
    [
        "dataclasses.field",
        "attr.ib",
        "attr.attrib",
        "attr.field",
        "attrs.field",
        "attr.Factory",
        "attrs.Factory",
        "pydantic.PrivateAttr",
        "pydantic.Field",
    ]
)
# Decorators of classes whose constructors are made of their fields, and keep the defaults of these on every instance.
FIELDED = frozenset({"dataclasses.dataclass", "attr.s", "attr.attrs", "attr.define", "attrs.define", "attrs.frozen"})
# Containers of this process, into which an item is put without a call that could pickle it.
_PLAIN = ("builtins.", "collections.")
# Functions that set an attribute of their first argument.
_SETTERS = frozenset({"builtins.setattr", "builtins.object.__setattr__"})
# Methods that put an argument into the container they are called on.
_ADDERS = frozenset(
    [
        *("append", "add", "insert", "extend", "setdefault", "update", "appendleft", "__setitem__"),
        # What a module of torch keeps, and is pickled with.
        *("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"),
        *("register_full_backward_pre_hook", "register_backward_hook", "register_state_dict_pre_hook"),
        *("register_state_dict_post_hook", "register_load_state_dict_pre_hook", "register_load_state_dict_post_hook"),
    ]
)


class Stores:
    """Says what keeps a value that a place of the source is given."""

    def __init__(self, tree: Tree, names: Names, variables: Variables, literals: Literals) -> None:
        self.tree = tree
        self.names = names
        self.variables = variables
        self.literals = literals

    def targets(self, targets: Iterable[ast.expr], value: ast.AST) -> Iterable[ast.expr]:
        """The targets, and of `first, second = random_split(...)` each: all that it gives keep what it takes.

        So with `name, test = pair`.
        """
        splits = isinstance(value, ast.Name) or (
            isinstance(value, ast.Call) and catalogue().keeps(self.names.of(value.func))
        )
        return [e for t in targets for e in (t.elts if splits and isinstance(t, (ast.Tuple, ast.List)) else [t])]

    def unpacked(self, values: ast.Tuple, node: ast.AST) -> list[ast.expr]:
        """The targets of `a, b = x, y` that get the one value."""
        statement = self.tree.parents[values]
        if not isinstance(statement, ast.Assign) or any(isinstance(v, ast.Starred) for v in values.elts):
            return []
        tuples = [t for t in statement.targets if isinstance(t, (ast.Tuple, ast.List))]
        if any(len(t.elts) != len(values.elts) or any(isinstance(e, ast.Starred) for e in t.elts) for t in tuples):
            return []
        return [t.elts[at] for t in tuples for at, value in enumerate(values.elts) if value is node]

    def to_target(self, target: ast.AST, direct: bool) -> Iterable[Step]:
        """What keeps a value that is assigned; `direct` where it is the value itself, not a container of it."""
        if isinstance(target, ast.Attribute):
            cls = self.names.instance_class(target.value)
            if cls is None:
                return self._handed(target, "__setattr__")
            return (ToAttribute(self.tree.qualname(cls), target.attr, target.lineno),)
        if isinstance(target, ast.Subscript) and (named := self._by_key(target)) is not None:
            return (named,)
        if isinstance(target, ast.Subscript):
            kept = keyed(self._kept_in(target.value), key_written(target.slice))
            return (*kept, *self._handed(target, "__setitem__"))
        if not isinstance(target, ast.Name):
            return ()
        scope = self.variables.owner(target, target.id)
        via = Via(scope, target.id)
        if isinstance(scope, ast.Module):
            at_import = self.variables.read_at_import(scope, target.id)
            return (ToGlobal(target.id, target.lineno, direct, at_import), via)
        return (via,) if isinstance(scope, (*CALLABLES, *Comprehension)) else ()

    def _by_key(self, target: ast.Subscript) -> ToAttribute | None:
        """The attribute that `self.__dict__["name"] = value` sets."""
        contents, name = target.value, key_written(target.slice)
        if not isinstance(contents, ast.Attribute) or contents.attr != "__dict__" or not name:
            return None
        cls = self.names.instance_class(contents.value)
        return ToAttribute(self.tree.qualname(cls), name, target.lineno) if cls is not None else None

    def _handed(self, target: ast.Attribute | ast.Subscript, method: str) -> Iterable[Step]:
        """What `shelf[key] = value` and `namespace.name = value` call, which pickle the value."""
        owner = self.names.of(target.value)
        if not owner.endswith("()") or owner.startswith(_PLAIN):
            return ()
        return (ToCall(f"{owner}.{method}", 1, "", target.lineno, self.literals.of(target.value)),)

    def into_container(self, call: ast.Call, node: ast.AST) -> Iterable[Step]:
        """What keeps an argument of a call such as `tasks.append(f)`."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in _ADDERS:
            return ()
        key = node.arg or "" if isinstance(node, ast.keyword) else key_written(call.args[0]) if call.args[1:] else ""
        return keyed(self._kept_in(call.func.value), key)

    def as_attribute(self, call: ast.Call, node: ast.AST) -> Iterable[Step]:
        """The attribute that the last argument of `setattr(self, name, value)` is stored in; any where that varies.

        `object.__setattr__(self, name, value)` and `super().__setattr__(name, value)` store it, too.
        """
        if call.args[-1:] != [node] or call.keywords:
            return ()
        if self.names.of(call.func) in _SETTERS and len(call.args) == 3:
            cls = self.names.instance_class(call.args[0])
        elif len(call.args) == 2 and self._sets_through_base(call.func):
            cls = self.tree.method_class(self.tree.function(call))
        else:
            return ()
        name = call.args[-2]
        said = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "?"
        return (ToAttribute(self.tree.qualname(cls), said, call.lineno),) if cls is not None else ()

    def _sets_through_base(self, function: ast.expr) -> bool:
        if not isinstance(function, ast.Attribute) or function.attr != "__setattr__":
            return False
        base = function.value
        return isinstance(base, ast.Call) and self.names.of(base.func) == "builtins.super"

    def _kept_in(self, base: ast.AST) -> Iterable[Step]:
        """Where something goes that has been put into the container `base`."""
        while isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Attribute):
            return self.to_target(base, False)
        if not isinstance(base, ast.Name):
            return ()
        scope = self.variables.owner(base, base.id)
        kept = (ToGlobal(base.id, base.lineno, False),) if isinstance(scope, ast.Module) else ()
        return (*kept, Via(scope, base.id))

    def in_field(self, call: ast.AST, factory: ast.AST) -> Iterable[Step]:
        """The attribute in which instances keep what the factory makes that a field is declared with."""
        statement = self.tree.parents[call]
        cls, name = self.tree.parents.get(statement), attribute_declared(statement)
        declares = isinstance(call, ast.Call) and self.names.of(call.func) in FIELDS
        if not declares or not name or not isinstance(cls, ast.ClassDef):
            return ()
        return (ToAttribute(self.tree.qualname(cls), name, self.tree.statement(factory).lineno),)

    def default_of(self, arguments: ast.arguments, node: ast.AST) -> Iterable[Step]:
        """The parameter of a function whose default a value is."""
        function = self.tree.parents[arguments]
        if not isinstance(function, FUNCTIONS):
            return ()
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
        name = next((a.arg for a, d in pairs if d is node), "")
        return (ToParameter(self.tree.qualname(function), name, node.lineno),) if name else ()  # type: ignore[attr-defined]
