"""Which module-level names stand for something that code may change in place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_names

# What does not change its arguments, of what is called by name: other functions may.
_LOOKING = (
    *("builtins.", "multiprocessing.", "concurrent.futures.", "functools.", "itertools.", "math.", "statistics."),
    *("json.", "pickle.", "copy.", "pprint.", "collections.", "os.path.", "time.", "logging.", "operator.itemgetter"),
)
# What gives a number, a text, a path or the like, of what is called by name.
_PLAIN = frozenset(
    [
        *("os.getcwd", "os.getenv", "os.environ.get", "os.cpu_count", "os.path.join", "os.path.dirname"),
        *("os.path.abspath", "os.path.basename", "os.path.realpath", "os.path.expanduser", "os.path.normpath"),
        *("os.path.exists", "pathlib.Path", "pathlib.PurePath", "pathlib.Path.cwd", "pathlib.Path.home"),
        *("builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.len", "builtins.range"),
        *("multiprocessing.cpu_count", "time.time", "torch.device", "torch.cuda.is_available"),
    ]
)
_PATHS = frozenset(["parent", "name", "stem", "suffix"])  # of a path
_TO_PATHS = frozenset(["resolve", "absolute", "expanduser", "joinpath", "with_name", "with_suffix", "strip", "lower"])
_DEPTH = 4  # names that stand for one another
_CHANGING = frozenset(["builtins.setattr", "builtins.delattr", "builtins.next", "builtins.vars", "builtins.exec"])
# Methods that leave their object as it is, whatever it is of.
_READING = frozenset(
    [
        *("items", "keys", "values", "get", "copy", "index", "count", "split", "rsplit", "splitlines", "join"),
        *("format", "strip", "lstrip", "rstrip", "lower", "upper", "title", "startswith", "endswith", "replace"),
        *("encode", "decode", "isdigit", "exists", "is_file", "is_dir", "read_text", "read_bytes", "with_name"),
        *("with_suffix", "joinpath", "match", "fullmatch", "search", "findall", "finditer", "sub", "debug", "info"),
        *("warning", "error", "exception", "critical", "log", "total_seconds", "union", "intersection", "difference"),
        *("issubset", "issuperset", "isdisjoint", "most_common"),
    ]
)


class Changes:
    """What statements of one file may change: by setting, by calling a method, by handing on, under another name."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree, self.names = tree, names

    def names_in(self, statement: ast.stmt, read: Iterable[ast.Name]) -> Iterator[str]:
        """The module-level names whose values a statement may change; `read` are those that it names."""
        for node in read:
            if node.id in self._changeable and (self._set_in(node) or self._handed_on(node) or self._renamed(node)):
                yield node.id
        loops: list[ast.For | ast.comprehension] = self.tree.within(statement, ast.For, ast.comprehension)
        for loop in loops:
            if set(bound_names(loop.target)) & self._words:
                inside = self.tree.within(loop.iter, ast.Name)
                yield from (n.id for n in inside if n.id in self._changeable and not self._is_asked(n))
        functions: list[Function] = self.tree.within(statement, *FUNCTIONS)
        for function in functions:
            if self._keeps(function):
                yield from bound_names(self.tree.top(function))
        for cls in self.tree.within(statement, ast.ClassDef):
            if self._shares(cls):
                yield from bound_names(self.tree.top(cls))

    def _is_asked(self, node: ast.Name) -> bool:
        """Whether it is the `os` in `os.listdir()`: what a function of a module gives is no part of the module."""
        at: ast.AST = node
        while isinstance(self.tree.parents[at], ast.Attribute):
            at = self.tree.parents[at]
        called = isinstance(parent := self.tree.parents[at], ast.Call) and parent.func is at
        return node.id in self._fixed and at is not node and called

    @cached_property
    def _fixed(self) -> frozenset[str]:
        """The names of the module's definitions and imports: calling and handing on these changes nothing in them."""
        kinds = (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)
        bound = self.names.bindings.get(self.tree.root, {})
        return frozenset(n for n, values in bound.items() if all(isinstance(v, kinds) for v in values))

    @cached_property
    def _changeable(self) -> frozenset[str]:
        """The module's names but for those of numbers, texts and paths, in which nothing can be changed."""
        bound = self.names.bindings.get(self.tree.root, {})
        return frozenset(n for n, values in bound.items() if not all(map(self._is_plain, values)))

    def _is_plain(self, value: ast.AST, depth: int = _DEPTH) -> bool:
        """Whether an expression gives a number, a text, a path, or a tuple of such, whatever it is run with."""
        if isinstance(value, (ast.Constant, ast.JoinedStr)):
            return True
        if isinstance(value, ast.Name):
            bound = self.names.bindings.get(self.tree.root, {}).get(value.id, []) if depth else []
            return bool(bound) and all(self._is_plain(one, depth - 1) for one in bound)
        if isinstance(value, ast.Call) and self.names.of(value.func) in _PLAIN:
            return True
        parts = _made_of(value)
        return parts is not None and all(self._is_plain(part, depth) for part in parts)

    @cached_property
    def _words(self) -> frozenset[str]:
        """Every variable and attribute of the file in whose value something is set, or on which a method is called."""
        found: set[str] = set()
        for node in self.tree.of(ast.Name):
            path, changed = self._path(node)
            if changed:
                found.update(path)
        return frozenset(found)

    def _path(self, node: ast.Name) -> tuple[list[str], bool]:
        """The words of `a.b[c].d`, and whether something on it is set, deleted or called that may change it."""
        at: ast.AST = node
        words, parent = [node.id], self.tree.parents[at]
        while isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is at:
            if not isinstance(parent.ctx, ast.Load):
                return words, self.names.of(at) != "os.environ"  # which every process inherits
            at, parent = parent, self.tree.parents[parent]
            words += [at.attr] if isinstance(at, ast.Attribute) else []
        called = isinstance(parent, ast.Call) and parent.func is at and isinstance(at, ast.Attribute)
        return words[:-1] if called else words, called and words[-1] not in _READING and node.id not in self._fixed

    def _set_in(self, node: ast.Name) -> bool:
        return isinstance(node.ctx, ast.Load) and self._path(node)[1]

    def _handed_on(self, node: ast.Name) -> bool:
        """Whether it is an argument of a call that may change it."""
        at: ast.AST = node
        if isinstance(parent := self.tree.parents[at], ast.keyword):
            at, parent = parent, self.tree.parents[parent]
        if not isinstance(parent, ast.Call) or parent.func is at:
            return False
        callee = self.names.of(parent.func)
        if node.id in self._fixed:
            return callee in ("builtins.setattr", "builtins.delattr") and parent.args[:1] == [at]
        return callee in _CHANGING or not callee.startswith(_LOOKING)

    def _renamed(self, node: ast.Name) -> bool:
        """Whether it, or a part of it, gets another name under which something is changed."""
        at: ast.AST = node
        parent = self.tree.parents[at]
        while self._gives_a_part(parent, at):
            at, parent = parent, self.tree.parents[parent]
        if not isinstance(parent, (ast.Assign, ast.AnnAssign)) or parent.value is not at:
            return False
        for target in parent.targets if isinstance(parent, ast.Assign) else [parent.target]:
            word = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
            if word in self._words or isinstance(target, ast.Subscript):
                return node.id not in self._fixed
        return False

    def _gives_a_part(self, parent: ast.AST, at: ast.AST) -> bool:
        """Whether it is `at.b`, `at[b]`, or a call of `at` where that is `a.get` or `a.values`."""
        if isinstance(parent, (ast.Attribute, ast.Subscript)):
            return parent.value is at
        called = isinstance(parent, ast.Call) and parent.func is at and isinstance(at, ast.Attribute)
        return called and isinstance(at, ast.Attribute) and at.attr in ("get", "values", "items", "pop", "setdefault")

    def _shares(self, cls: ast.ClassDef) -> bool:
        """Whether its methods change what belongs to the class: through `cls`, or a container in its body."""
        shared = {n for s in cls.body if isinstance(s, (ast.Assign, ast.AnnAssign)) for n in self._contained(s)}
        for node in self.tree.within(cls, ast.Name):
            path, changed = self._path(node)
            if changed and (node.id in ("cls", cls.name) or (len(path) > 1 and path[1] in shared)):
                return True
        return False

    def _contained(self, statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
        if isinstance(statement.value, (ast.List, ast.Dict, ast.Set, ast.Call)):
            yield from bound_names(statement)

    def _keeps(self, function: Function) -> bool:
        """Whether calls of it change the default of a parameter, which the next call gets."""
        args = function.args
        pairs = [*zip(reversed([*args.posonlyargs, *args.args]), reversed(args.defaults), strict=False)]
        pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None]
        made = (ast.List, ast.Dict, ast.Set, ast.Call)
        return any(isinstance(default, made) and arg.arg in self._words for arg, default in pairs)


def _made_of(value: ast.AST) -> list[ast.expr] | None:
    """The expressions of which one gives a number, text, path or tuple if these do; None of any other expression."""
    match value:
        case ast.UnaryOp():
            return [value.operand]
        case ast.BinOp():
            return [value.left, value.right]
        case ast.IfExp():
            return [value.body, value.orelse]
        case ast.BoolOp():
            return value.values
        case ast.Tuple():
            return value.elts
        case ast.Attribute():
            return [value.value] if value.attr in _PATHS else None
        case ast.Call(func=ast.Attribute() as method):
            return [method.value] if method.attr in _TO_PATHS else None
    return None
