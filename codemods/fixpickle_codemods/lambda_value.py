"""# lambda-value

A lambda that is pickled: handed to a process pool, stored on an instance, in a table of the module, in a named tuple or
dataclass that is kept, as a default argument or the default of a dataclass or attrs field, as a `defaultdict` factory,
or bound to a module-level name.
Pickle stores functions by name, and a lambda's name, `<lambda>`, leads nowhere:

    AttributeError: Can't pickle local object 'Cache.__init__.<locals>.<lambda>'
    PicklingError: Can't pickle <function <lambda>>: attribute lookup <lambda> on module failed

## What it becomes

1. A callable that is exactly it, for `defaultdict`: `lambda: 0` becomes `int`, `lambda: []` becomes `list`,
   `lambda: defaultdict(int)` becomes `partial(defaultdict, int)`.
2. A lambda bound to a module-level name becomes a `def` of that name.
3. A lambda that captures nothing becomes a private module-level function, placed before the statement that used it.
4. A lambda that captures variables which are never bound again becomes `functools.partial(_function, captured, ...)`.
   The captured values come first and are positional-only, so no keyword of a caller can meet them. Local functions
   that it calls, and which capture nothing, move along. `self.__limit` in it becomes `self._Owner__limit`, which is
   what it means in the body of the class `Owner`.
5. A default that is evaluated at every call of the function around it, `lambda row, by=by: ...`, is handed over as
   well: the function takes it first, and `by` is that where its caller gives none.
6. Where attributes are set on it, or it is compared, or may become a method, what stands for it is what
   [local-function](local-function.md) makes of a function.

`lambda row: row.age` becomes a function, and not `operator.attrgetter("age")`, which is not quite it. Tried on CPython
3.9 to 3.13:

| | the lambda | `attrgetter("age")` |
|---|---|---|
| `f(row=r)` | the age | `TypeError: attrgetter() takes no keyword arguments` |
| `inspect.signature(f)` | `(row)` | `ValueError`, since 3.13 `(obj, /)` |
| `f` in a class body, then `C().f()` | the age of the instance | `TypeError: attrgetter expected 1 argument, got 0` |

The same holds for `itemgetter`. Where neither could be noticed, as in `sorted(key=...)`, nothing is pickled, and the
lambda is left alone.

## What it leaves alone

`sorted(key=lambda ...)`, `df.apply(lambda ...)`, thread pools, `n_jobs=1`; boundaries that ship functions by value
(Ray, Dask, loky, Spark), and state in files that work with these and with nothing else that pickles; lambdas in class
bodies, which are methods; what a decorator returns. In a package: what a function returns, alone or beside others, that
the package does not export and whose callers in sight keep nothing of it; private and conditional names that no other
file imports; names that only the import of their module reads, or nothing; what a function returns that nothing reads,
where the package exports others of its module; the factory of a `defaultdict` for its items; what private classes keep
that nothing public inherits from, keeps or returns; parts of what stays in one process; results of functions that an
object has called, as with `@library.tag`; copies of other projects in folders such as `_vendor`. What is taken out of a
namespace in which `exec` ran code. Calls in a block of `pytest.raises` or `assertRaises`. What objects of other
libraries are made with, unless they are seen to cross a boundary or are made to be kept, such as torchvision's
transforms.

## When it refuses

A captured variable is bound again later, by a loop too: a partial would freeze what the lambda reads late. A captured
variable may be unbound, is a generator, or has the name of a variable of the class body that the lambda stands in. The
body uses `super()`, `__class__`, `locals()`, `eval`, a private name `__x` of a variable, or `nonlocal`. A default is
evaluated at every call of the function around it, and it names a local function, binds a name, has a lambda in it, or
is asked for in a signature. Its `__name__` is read, and it captures nothing: nobody would call a function `<lambda>`.
`inspect`, or the module of the function it is handed to, asks about it; its type is asked for, or what only functions
have, where something else would stand for it. It adds to a captured container on its way to another process, whose copy
would get it. It is what `joblib.Memory` caches, by name and source; it stands in a configuration file that is run by
exec.

What can differ: `__name__`, where nothing is seen to read it, and identity where the lambda was made afresh at every
call. A function of the module is never collected: what refers to it weakly sees it stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixpickle.model import ByExpression, ByReference, Edit, Finding, Origin, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import Lifted, lift, line_start, require
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Definition, Facts, Kind, ToGlobal
from fixpickle_codemods._callables import definition_at, findings, lifted_patch

_EXACT = {
    "0": "int",
    "0.0": "float",
    "''": "str",
    "[]": "list",
    "{}": "dict",
    "()": "tuple",
    "set()": "set",
    "False": "bool",
}
_FACTORY = re.compile(r"(\b([\w.]+)\(|\bdefault_factory\s*=)\s*\Z")
_BUILTINS = frozenset(_EXACT.values())


class LambdaValue:
    """A lambda whose value is pickled."""

    name = "lambda-value"
    summary = "a lambda that is pickled has no name that pickle could store"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every lambda of the file, with its reach."""
        return findings(self.name, Kind.LAMBDA, "the lambda", project, facts)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The first of the rewrites that is exact here."""
        definition = definition_at(shop.facts[finding.path], finding)
        if bound_to := _module_name(shop, finding, definition):
            return _named(finding, shop, definition, bound_to)
        text = shop.sources[finding.path].text
        place = _FACTORY.search(text, 0, definition.span.start)
        tables = _default_tables(shop.facts[finding.path])
        if place is not None and (place.group(2) is None or place.group(2) in tables):
            exact = _existing(finding, shop, definition, tables)
            if exact is not None:
                return exact
        return lifted_patch(finding, shop)


def _module_name(shop: Workshop, finding: Finding, definition: Definition) -> str:
    """The module-level name in `name = lambda ...`, where the statement is nothing but that.

    Not where another statement binds the name too: pickle would find that one's value under it.
    """
    statements = shop.facts[finding.path].statements
    direct = [s for s in definition.sinks if isinstance(s, ToGlobal) and s.direct]
    text = shop.sources[finding.path].text
    head = text[line_start(text, definition.span.start) : definition.span.start]
    match = re.fullmatch(r"[ \t]*([^\W\d]\w*)[ \t]*=[ \t]*", head)
    if definition.owner or not direct or match is None or match.group(1) != direct[0].name:
        return ""
    if sum(match.group(1) in (*s.binds, *s.global_writes) for s in statements) != 1:
        return ""
    rest = text[definition.span.end :].split("\n", 1)[0].strip()
    return match.group(1) if not rest or rest.startswith("#") else ""


def _named(finding: Finding, shop: Workshop, definition: Definition, name: str) -> Patch | Refusal:
    """`name = lambda x: y` as `def name(x): return y`, in the same place."""
    source, facts = shop.sources[finding.path], shop.facts[finding.path]
    made = lift(source.text, definition.span, name, (), (), ())
    if not isinstance(made, Lifted):
        return Refusal(finding.path, made, finding.span.line, finding.rule)
    start = line_start(source.text, definition.span.start)
    indent = re.match(r"[ \t]*", source.text[start:]).group()  # type: ignore[union-attr]
    lines = made.code.splitlines()
    if indent and _has_long_string(made.code):
        return Refusal(finding.path, "a string of several lines would be indented", finding.span.line, finding.rule)
    code = "\n".join(indent + line if line.strip() else line for line in lines)
    subject = ByReference(facts.module, name, Origin("<lambda>", definition.line))
    return Patch(finding, (Edit(finding.path, start, definition.span.end, code),), subjects=(subject,))


def _has_long_string(code: str) -> bool:
    tree = ast.walk(ast.parse(code))
    return any(isinstance(n, (ast.Constant, ast.JoinedStr)) and n.end_lineno != n.lineno for n in tree)


def _default_tables(facts: Facts) -> frozenset[str]:
    """What the module calls `collections.defaultdict`."""
    top = [i for i in facts.imports if i.top]
    names = [i.local for i in top if i.target == "collections.defaultdict"]
    return frozenset([*names, *(f"{i.local}.defaultdict" for i in top if i.whole and i.target == "collections")])


def _existing(finding: Finding, shop: Workshop, definition: Definition, tables: frozenset[str]) -> Patch | None:
    """`defaultdict(lambda: 0)` as `defaultdict(int)`; `lambda: defaultdict(int)` as `partial(defaultdict, int)`."""
    source, facts = shop.sources[finding.path], shop.facts[finding.path]
    node = ast.parse(f"({source.text[definition.span.start : definition.span.end]})", mode="eval").body
    statement = ast.parse(source.text[definition.statement.start : definition.statement.end].replace("\f", " "))
    local = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    local |= {n.arg for n in ast.walk(statement) if isinstance(n, ast.arg)}
    partial = require(facts, source, "functools", "partial")
    code = _exact(node, partial.code, tables, local | {n for s in facts.statements for n in s.binds if n in _BUILTINS})
    if not code or definition.captures:
        return None
    span, edits = definition.span, partial.edits if "(" in code else ()
    written = source.text[span.start : span.end]
    subject = ByExpression(facts.module, f"({written})", code)
    return Patch(finding, (*edits, Edit(finding.path, span.start, span.end, code)), subjects=(subject,))


def _exact(node: ast.AST, partial: str, tables: frozenset[str], shadowed: set[str]) -> str:
    """A callable that is exactly this factory, or an empty string."""
    if isinstance(node, ast.Name):
        return node.id if node.id in _BUILTINS - shadowed else ""
    if not isinstance(node, ast.Lambda) or ast.unparse(node.args):
        return ""
    body = node.body
    if isinstance(body, ast.Call) and ast.unparse(body.func) in tables - shadowed:
        inner = _exact(body.args[0], partial, tables, shadowed) if len(body.args) == 1 and not body.keywords else ""
        return f"{partial}({ast.unparse(body.func)}, {inner})" if inner else ""
    builtin = _EXACT.get(ast.unparse(body), "")
    return builtin if builtin not in shadowed else ""


RULE = LambdaValue()
