"""What instances keep that plain pickle does not take: files, connections, executors, modules, views, generators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.survey.choices import ANY_MODULE, STREAMS, Choices, Named
from fixpickle.survey.facts import Family, Holding, Sink
from fixpickle.survey.flow import Flow
from fixpickle.survey.holding_uses import copied, laziness, uses
from fixpickle.survey.names import Names
from fixpickle.survey.remaking import remade
from fixpickle.survey.tree import FUNCTIONS, Tree, is_none, walk

ITERTOOLS = (
    *(
        "count",
        "cycle",
        "repeat",
        "chain",
        "islice",
        "product",
        "permutations",
        "combinations",
        "combinations_with_replacement",
        "groupby",
    ),
    *("accumulate", "zip_longest", "starmap", "takewhile", "dropwhile", "filterfalse", "compress"),
)
"""What of `itertools` pickles up to Python 3.13."""

_CALLS: dict[str, Family] = {
    **dict.fromkeys(("builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open"), Family.FILE),
    **dict.fromkeys(("pathlib.Path().open", "gzip.GzipFile", "bz2.BZ2File", "lzma.LZMAFile"), Family.FILE),
    **dict.fromkeys(("sqlite3.connect", "psycopg.connect", "psycopg2.connect", "pymysql.connect"), Family.HANDLE),
    **dict.fromkeys(("MySQLdb.connect", "duckdb.connect", "cx_Oracle.connect", "oracledb.connect"), Family.HANDLE),
    **dict.fromkeys(("pyodbc.connect", "h5py.File", "lmdb.open", "zipfile.ZipFile", "tarfile.open"), Family.HANDLE),
    **dict.fromkeys(("netCDF4.Dataset", "tables.open_file", "rasterio.open", "pysam.AlignmentFile"), Family.HANDLE),
    **dict.fromkeys(("pymongo.MongoClient", "boto3.client", "boto3.resource", "boto3.session.Session"), Family.HANDLE),
    **dict.fromkeys(("redis.Redis", "redis.StrictRedis", "grpc.insecure_channel"), Family.HANDLE),
    **dict.fromkeys(("sqlalchemy.create_engine", "elasticsearch.Elasticsearch"), Family.HANDLE),
    **dict.fromkeys(("socket.socket", "socket.create_connection", "http.client.HTTPConnection"), Family.CONVERSATION),
    **dict.fromkeys(("http.client.HTTPSConnection", "smtplib.SMTP", "smtplib.SMTP_SSL"), Family.CONVERSATION),
    **dict.fromkeys(("ftplib.FTP", "ftplib.FTP_TLS", "imaplib.IMAP4", "imaplib.IMAP4_SSL"), Family.CONVERSATION),
    "concurrent.futures.ThreadPoolExecutor": Family.EXECUTOR,
    "concurrent.futures.ProcessPoolExecutor": Family.EXECUTOR,
    "concurrent.futures.thread.ThreadPoolExecutor": Family.EXECUTOR,
    "concurrent.futures.process.ProcessPoolExecutor": Family.EXECUTOR,
    **dict.fromkeys(("multiprocessing.Pool", "multiprocessing.pool.ThreadPool"), Family.POOL),
    **dict.fromkeys(("weakref.WeakValueDictionary", "weakref.WeakKeyDictionary", "weakref.WeakSet"), Family.CACHE),
    **dict.fromkeys(("weakref.ref", "weakref.proxy", "weakref.WeakMethod", "weakref.finalize"), Family.REFERENCE),
    "ssl.create_default_context": Family.CONTEXT,
    "ssl.SSLContext": Family.CONTEXT,
    "importlib.import_module": Family.MODULE,
    **dict.fromkeys(("threading.Thread", "threading.Timer", "subprocess.Popen"), Family.RUNNING),
    **dict.fromkeys(("multiprocessing.Process", "asyncio.new_event_loop", "asyncio.get_event_loop"), Family.RUNNING),
    **dict.fromkeys(("asyncio.create_task", "selectors.DefaultSelector"), Family.RUNNING),
    **dict.fromkeys(("tempfile.NamedTemporaryFile", "tempfile.TemporaryFile", "mmap.mmap"), Family.OWNED),
    **dict.fromkeys(("ctypes.CDLL", "ctypes.cdll.LoadLibrary", "ctypes.pointer", "sys._getframe"), Family.NATIVE),
    **dict.fromkeys(("inspect.currentframe", "re.match", "re.search", "re.fullmatch"), Family.NATIVE),
    **dict.fromkeys(("logging.StreamHandler", "logging.FileHandler", "builtins.memoryview"), Family.NATIVE),
    **dict.fromkeys(("re.finditer", "csv.reader", "csv.writer", "csv.DictReader", "csv.DictWriter"), Family.GENERATOR),
    **dict.fromkeys(("os.scandir", "os.walk", "glob.iglob"), Family.GENERATOR),
    **dict.fromkeys(("traceback.extract_stack", "traceback.extract_tb"), Family.FRAMES),
    **dict.fromkeys(("traceback.StackSummary.extract", "traceback.TracebackException"), Family.FRAMES),
    "traceback.TracebackException.from_exception": Family.FRAMES,
    "types.MappingProxyType": Family.PROXY,
    **dict.fromkeys(("itertools.pairwise", "itertools.batched"), Family.GENERATOR),
    **dict.fromkeys((f"itertools.{name}" for name in ITERTOOLS), Family.ITERTOOLS),
}
_MODES = frozenset(
    {
        *("h5py.File", "zipfile.ZipFile", "tarfile.open", "netCDF4.Dataset", "tables.open_file", "rasterio.open"),
        "pysam.AlignmentFile",
    }
)
_VIEWS = frozenset({"keys", "values", "items"})
_DICTS = frozenset(
    {"builtins.dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "typing.Dict"}
)
_MEMOS = frozenset({"functools.lru_cache", "functools.cache", "functools.lru_cache()"})


# Of these the expression itself is exchanged, and no hooks are written; what may be a module or stream, is `chosen`.
_WHOLE = frozenset({Family.VIEW, Family.PROXY, Family.GENERATOR, Family.ITERTOOLS, Family.MEMO})
_NAMED = frozenset({Family.MODULE, Family.STREAM})


@dataclass(frozen=True, slots=True)
class _Found:
    """An assignment of interest: `made` is the expression that makes the assigned `value`, or does so at times.

    It is `chosen` where the value may be a module or standard stream, and something else if a caller says so.
    """

    cls: ast.ClassDef
    attribute: str
    value: ast.AST
    made: ast.AST
    family: Family
    target: str
    chosen: bool = False
    sure: bool = True


def holdings(tree: Tree, names: Names, flow: Flow) -> Iterator[Holding]:
    """One for each assignment to an attribute of `self`, of a class at module level, that is of such a family."""
    choices = Choices(tree, names, flow)
    for node in tree.of(ast.ClassDef):
        found = list(_of_class(tree, names, flow, choices, node))
        shipped = _shipped(tree, names, flow, found[0].cls) if found else ()
        for one in found:
            yield _holding(tree, names, flow, one, shipped)


def _of_class(tree: Tree, names: Names, flow: Flow, choices: Choices, cls: ast.ClassDef) -> Iterator[_Found]:
    for field in choices.fields(cls):
        kept = field.kept
        yield _Found(cls, field.name, field.place, field.place, kept.family, kept.symbol, True, kept.sure)
    for attribute, values in names.attribute_values(cls).items():
        for value in values:
            made = _made(tree, names, flow, value)
            family, target = family_of(tree, names, flow, made)
            if family is not None:
                yield _Found(cls, attribute, value, made, family, target)
            elif (module := choices.imported(value)) is not None:
                yield _Found(cls, attribute, value, value, module.family, module.symbol, sure=module.sure)
            elif (either := _chosen(names, choices, cls, attribute, value)) is not None:
                yield _Found(cls, attribute, value, value, either.family, either.symbol, True, either.sure)
            for branch in _branches(value):
                family, target = family_of(tree, names, flow, branch)
                if family is not None and family not in _WHOLE | _NAMED:
                    yield _Found(cls, attribute, value, branch, family, target)


def _chosen(names: Names, choices: Choices, cls: ast.ClassDef, attribute: str, value: ast.AST) -> Named | None:
    declared = names.declared(cls).get(attribute)
    said = ANY_MODULE if declared is not None and choices.says_module(declared) and not is_none(value) else None
    return next(choices.of(value), said)


def _branches(value: ast.AST) -> list[ast.expr]:
    """What an expression gives, of which only the running program knows which it is."""
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    return value.values if isinstance(value, ast.BoolOp) else []


def _holding(tree: Tree, names: Names, flow: Flow, one: _Found, shipped: tuple[Sink, ...]) -> Holding:
    cls, attribute = one.cls, one.attribute
    again = remade(tree, names, flow, cls, one.value, one.made)
    lazy = laziness(tree, names, cls, attribute, one.value)
    values = names.attribute_values(cls).get(attribute, [])
    branches = _branches(one.value)
    moded = one.family is Family.FILE or one.target in _MODES
    viewed = one.family in (Family.VIEW, Family.PROXY)
    return Holding(
        family=one.family,
        target=one.target,
        cls=tree.qualname(cls),
        attribute=attribute,
        span=tree.span(one.value),
        code=" ".join(tree.code(one.made).split()),
        again="" if branches or one.chosen else again.code,
        obstacle=again.obstacle,
        reads=again.reads,
        mode=mode_of(names, one.made) if moded else _memory(tree, cls, one.target),
        receiver=_receiver(tree, names, flow, one.made) if viewed else "",
        lazy=lazy.lazy and not branches,
        loose=lazy.loose,
        single=sum(not is_none(v) for v in values) == 1 and not branches,
        nullable=any(is_none(v) for v in (*values, *branches)),
        uses=uses(tree, names, cls, attribute),
        copied=copied(tree, names, cls),
        shipped=shipped,
        chosen=one.chosen,
        sure=one.sure,
    )


# --- of what family a value is --------------------------------------------------------------------------------------


def _made(tree: Tree, names: Names, flow: Flow, value: ast.AST) -> ast.AST:
    """The expression that makes the value: that of a local variable which is bound once."""
    if isinstance(value, ast.Name):
        scope = flow.variables.owner(value, value.id)
        found = names.bindings.get(scope, {}).get(value.id, [])
        if isinstance(scope, FUNCTIONS) and len(found) == 1 and isinstance(found[0], (ast.Call, ast.GeneratorExp)):
            within = tree.parents[found[0]]
            return found[0] if isinstance(within, (ast.Assign, ast.AnnAssign)) else value
    return value


def family_of(tree: Tree, names: Names, flow: Flow, value: ast.AST) -> tuple[Family | None, str]:
    """Of what family a value is, and by what symbolic name it is made; None where plain pickle may take it."""
    if isinstance(value, ast.GeneratorExp):
        return Family.GENERATOR, "generator expression"
    if isinstance(value, ast.Call):
        return _family_of_call(tree, names, flow, value)
    if isinstance(value, (ast.Name, ast.Attribute)):
        symbol = names.of(value)
        if symbol in STREAMS:
            return Family.STREAM, symbol
        if isinstance(value, ast.Name) and _is_module(names, flow, value):
            return Family.MODULE, symbol
    return None, ""


def _family_of_call(tree: Tree, names: Names, flow: Flow, call: ast.Call) -> tuple[Family | None, str]:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if method in _VIEWS and not call.args and not call.keywords:
        assert isinstance(call.func, ast.Attribute)
        known = _is_dict(tree, names, flow, call.func.value)
        return (Family.VIEW, f"dict.{method}") if known else (None, "")
    symbol = names.of(call.func)
    if symbol in _MEMOS or symbol.removesuffix("()") in _MEMOS:
        given = call.args[0] if len(call.args) == 1 and not call.keywords else None
        own = isinstance(given, ast.Attribute) and names.instance_class(given.value) is not None
        return (Family.MEMO, symbol.removesuffix("()")) if own else (None, "")
    if symbol in _CALLS:
        whole = len(call.args) == 1 and not isinstance(call.args[0], ast.Starred) and not call.keywords
        return (_CALLS[symbol], symbol) if whole or _CALLS[symbol] is not Family.PROXY else (None, "")
    return (Family.GENERATOR, symbol) if symbol and is_generator(tree, names, symbol) else (None, "")


def _is_module(names: Names, flow: Flow, name: ast.Name) -> bool:
    """Whether the name is bound by nothing but `import x` or `import x as y`."""
    found = flow.variables.values(name)
    return bool(found) and all(isinstance(b, ast.Import) for b in found)


def is_generator(tree: Tree, names: Names, symbol: str) -> bool:
    """Whether it is a generator function of the file."""
    prefix, own = f"{names.module}.", symbol.replace("()", "")
    if not own.startswith(prefix):
        return False
    wanted = own[len(prefix) :]
    for node in tree.of(ast.FunctionDef):
        if node.name == wanted.rpartition(".")[2]:
            yields = (n for n in walk(node) if isinstance(n, (ast.Yield, ast.YieldFrom)))
            plain = not node.decorator_list and tree.qualname(node) == wanted
            return plain and any(tree.function(y) is node for y in yields)
    return False


def _is_dict(tree: Tree, names: Names, flow: Flow, node: ast.AST) -> bool:
    """Whether an expression is sure to be a dictionary: others have methods of these names that give something else."""
    if isinstance(node, (ast.Dict, ast.DictComp)):
        return True
    if isinstance(node, ast.Call):
        return names.of(node.func) in _DICTS
    if isinstance(node, ast.Name):
        found = flow.variables.values(node)
        return bool(found) and all(_gives_dict(tree, names, flow, v) for v in found)
    if isinstance(node, ast.Attribute) and (cls := names.instance_class(node.value)) is not None:
        found = names.attribute_values(cls).get(node.attr, [])
        return bool(found) and all(_gives_dict(tree, names, flow, v) for v in found)
    return False


def _gives_dict(tree: Tree, names: Names, flow: Flow, node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        found = flow.variables.values(node)
        return bool(found) and all(not isinstance(v, ast.Name) and _gives_dict(tree, names, flow, v) for v in found)
    if isinstance(node, ast.arg):
        note = node.annotation
        note = note.value if isinstance(note, ast.Subscript) else note
        return note is not None and names.of(note) in _DICTS
    return isinstance(node, (ast.Dict, ast.DictComp, ast.Call)) and _is_dict(tree, names, flow, node)


# --- what it is made from -------------------------------------------------------------------------------------------


def mode_of(names: Names, made: ast.AST) -> str:
    """The mode a file is opened with: "?" where it is only known when the program runs."""
    if not isinstance(made, ast.Call):
        return "?"
    position = 0 if names.of(made.func) == "pathlib.Path().open" else 1
    given = [a for a in made.args[position : position + 1] if not isinstance(a, ast.Starred)]
    given += [k.value for k in made.keywords if k.arg == "mode"]
    if any(isinstance(a, ast.Starred) for a in made.args) or any(k.arg is None for k in made.keywords):
        return "?"
    if not given:
        return "r"
    return given[0].value if isinstance(given[0], ast.Constant) and isinstance(given[0].value, str) else "?"


def _memory(tree: Tree, cls: ast.ClassDef, target: str) -> str:
    """ "memory" for a database that may be in memory, where the class so much as mentions that."""
    return "memory" if target == "sqlite3.connect" and ":memory:" in tree.code(cls) else ""


def _receiver(tree: Tree, names: Names, flow: Flow, made: ast.AST) -> str:
    """Where what is viewed comes from: "fresh" where nothing else has it."""
    assert isinstance(made, ast.Call)
    node = made.func.value if isinstance(made.func, ast.Attribute) and not made.args else made.args[0]
    if not isinstance(node, ast.Name):
        return "fresh" if _is_new(names, node) else ""
    scope = flow.variables.owner(node, node.id)
    found = names.bindings.get(scope, {}).get(node.id, [])
    if not isinstance(scope, FUNCTIONS) or tree.function(node) is not scope or len(found) != 1:
        return ""
    looped = any(isinstance(a, (ast.For, ast.While)) for a in tree.ancestors(node) if a is not scope)
    last = all(use.lineno <= node.lineno for use in flow.variables.loads(scope, node.id))
    kept = any(_handed_on(tree, use) for use in flow.variables.loads(scope, node.id) if use is not node)
    return "fresh" if last and not looped and not kept and _is_new(names, found[0]) else ""


def _is_new(names: Names, node: ast.AST) -> bool:
    return isinstance(node, (ast.Dict, ast.DictComp)) or (isinstance(node, ast.Call) and names.of(node.func) in _DICTS)


def _handed_on(tree: Tree, use: ast.Name) -> bool:
    """Whether a use is more than `d[k]`, `d.method(...)`, `k in d`: something else may then have the dictionary too."""
    parent = tree.parents[use]
    return not isinstance(parent, (ast.Subscript, ast.Attribute, ast.Compare, ast.For))


def _shipped(tree: Tree, names: Names, flow: Flow, cls: ast.ClassDef) -> tuple[Sink, ...]:
    """Where instances of the class go: by themselves, as `self`, and with a bound method that is handed on."""
    symbol = f"{names.module}.{tree.qualname(cls)}()"
    found: list[Sink] = []
    for method in cls.body:
        if not isinstance(method, FUNCTIONS) or not method.args.args:
            continue
        found += flow.of_name(method, method.args.args[0].arg)
        called_for = {names.of(d) for d in method.decorator_list}
        for node in () if "builtins.property" in called_for else tree.attributes(method.name):
            within = tree.parents[node]
            called = isinstance(within, ast.Call) and within.func is node
            if not called and (names.instance_class(node.value) is cls or names.of(node.value) == symbol):
                found += flow.of(node)
    if cls in tree.root.body:
        found += flow.results(tree.root, cls.name)
    return tuple(dict.fromkeys(found))
