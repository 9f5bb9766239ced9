"""Lambdas, and definitions inside functions: what each captures, where it goes, what forbids moving it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from fixpickle.model import Span
from fixpickle.survey.captures import UNKNOWN, Captures
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.demands import Demand, Obstacle
from fixpickle.survey.facts import Capture, Definition, Keeper, Kind, Sink, ToAttribute, ToCall, changed
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.stores import FIELDED, FIELDS
from fixpickle.survey.hints import Hints, last_word
from fixpickle.survey.mangling import private_attribute
from fixpickle.survey.names import Names
from fixpickle.survey.obstacles import Obstacles, private_name, subscripted
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Callable_, Function, Tree, attribute_declared, parameters, walk
from fixpickle.survey.uses import changed_in_place, fields_read

_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_CONTAINERS = frozenset(
    f"{name}()"
    for name in [
        *("builtins.list", "builtins.dict", "builtins.set", "builtins.bytearray"),
        *("collections.defaultdict", "collections.OrderedDict", "collections.Counter", "collections.deque"),
    ]
)
_COPIED = frozenset({"__name__", "__qualname__", "__doc__", "__module__", "__dict__", "__wrapped__", "__signature__"})


class Definitions:
    """Reads the definitions of one file."""

    def __init__(self, tree: Tree, names: Names, flow: Flow) -> None:
        self.tree, self.names, self.flow = tree, names, flow
        self.captures = Captures(tree)
        self._deleted: dict[ast.AST, frozenset[str]] = {}
        self.obstacles = Obstacles(tree, names, flow, self.captures)
        self.hints = Hints(tree, names, flow)

    def all(self) -> Iterator[Definition]:
        """Every definition whose value has no module-level name of its own."""
        found: list[Callable_ | ast.ClassDef] = self.tree.of(*CALLABLES, ast.ClassDef)
        for node in found:
            if isinstance(node, ast.Lambda):
                yield self._with_places(self._lambda(node), node)
            elif isinstance(self.tree.scope(node), CALLABLES):
                named = self._named(node)
                yield named if isinstance(node, ast.ClassDef) else self._with_places(named, node)

    def _with_places(self, definition: Definition, node: Callable_) -> Definition:
        """The definition of a function, with the places in it where something else is to stand once it is moved."""
        cls, early = self.tree.class_around(node), self.obstacles.early(node)
        private = tuple(self._mangled(node, cls)) if cls is not None else ()
        if not private and not early:
            return definition
        handed = tuple((name, self.tree.span(default)) for name, default in early.items())
        return changed(definition, mangled=private, early=handed)

    def _lambda(self, node: ast.Lambda) -> Definition:
        caught = self.captures.of(node)
        sinks = (*self.flow.of(node), *self._in_field(node))
        obstacles = [
            *self._shadowed(node, caught or ()),
            *self.obstacles.of_lambda(node, bool(_handed_over(caught) or self.obstacles.early(node)), sinks),
        ]
        return self._definition(Kind.LAMBDA, node, "<lambda>", node.lineno, caught, obstacles, sinks, ())

    def _shadowed(self, node: ast.Lambda, caught: Sequence[Capture]) -> Iterator[str]:
        """A method does not see the variables of its class' body, where what is captured would have to be read."""
        for name in _handed_over(caught):
            if self.flow.variables.owner(node, name) is not self.captures.owner_of(node, name):
                yield f"`{name}` is another variable where it stands, in a class body"

    def _in_field(self, node: ast.Lambda) -> Iterator[Sink]:
        """The attribute that every instance of a dataclass, or of an attrs class, gets a default stored in."""
        value: ast.AST = node
        keyword, call = self.tree.parents[node], None
        if isinstance(keyword, ast.keyword) and keyword.arg == "default":
            value = call = self.tree.parents[keyword]
        statement = self.tree.parents[value]
        cls, name = self.tree.parents.get(statement), attribute_declared(statement)
        if not name or not isinstance(cls, ast.ClassDef):
            return
        made = isinstance(call, ast.Call) and self.names.of(call.func) in FIELDS
        decorators = {self.names.of(d).removesuffix("()") for d in cls.decorator_list}
        plain = isinstance(statement, ast.AnnAssign) and statement.value is node and decorators & FIELDED
        if made or plain:
            yield ToAttribute(self.tree.qualname(cls), name, node.lineno)

    def _named(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Definition:
        uses, caught = self.flow.variables.loads(self.tree.scope(node), node.name), self.captures.of(node)
        outside, keeper = [u for u in uses if not self.tree.inside(u, node)], None
        if isinstance(node, ast.ClassDef):
            kind, sinks = Kind.CLASS, tuple(self._class_sinks(outside))
            obstacles: Iterable[Obstacle] = self.obstacles.of_class(node, uses)
        else:
            kind, sinks = Kind.FUNCTION, tuple(s for use in outside for s in self.flow.of(use))
            if (keeper := self._keeper(node, uses)) is not None:
                to = ToCall(keeper.symbol, 0, "", node.decorator_list[0].lineno, onward=sinks)
                # What a class of the file keeps shows; what else it may be, may give the function back.
                sinks, uses = (to,) if keeper.symbol in self.names.classes else (to, *sinks), []
            handed = bool(_handed_over(caught, node.name) or self.obstacles.early(node))
            obstacles = self.obstacles.of_function(node, uses, handed, sinks, keeper is not None)
            sinks = (*sinks, *self._carried(node, caught, outside))
        line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
        definition = self._definition(kind, node, node.name, line, caught, obstacles, sinks, uses)
        if keeper is not None:  # its name means what the decorator gives
            definition = changed(definition, keeper=keeper, settled=False, replaceable=False)
        return definition

    def _keeper(self, node: Function, uses: Sequence[ast.Name]) -> Keeper | None:
        """The only decorator of a function that does not name itself, where it is a name that may stand for a class."""
        decorator = node.decorator_list[0] if len(node.decorator_list) == 1 else None
        if not isinstance(decorator, (ast.Name, ast.Attribute)) or any(self.tree.inside(u, node) for u in uses):
            return None
        symbol, bare = self.names.of(decorator), self.tree.bare(node)
        beside, *between = self.tree.text[self.tree.span(node).start : bare.start].splitlines()
        if not symbol or any("#" in line for line in between):
            return None  # a comment would be lost
        return Keeper(ast.unparse(decorator), symbol, bare, "".join(beside.partition("#")[1:]))

    def _carried(self, node: Function, caught: Sequence[Capture] | None, uses: Sequence[ast.Name]) -> Iterator[Sink]:
        """Where the functions beside it go that read a function which captures values: it is one that they capture."""
        if not _handed_over(caught, node.name):
            return
        readers = dict.fromkeys(self.tree.function(use) for use in uses)
        for around in (reader for reader in readers if reader is not self.tree.function(node)):
            scope = self.tree.scope(around) if around is not None else None
            if isinstance(around, ast.Lambda):
                yield from self.flow.of(around)
            elif isinstance(around, FUNCTIONS) and isinstance(scope, CALLABLES) and not around.decorator_list:
                yield from (s for use in self.flow.variables.loads(scope, around.name) for s in self.flow.of(use))

    def _class_sinks(self, uses: Sequence[ast.Name]) -> Iterator[Sink]:
        """Where instances of a class go, and the class itself where it is handed to what pickles it.

        An instance is stored by the name of its class. The class itself is refused where it is handed on otherwise.
        """
        for use in uses:
            named = subscripted(self.tree, use)
            call = self.tree.parents[named]
            if isinstance(call, ast.Call) and call.func is named:
                yield from self.flow.of(call)
            else:
                yield from (s for s in self.flow.of(use) if isinstance(s, ToCall) and catalogue().match(s))

    def _definition(
        self,
        kind: Kind,
        node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        name: str,
        line: int,
        caught: tuple[Capture, ...] | None,
        obstacles: Iterable[Obstacle],
        sinks: tuple[Sink, ...],
        uses: Sequence[ast.Name],
    ) -> Definition:
        method, cls, span = self.tree.function(node), self.tree.class_around(node), self.tree.span(node)
        settled = not isinstance(node, ast.Lambda) and self._settled(node)
        captured = [c.name for c in caught or ()]
        against = dict.fromkeys([*obstacles, *([UNKNOWN] if caught is None else [])])
        return Definition(
            kind=kind,
            span=span,
            name=name,
            qualname=self.tree.qualname(node),
            line=line,
            owner=self.tree.qualname(method or self.tree.scope(node)),
            cls=self.tree.qualname(cls) if cls is not None else "",
            hint=self.hints.of(node),
            statement=self.tree.span(self.tree.top(node)),
            captures=caught or (),
            obstacles=tuple(o for o in against if not isinstance(o, Demand)),
            sinks=tuple(dict.fromkeys(sinks)),
            uses=tuple(self.tree.span(u) for u in uses),
            variadic=isinstance(node, CALLABLES) and node.args.vararg is not None,
            receiver=isinstance(node, CALLABLES) and parameters(node)[:1] in (("self",), ("cls",)),
            wraps=isinstance(node, ast.AsyncFunctionDef) or decorates(node),
            decorated=tuple(self.names.of(d) for d in getattr(node, "decorator_list", ())),
            replaceable=settled and not any(self.tree.span(use).start < span.start for use in uses),
            settled=settled,
            recursive=tuple(self._recursive(node, caught or (), uses)),
            changes=tuple(self._changes(node, captured)) if captured and isinstance(node, CALLABLES) else (),
            fields=fields_read(self.tree, node) if "self" in captured and isinstance(node, CALLABLES) else (),
            compared=self._compared.get(name, 0),
            demands=tuple(o for o in against if isinstance(o, Demand)),
            reads=tuple(self._reads(node, captured)),
            resumes=self._resumes(node),
            private=_private_in(node) if cls is None and any(isinstance(o, Demand) for o in against) else "",
        )

    def _reads(self, node: ast.AST, captured: Sequence[str]) -> Iterator[tuple[str, Span]]:
        """The places inside a definition that read what it captures: not those where the name is another variable's."""
        for name in captured:
            owner = self.captures.owner_of(node, name)
            for use in self.flow.variables.loads(owner, name) if owner is not None else ():
                if self.tree.inside(use, node):
                    yield name, self.tree.span(use)

    def _mangled(self, node: ast.AST, cls: ast.ClassDef) -> Iterator[tuple[Span, str]]:
        """The attributes with a private name of the class around a function; a class has its own."""
        for inner in walk(node):
            if (found := private_attribute(self.tree, inner, cls)) is not None:
                yield found

    def _resumes(self, node: ast.AST) -> bool:
        if isinstance(node, ast.AsyncFunctionDef):
            return True
        return any(self.tree.function(n) is node for n in self.tree.within(node, ast.Yield, ast.YieldFrom))

    @cached_property
    def _compared(self) -> dict[str, int]:
        """The words in strings that something is compared with, and the first line that does."""
        found: dict[str, int] = {}
        for compare in self.tree.of(ast.Compare):
            for side in (compare.left, *compare.comparators):
                text = side.value if isinstance(side, ast.Constant) and isinstance(side.value, str) else ""
                for word in re.findall(r"[^\W\d]\w*", text):
                    found.setdefault(word, compare.lineno)
        return found

    def _settled(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
        """Whether every run of the function around it gets to the definition, which alone binds its name for good."""
        scope = self.tree.scope(node)
        alone = len(self.names.bindings.get(scope, {}).get(node.name, [])) == 1
        if self.tree.parents[node] is not scope or not alone:
            return False
        if scope not in self._deleted:
            gone = (n.id for n in self.tree.within(scope, ast.Name) if isinstance(n.ctx, ast.Del))
            self._deleted[scope] = frozenset(gone)
        return node.name not in self._deleted[scope]

    def _recursive(self, node: ast.AST, caught: Sequence[Capture], uses: Sequence[ast.Name]) -> Iterator[Span]:
        """The calls of itself inside a definition, where every name it captures still means the same."""
        owner, names = self.flow.variables.owner, [c.name for c in caught]
        for use in uses:
            call = self.tree.parents[use]
            called = self.tree.inside(use, node) and isinstance(call, ast.Call) and call.func is use
            if called and all(owner(use, name) is self.captures.owner_of(node, name) for name in names):
                yield self.tree.span(use)

    def _changes(self, node: Callable_, captured: Sequence[str]) -> Iterator[str]:
        """The captured containers of this process that a definition changes in place."""
        for name in changed_in_place(node, captured):
            owner = self.captures.owner_of(node, name)
            values = self.names.bindings.get(owner, {}).get(name, []) if owner is not None else []
            if values and all(isinstance(v, _DISPLAYS) or self.names.of(v) in _CONTAINERS for v in values):
                yield name


def _handed_over(caught: Iterable[Capture] | None, own: str = "") -> list[str]:
    """What is captured and does not come along by itself, as imports, other functions and itself do."""
    return [c.name for c in caught or () if not c.statement and c.sibling is None and c.name != own]


def _private_in(node: ast.AST) -> str:
    """The first name in a definition that means another one in a class, or an empty string."""
    return next((name for inner in walk(node) if (name := private_name(inner))), "")


def decorates(node: ast.AST) -> bool:
    """Whether a function works as a decorator: it returns a function of its own, or takes one and copies its names.

    Or it hands the one that it takes on to what another call makes: `return other(...)(function)`.
    """
    if not isinstance(node, FUNCTIONS):
        return False
    own = {n.name for n in walk(node) if isinstance(n, (*FUNCTIONS, ast.ClassDef)) and n is not node}
    taken = set(parameters(node)) if len(parameters(node)) == 1 else set[str]()
    for inner in (n for statement in node.body for n in walk(statement)):
        if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Name) and inner.value.id in own | taken:
            return True
        if isinstance(inner, ast.Return) and _decorated_by_result(inner.value, taken):
            return True
        copied = inner.value if isinstance(inner, ast.Attribute) and inner.attr in _COPIED else None
        if isinstance(copied, ast.Name) and copied.id in taken:
            return True
        if isinstance(inner, ast.Call) and last_word(inner.func) in ("wraps", "update_wrapper"):
            return True
    return False


def _decorated_by_result(node: ast.expr | None, taken: set[str]) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Call) or len(node.args) != 1:
        return False
    return isinstance(node.args[0], ast.Name) and node.args[0].id in taken
