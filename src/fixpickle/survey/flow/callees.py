"""What is called: by its own name, through a partial, out of a table, or as a parameter that callers fill."""

from __future__ import annotations

import ast
from functools import cached_property

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Wanted
from fixpickle.survey.flow.variables import Variables
from fixpickle.survey.given import Given
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Tree, parameters

# Calls whose result carries their arguments along when it is pickled.
CARRIERS = frozenset(
    [
        "functools.partial",
        "collections.defaultdict",
        "collections.OrderedDict",
        "collections.deque",
        "collections.ChainMap",
        "builtins.list",
        "builtins.tuple",
        "builtins.dict",
        "builtins.set",
        "builtins.frozenset",
        "builtins.zip",
        "builtins.iter",
        "builtins.enumerate",
        "builtins.reversed",
        "itertools.chain",
        "itertools.repeat",
        "joblib.delayed",
        "joblib.parallel.delayed",
        "sklearn.utils.parallel.delayed",
        "tpcp.parallel.delayed",
        "operator.methodcaller",
        "types.MethodType",
        "dataclasses.field",
        "attr.ib",
        "attrs.field",
    ]
)
DELAYED = frozenset(name for name in CARRIERS if name.endswith(".delayed"))
# Methods and functions that give back their last argument where they find nothing, and its place.
LOOKUPS = frozenset(["get", "pop", "setdefault", "getattr", "next"])
_PLAIN = ("builtins.", "collections.", "types.", "typing.", "typing_extensions.", "os.environ", "weakref.")
_FALLBACKS = {"builtins.getattr": 2, "builtins.next": 1}


class Callees:
    """Says what the calls of one file call."""

    def __init__(self, tree: Tree, names: Names, variables: Variables) -> None:
        self.tree = tree
        self.names = names
        self.variables = variables
        self._wanted: dict[Wanted, None] = {}

    def of(self, call: ast.Call) -> str:
        """The symbolic name of what a call calls, empty where nothing is known."""
        callee = self.names.of(call.func)
        if callee not in ("", "builtins.getattr()"):
            return callee
        return self._looked_up(call.func) or self.names.next_constructor(call.func) or callee

    def _looked_up(self, callee: ast.expr) -> str:
        """`datasets.?` for `datasets.__dict__[name]` and `getattr(datasets, name)`: one of what the module has.

        The first parameter of a class method is its class.
        """
        function = self.tree.function(callee)
        cls = self.tree.method_class(function)
        if cls is not None and isinstance(function, FUNCTIONS) and isinstance(callee, ast.Name):
            kinds = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
            if "classmethod" in kinds and (callee.id,) == parameters(function)[:1]:
                return f"{self.names.module}.{self.tree.qualname(cls)}"
        value = self.variables.expression_behind(callee)
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Attribute):
            owner = value.value.value if value.value.attr == "__dict__" else None
        elif isinstance(value, ast.Call) and self.names.of(value.func) == "builtins.getattr" and value.args:
            owner = value.args[0]
        else:
            owner = None
        module = self.names.of(owner) if owner is not None else ""
        return f"{module}.?" if module else ""

    def partial(self, callee: ast.expr) -> ast.Call | None:
        """The call of `functools.partial` that a variable stands for, where it says what all its arguments are."""
        if not isinstance(callee, ast.Name) or self.names.of(callee) != "functools.partial()":
            return None
        made = self.variables.expression_behind(callee)
        if not isinstance(made, ast.Call) or not made.args or any(isinstance(a, ast.Starred) for a in made.args):
            return None
        return made

    def by_parameter(self, call: ast.Call, callee: str) -> str:
        """The callee of `pool.map(f)` and `worker(target=f)` by the parameter, where only callers know what that is."""
        if isinstance(call.func, ast.Attribute):
            may_cross = call.func.attr in catalogue().methods
        else:
            may_cross = any(k.arg in catalogue().constructor_keywords for k in call.keywords)
        symbol = self._given.of(call.func) if may_cross and not catalogue().crosses(callee) else ""
        wanted = self._given.wanted(symbol) if symbol else None
        if wanted is None:
            return callee
        self._wanted[wanted] = None
        return symbol

    @cached_property
    def _given(self) -> Given:
        return Given(self.names)

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """The parameters that callees were found to come from, so far."""
        return tuple(self._wanted)

    def _is_plain(self, called: ast.Attribute, method: str) -> bool:
        """Whether it may be a dictionary's: a class of somebody's own may have a `get` that calls what it is given."""
        function = self.tree.function(called)
        rest = function.args.kwarg if isinstance(function, CALLABLES) else None
        if rest is not None and isinstance(called.value, ast.Name) and called.value.id == rest.arg:
            return True  # its annotation is of its values
        owner, _, name = method.rpartition(".")
        made = owner.removesuffix("()")
        cls = next((c for c in self.tree.of(ast.ClassDef) if f"{self.names.module}.{c.name}" == made), None)
        if cls is not None:
            return name not in {s.name for s in cls.body if isinstance(s, FUNCTIONS)}
        return made == owner or made.startswith(_PLAIN)

    def falls_back_on(self, call: ast.Call, callee: str, node: ast.AST) -> bool:
        """Whether the call gives back the argument where it finds nothing: `options.pop("key", f)`."""
        looks_up = (
            isinstance(call.func, ast.Attribute) and call.func.attr in LOOKUPS and self._is_plain(call.func, callee)
        )
        at = 1 if looks_up else _FALLBACKS.get(callee, -1)
        if not 0 <= at < len(call.args) or call.args[at] is not node or len(call.args) > at + 1:
            return False
        if callee == "builtins.getattr" and ast.dump(call.args[0]) == ast.dump(node):
            return True  # of the thing itself, or it
        # A name that stands for something else than a function may be a mark of what is missing, which goes no further.
        return not isinstance(node, ast.Name) or any(isinstance(v, CALLABLES) for v in self.variables.values(node))
