"""Where a file has loky pickle with something else than its default: one object, by a wrapper, or everything."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.facts import Form, HandedOn, PicklerChoice, ToCall, changed
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, block_of

_HOMES = ("loky", "joblib.externals.loky")
WRAPPERS = frozenset(
    {f"{home}{inner}.wrap_non_picklable_objects" for home in _HOMES for inner in ("", ".cloudpickle_wrapper")}
    | {"joblib.wrap_non_picklable_objects"}
)
SWITCHES = frozenset(f"{home}{inner}.set_loky_pickler" for home in _HOMES for inner in ("", ".backend.reduction"))
VARIABLE = "LOKY_PICKLER"
_STARTING = frozenset({"loky", "joblib", "multiprocessing", "concurrent", "torch", "ray", "dask", "distributed"})
_WORDS = ("wrap_non_picklable_objects", "set_loky_pickler", VARIABLE)
UNKNOWN = "?"
"""The pickler of a choice that only running tells."""

UNSEEN = "what it wraps is not seen to be a function that workers can import"
WRAPPED_CLASS = (
    "wrapping a class breaks what it is wrapped for: `isinstance`, operators such as `+` and `==`, `len`, indexing, "
    "`with`, class attributes and class methods; take the wrapper off by hand"
)


def pickler_choices(tree: Tree, names: Names) -> tuple[PicklerChoice, ...]:
    """Every such place, in the order of the file."""
    if not any(word in tree.text for word in _WORDS):
        return ()
    found = [*_named(tree, names), *_environment(tree, names)]
    return tuple(sorted(found, key=lambda choice: choice.span.start))


def handed_on(tree: Tree, names: Names, flow: Flow) -> Iterator[HandedOn]:
    """The imported names that go into calls, where something is imported too that starts processes."""
    tops = {fact.module.partition(".")[0] for fact in names.imports}
    if not tops & _STARTING:
        return
    for fact in names.imports:
        if fact.top and not fact.whole and fact.module.partition(".")[0] not in _STARTING:
            sinks = tuple(s for s in flow.of_name(tree.root, fact.local) if isinstance(s, ToCall))
            if sinks:
                yield HandedOn(fact.target, sinks)


def _named(tree: Tree, names: Names) -> Iterator[PicklerChoice]:
    uses: list[ast.Name | ast.Attribute] = tree.of(ast.Name, ast.Attribute)
    for node in uses:
        symbol = names.of(node) if isinstance(node.ctx, ast.Load) else ""
        parent = tree.parents[node]
        called = isinstance(parent, ast.Call) and parent.func is node
        if symbol in SWITCHES:
            yield _switch(tree, symbol, parent) if called else _unknown(tree, symbol, node)
        elif symbol in WRAPPERS and called and isinstance(parent, ast.Call):
            yield _wrapped(tree, names, symbol, parent)
        elif symbol in WRAPPERS and isinstance(parent, (*FUNCTIONS, ast.ClassDef)) and node in parent.decorator_list:
            yield _decorated(tree, names, symbol, node, parent)


def _unknown(tree: Tree, symbol: str, node: ast.AST) -> PicklerChoice:
    return PicklerChoice(symbol, tree.span(node), UNKNOWN, "", Form.EXPRESSION, "", "it is handed on as a value")


# --- one object -----------------------------------------------------------------------------------------------------


def _wrapped(tree: Tree, names: Names, symbol: str, call: ast.Call) -> PicklerChoice:
    """`wrap_non_picklable_objects(f)`: `f` stays, or nothing where that is bound to `f` itself."""
    choice = PicklerChoice(symbol, tree.span(call), "cloudpickle", "", Form.EXPRESSION, "", "")
    plain = all(k.arg == "keep_wrapper" and isinstance(k.value, ast.Constant) for k in call.keywords)
    if len(call.args) != 1 or not plain or isinstance(call.args[0], ast.Starred):
        return changed(choice, reason="what it is called with cannot be read")
    given = call.args[0]
    choice = changed(choice, code=tree.code(given))
    if isinstance(given, ast.Lambda):
        return changed(choice, reason="a lambda has no name by which workers could import it")
    parent = tree.parents[call]
    if isinstance(given, ast.Name) and isinstance(parent, ast.Assign) and _targets(parent) == [given.id]:
        return _bound_anew(tree, names, choice, given, parent)
    covers = names.of(given)
    return changed(choice, covers=covers, reason=_not_importable(tree, names, given) if covers else UNSEEN)


def _targets(statement: ast.Assign) -> list[str]:
    return [t.id for t in statement.targets if isinstance(t, ast.Name)]


def _bound_anew(
    tree: Tree, names: Names, choice: PicklerChoice, given: ast.Name, statement: ast.Assign
) -> PicklerChoice:
    """`f = wrap_non_picklable_objects(f)` below the definition of `f`."""
    scope = tree.scope(statement)
    bound = names.bindings.get(scope, {}).get(given.id, [])
    defined = [b for b in bound if isinstance(b, (*FUNCTIONS, ast.ClassDef))]
    if len(bound) != 2 or len(defined) != 1 or len(statement.targets) != 1:
        return changed(choice, reason=f"`{given.id}` is bound more than once")
    choice = changed(choice, form=Form.STATEMENT, span=tree.span(statement), code="", covers=_own(names, given.id))
    return changed(choice, reason=_placed(tree, defined[0]) or _shared_line(tree, statement))


def _decorated(
    tree: Tree,
    names: Names,
    symbol: str,
    decorator: ast.AST,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> PicklerChoice:
    span = tree.span(decorator)
    start = tree.text.rindex("@", 0, span.start)
    line, column = tree.position(start)
    span = changed(span, start=start, line=line, column=column)
    choice = PicklerChoice(symbol, span, "cloudpickle", _own(names, node.name), Form.DECORATOR, "", "")
    if reason := _placed(tree, node):
        return changed(choice, reason=reason)
    if len(node.decorator_list) > 1:
        return changed(choice, reason=f"another decorator shapes `{node.name}` too")
    bound = names.bindings.get(tree.root, {}).get(node.name, [])
    earlier = [b for b in bound if b is not node]
    if len(earlier) == 1 and isinstance(earlier[0], FUNCTIONS) and _same(earlier[0], node):
        return changed(choice, form=Form.AGAIN, span=tree.span(node))
    return changed(choice, reason=f"`{node.name}` is bound more than once" if earlier else "")


def _same(earlier: Function, node: Function | ast.ClassDef) -> bool:
    """Whether a definition says again, but for its decorators, what one above it says."""
    if earlier.lineno > node.lineno or type(earlier) is not type(node):
        return False
    return not earlier.decorator_list and _body(earlier) == _body(node)


def _body(node: ast.AST) -> str:
    return ", ".join(
        ast.dump(part)
        for field in ("args", "body", "returns")
        for value in [getattr(node, field)]
        for part in (value if isinstance(value, list) else [value])
        if part is not None
    )


def _own(names: Names, name: str) -> str:
    return f"{names.module}.{name}"


def _not_importable(tree: Tree, names: Names, given: ast.expr) -> str:
    """What is known against an object that is named, where this file binds the name."""
    bound = names.bindings.get(tree.root, {}).get(given.id, []) if isinstance(given, ast.Name) else []
    if len(bound) == 1 and isinstance(bound[0], (*FUNCTIONS, ast.ClassDef)):
        return _placed(tree, bound[0])
    return ""


def _placed(tree: Tree, node: ast.AST) -> str:
    """Why workers cannot import a definition by its name, whatever its module."""
    if isinstance(node, ast.ClassDef):
        return WRAPPED_CLASS
    scope = tree.scope(node)
    if isinstance(scope, ast.ClassDef):
        return "on a method it loses `self`: take it off, and wrap nothing"
    if not isinstance(scope, ast.Module):
        return "what it wraps is made in a function, so that workers cannot import it"
    if not isinstance(tree.parents[node], ast.Module):
        return "what it wraps is defined under a condition"
    return ""


# --- everything -----------------------------------------------------------------------------------------------------


def _switch(tree: Tree, symbol: str, call: ast.AST) -> PicklerChoice:
    """`set_loky_pickler(...)`; without an argument it goes back to the default."""
    assert isinstance(call, ast.Call)
    given = [*call.args, *(k.value for k in call.keywords)]
    pickler = ""
    if given:
        one = given[0]
        constant = len(given) == 1 and isinstance(one, ast.Constant) and isinstance(one.value, (str, type(None)))
        pickler = str(one.value or "") if constant and isinstance(one, ast.Constant) else UNKNOWN
    return _of_statement(tree, PicklerChoice(symbol, tree.span(call), pickler, "", Form.STATEMENT, "", ""), call)


def _of_statement(tree: Tree, choice: PicklerChoice, expression: ast.AST) -> PicklerChoice:
    """The choice where its call is a statement of its own; otherwise with the reason why it cannot go."""
    parent = tree.parents[expression]
    if not isinstance(parent, (ast.Expr, ast.Assign)) or (
        isinstance(parent, ast.Assign) and parent.value is expression
    ):
        return changed(choice, form=Form.EXPRESSION, reason="what it gives is used")
    alone = len(block_of(tree.parents[parent], parent)) == 1
    form = Form.ONLY if alone and not isinstance(tree.parents[parent], ast.Module) else Form.STATEMENT
    return changed(choice, span=tree.span(parent), form=form, reason=_shared_line(tree, parent))


def _shared_line(tree: Tree, statement: ast.AST) -> str:
    span = tree.span(statement)
    before = tree.text[: span.start].rpartition("\n")[2].strip()
    after = tree.text[span.end :].partition("\n")[0].strip()
    shares = before or (after and not after.startswith("#"))
    return "another statement shares its line: put it on its own" if shares else ""


def _environment(tree: Tree, names: Names) -> Iterator[PicklerChoice]:
    """`os.environ["LOKY_PICKLER"] = ...` and its like; any other mention of the variable is one that only runs tell."""
    for node in tree.of(ast.Constant):
        if node.value != VARIABLE:
            continue
        parent = tree.parents[node]
        unknown = PicklerChoice("os.environ", tree.span(node), UNKNOWN, "", Form.EXPRESSION, "", "")
        if isinstance(parent, ast.Subscript) and names.of(parent.value) == "os.environ":
            statement = tree.parents[parent]
            if isinstance(statement, ast.Assign) and statement.targets == [parent]:
                yield _assigned(tree, unknown, statement.value, parent)
                continue
        if isinstance(parent, ast.Call) and names.of(parent.func) == "os.environ.setdefault" and len(parent.args) == 2:
            yield _assigned(tree, unknown, parent.args[1], parent)
            continue
        yield unknown


def _assigned(tree: Tree, choice: PicklerChoice, value: ast.expr, place: ast.AST) -> PicklerChoice:
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return choice
    return _of_statement(tree, changed(choice, pickler=value.value, form=Form.STATEMENT), place)
