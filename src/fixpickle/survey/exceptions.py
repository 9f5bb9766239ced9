"""Classes that may be exceptions: what their constructors take and hand on, and where the file raises them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence

from fixpickle.model import Span
from fixpickle.survey.constructors import Constructor
from fixpickle.survey.initialisers import (
    RECALLING,
    RESTORING,
    ExceptionFacts,
    Initialiser,
    Parameter,
    Place,
    Raised,
    Reduction,
)
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_in, walk

INERT = frozenset({"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"})
"""Bases that say nothing about how an instance is made."""

_DATACLASSES = frozenset({"dataclasses.dataclass", "dataclasses.dataclass()"})
_PLAIN_DECORATORS = frozenset({"typing.final", "typing_extensions.final", "functools.total_ordering"})


def exceptions(tree: Tree, names: Names) -> Iterator[ExceptionFacts]:
    """Every class that makes its instances in its own way and may be an exception, or be mixed into one."""
    patched = {name for s in tree.root.body for name in _patched(s)}
    for node in tree.of(ast.ClassDef):
        found = _class(tree, names, node, node.name in patched)
        if found.initialiser or found.reduction or found.obstacles:
            yield found


def raised(tree: Tree, names: Names) -> Iterator[Raised]:
    """Every `raise` of something that has a name."""
    for node in tree.of(ast.Raise):
        if node.exc is None:
            continue
        call = node.exc if isinstance(node.exc, ast.Call) else None
        symbol = names.of(call.func if call else node.exc)
        if symbol and call is not None:
            spread = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
            count = -1 if spread else len(call.args)
            yield Raised(symbol, count, tuple(k.arg for k in call.keywords if k.arg), node.lineno)
        elif symbol:
            yield Raised(symbol.removesuffix("()"), -1, (), node.lineno)


def _may_be(node: ast.ClassDef, names: Names) -> bool:
    """False where every base is a type that is known to be no exception, and nothing is called that may be one's."""
    symbols = [names.of_base(b) for b in node.bases]
    if not symbols:
        return any(n.id == "super" for s in node.body for n in names.tree.within(s, ast.Name))
    return any(s not in INERT and not _other_builtin(s) for s in symbols)


def _other_builtin(symbol: str) -> bool:
    found = getattr(builtins, symbol.removeprefix("builtins."), None) if symbol.startswith("builtins.") else None
    return isinstance(found, type) and not issubclass(found, BaseException)


def _patched(statement: ast.stmt) -> Iterator[str]:
    """The classes that a statement gives a hook from outside: `Error.__reduce__ = reduce_error`."""
    for target in statement.targets if isinstance(statement, ast.Assign) else ():
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.attr.startswith("__"):
            yield target.value.id


def _class(tree: Tree, names: Names, node: ast.ClassDef, patched: bool) -> ExceptionFacts:
    decorators = {names.of(d) for d in node.decorator_list}
    methods = [m for m in node.body if isinstance(m, FUNCTIONS)]
    inits = [m for m in methods if m.name == "__init__" and not _is_overload(names, m)]
    initialiser = None
    if inits:
        initialiser = _initialiser(tree, names, node, inits)
    elif "__init__" in bound_in(node.body):
        initialiser = Initialiser((), (), (), (), tree.span(node), readable=False)
    elif decorators & _DATACLASSES:
        initialiser = _of_fields(tree, names, node)
    others = [m for m in methods if m.name != "__init__"] or methods
    return ExceptionFacts(
        name=tree.qualname(node),
        span=_head(tree, node),
        initialiser=initialiser,
        reduction=next((_reduction(names, m) for m in methods if m.name == "__reduce__"), None),
        obstacles=tuple(_obstacles(names, node, patched)),
        annotated=any(m.returns is not None for m in methods) and all(_annotated(m) for m in others),
    )


def _annotated(method: Function) -> bool:
    return method.returns is not None or any(a.annotation for a in [*method.args.args, *method.args.kwonlyargs])


def _head(tree: Tree, node: ast.ClassDef) -> Span:
    """The words `class Name`."""
    start = tree.offset(node.lineno, node.col_offset)
    end = tree.text.index(node.name, start + len("class")) + len(node.name)
    return Span(start, end, *tree.position(start))


def _obstacles(names: Names, node: ast.ClassDef, patched: bool) -> Iterator[str]:
    """What a class has that an instance restored without `__init__` may lack."""
    bound = {n.id for s in node.body for t in _targets(s) for n in walk(t) if isinstance(n, ast.Name)}
    defined = {s.name for s in node.body if isinstance(s, FUNCTIONS)} | bound
    decorators = {names.of(d) for d in node.decorator_list}
    if patched:
        yield "is given a method from outside"
    if "__slots__" in bound and not _empty_slots(node):
        yield "keeps values in slots, which only its `__init__` sets"
    for hook in ("__new__", "__setattr__", "__getattribute__", "__dict__"):
        if hook in defined:
            yield f"has a `{hook}` of its own"
    if node.keywords:
        yield "has a metaclass, or class keywords"
    if unknown := [d for d in node.decorator_list if names.of(d) not in _PLAIN_DECORATORS | _DATACLASSES]:
        yield f"is made by the decorator `{ast.unparse(unknown[0]).partition('(')[0]}`"
    for d in node.decorator_list:
        given = {k.arg: k.value for k in d.keywords} if isinstance(d, ast.Call) else {}
        if decorators & _DATACLASSES and ({"frozen", "slots"} & given.keys()):
            yield "is a dataclass that is frozen or has slots, so its attributes cannot be set from outside"


def _targets(statement: ast.stmt) -> Sequence[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) and statement.value is not None else []


def _empty_slots(node: ast.ClassDef) -> bool:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and any(getattr(t, "id", "") == "__slots__" for t in statement.targets):
            return isinstance(statement.value, (ast.Tuple, ast.List)) and not statement.value.elts
    return False


def _is_overload(names: Names, method: Function) -> bool:
    return any(names.of(d) in ("typing.overload", "typing_extensions.overload") for d in method.decorator_list)


# --- constructors ---------------------------------------------------------------------------------------------------


def _initialiser(tree: Tree, names: Names, node: ast.ClassDef, inits: Sequence[Function]) -> Initialiser:
    init = inits[-1]
    arguments = [*init.args.posonlyargs, *init.args.args]
    plain = isinstance(init, ast.FunctionDef) and len(inits) == 1 and not init.decorator_list and arguments
    elsewhere = (m for m in node.body if isinstance(m, FUNCTIONS) and m is not init)
    readable = bool(plain) and _may_be(node, names) and not any(_sets_args(tree, m) for m in elsewhere)
    if not readable:
        return Initialiser((), (), (), (), tree.span(init), readable=False)
    constants = frozenset(
        n.id for s in node.body for t in _targets(s) for n in walk(t) if isinstance(n, ast.Name) if _plain(s)
    )
    read = Constructor(names, node, init, constants)
    read.run()
    return Initialiser(
        parameters=tuple(_parameters(init.args)),
        handed=tuple(read.handed),
        demands=tuple(dict.fromkeys(read.demands)),
        keys=tuple(dict.fromkeys(read.keys)),
        span=tree.span(init),
        readable=readable,
    )


def _plain(statement: ast.stmt) -> bool:
    return isinstance(getattr(statement, "value", None), ast.Constant)


def _sets_args(tree: Tree, method: Function) -> bool:
    stored = (n for n in tree.within(method, ast.Attribute) if n.attr == "args")
    receiver = [a.arg for a in [*method.args.posonlyargs, *method.args.args]][:1]
    return any(
        isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name) and n.value.id in receiver for n in stored
    )


def _parameters(given: ast.arguments) -> Iterator[Parameter]:
    positional = [*given.posonlyargs, *given.args]
    required = len(positional) - len(given.defaults)
    for index, one in enumerate(positional[1:], 1):
        yield Parameter(one.arg, Place.POSITIONAL, index < required, _written(one.annotation))
    if given.vararg:
        yield Parameter(given.vararg.arg, Place.REST, False, "")
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield Parameter(one.arg, Place.KEYWORD, default is None, _written(one.annotation))
    if given.kwarg:
        yield Parameter(given.kwarg.arg, Place.KEYWORDS, False, "")


def _written(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation) if annotation is not None else ""


def _of_fields(tree: Tree, names: Names, node: ast.ClassDef) -> Initialiser:
    """The constructor that `@dataclass` makes: it leaves `args` as they are."""
    fields = [s for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
    special = [s for s in fields if isinstance(s.value, ast.Call) or "ClassVar" in _written(s.annotation)]
    whole = {names.of(d) for d in node.decorator_list} & _DATACLASSES
    options = [k for d in node.decorator_list if isinstance(d, ast.Call) for k in d.keywords]
    hooks = any(isinstance(m, FUNCTIONS) and m.name == "__post_init__" for m in node.body)
    return Initialiser(
        parameters=tuple(
            Parameter(s.target.id, Place.POSITIONAL, s.value is None, _written(s.annotation))
            for s in fields
            if isinstance(s.target, ast.Name)
        ),
        handed=(None,),
        demands=(),
        keys=(),
        span=tree.span(node.body[-1]),
        readable=bool(whole) and not special and not options and not hooks,
    )


def _reduction(names: Names, method: Function) -> Reduction:
    """What a `__reduce__` returns, where that is one tuple of a class and its arguments, or restores it without."""
    returned = [n.value for n in walk(method) if isinstance(n, ast.Return)]
    match returned:
        case [ast.Tuple(elts=[callee, ast.Tuple(elts=arguments), *_])] if not _starred(arguments):
            match callee:
                case ast.Attribute(value=ast.Name(), attr="__class__") | ast.Call(func=ast.Name(id="type"), args=[_]):
                    return Reduction(RECALLING, len(arguments))
                case ast.Name():
                    return Reduction(names.of(callee), len(arguments))
        case [ast.Tuple(elts=[ast.Attribute(attr="__new__" | "__newobj__"), ast.Tuple(), *_])]:
            return Reduction(RESTORING, 0)
    return Reduction("", 0)


def _starred(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(n, ast.Starred) for n in nodes)
