"""The child of the proof: pickle subjects in one fresh interpreter, load them in another.

`python probe.py dump|load tasks.json answers.jsonl`, with the user's own interpreter, any CPython from 3.8. It imports
the standard library alone and is imported by nobody. The module texts to be proved come with the tasks and are served
by an import hook, so nothing is ever written beside the user's code.

One line of JSON is appended and closed per step, before the next one begins: a subject that takes the interpreter down
costs only itself. Lines are {"ready": pid}, {"importing": module}, {"imported": module}, {"begin": id}, and
{"done": id, "stage": ...} with the stage that failed and its error, or what was dumped or crossed.
"""

from __future__ import annotations

import sys

# The directory of this file is the prover's own package: none of its names may answer an import of the user's.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import ast
import base64
import collections
import contextlib
import copy
import dis
import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import io
import json
import linecache
import os
import pickle
import re
import signal
import tokenize
import types
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple


def _beside(name: str) -> Any:
    """The file of that name in this folder, which is on nobody's path."""
    spec = importlib.util.spec_from_file_location(
        "_fixpickle_" + name, os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


leaves = _beside("leaves")

Json = Dict[str, Any]
Dumped = Tuple[List[bytes], Json]
Setting = Tuple[Callable[[Any], None], Callable[[], Any], Any]

_open = io.open
_ME = os.getpid()


class Failure(Exception):
    """A step of the proof did not work. `stage` is import, build, dump, load or absent."""

    def __init__(self, stage: str, error: str | BaseException) -> None:
        Exception.__init__(self, stage, error)
        self.stage = stage
        self.error = error if isinstance(error, str) else told(error)


def told(error: BaseException) -> str:
    """`Type: message` on one line, at most 300 characters. A message that cannot be made is left out."""
    try:
        message = " ".join(str(error).split())
    except BaseException:
        message = ""
    text = "%s: %s" % (type(error).__name__, message) if message else type(error).__name__
    return text if len(text) <= 300 else text[:299] + "\u2026"


class Mismatch(Exception):
    """It crossed, and is not what was sent."""


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise Mismatch(otherwise)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Whatever user code raises, SystemExit and KeyboardInterrupt included, is the outcome of that stage."""
    try:
        yield
    except Failure:
        raise
    except Mismatch as mismatch:
        raise Failure(name, str(mismatch)) from mismatch
    except BaseException as error:
        raise Failure(name, error) from error


# --- the process ----------------------------------------------------------------------------------------------------


class Answers:
    """Appends to the answer file by path: user code may have closed every descriptor there was."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, **line: Any) -> None:
        if os.getpid() != _ME:
            os._exit(0)  # user code forked: the copy must not answer in our name
        with _open(self.path, "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


def confine(parent: int, megabytes: int) -> None:
    """Die with the parent, and stay within the memory limit, where the platform knows how."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(Exception):
            import ctypes

            ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG
        if os.getppid() == 1 != parent:
            os._exit(0)  # the parent was gone before it could be asked for
    with contextlib.suppress(Exception):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower(resource, resource.RLIMIT_FSIZE, 1 << 30)
        if megabytes > 0:
            _lower(resource, resource.RLIMIT_AS, megabytes << 20)


def _lower(resource: Any, limit: int, wanted: int) -> None:
    _soft, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(limit, (wanted, hard))


# --- serving sources from memory ------------------------------------------------------------------------------------


class Served(importlib.machinery.SourceFileLoader):
    """Loads one module from a text, with everything about it as if that text were in the file."""

    def __init__(self, fullname: str, path: str, text: str, run: str) -> None:
        importlib.machinery.SourceFileLoader.__init__(self, fullname, path)
        self.text = text
        self.run = run

    def get_source(self, fullname: str) -> str:
        return self.text

    def get_code(self, fullname: str) -> types.CodeType:
        lines = self.text.splitlines(True)
        linecache.cache[self.path] = (
            len(self.text),
            None,
            lines,
            self.path,
        )  # no mtime: never checked against the disk
        whole = compile(self.text, self.path, "exec", dont_inherit=True)
        return whole if self.run == self.text else compile(self.run, self.path, "exec", dont_inherit=True)

    def get_data(self, path: str) -> bytes:
        return (
            self.text.encode("utf-8")
            if path == self.path
            else importlib.machinery.SourceFileLoader.get_data(self, path)
        )


def _tail(path: str) -> str:
    directory, name = os.path.split(path)
    return os.path.basename(directory) if name == "__init__.py" else os.path.splitext(name)[0]


class Overlay:
    """First on sys.meta_path. `texts` is what files hold; `runs` what a script is trimmed to when it is imported."""

    def __init__(self, texts: dict[str, str], runs: dict[str, str]) -> None:
        self.texts = texts
        self.runs = runs
        self.real = {os.path.realpath(path): path for path in texts}
        self.tails = {_tail(path) for path in self.real}
        self.barred = ""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if self.barred and (fullname + ".").startswith(self.barred + "."):
            raise ModuleNotFoundError("No module named %r" % fullname, name=fullname)
        if fullname.rpartition(".")[2] not in self.tails or fullname in sys.builtin_module_names:
            return None
        for entry in sys.path if path is None else path:
            spec = importlib.machinery.PathFinder.find_spec(fullname, [entry], target)
            if spec is not None and spec.origin and spec.has_location:
                known = self.real.get(os.path.realpath(spec.origin))
                return self._spec(fullname, spec.origin, known) if known else None
            for parts in ((fullname.rpartition(".")[2], "__init__.py"), (fullname.rpartition(".")[2] + ".py",)):
                known = self.real.get(os.path.join(os.path.realpath(entry or os.getcwd()), *parts))
                if known is not None:  # a file that is not on disk yet
                    return self._spec(fullname, os.path.join(entry, *parts), known)
        return None

    def _spec(self, fullname: str, origin: str, known: str) -> Optional[importlib.machinery.ModuleSpec]:
        loader = Served(fullname, origin, self.texts[known], self.runs.get(known, self.texts[known]))
        places = [os.path.dirname(origin)] if os.path.basename(origin) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, origin, loader=loader, submodule_search_locations=places
        )

    def source(self, path: str) -> str:
        known = self.real.get(os.path.realpath(path))
        if known is not None:
            return self.texts[known]
        with _open(path, "rb") as file:
            return importlib.util.decode_source(file.read())

    def materialise(self, root: str, into: str) -> None:
        """A view of `root` with the texts in place, for worker processes, which have no import hook."""
        for known in self.texts:
            relative = os.path.relpath(known, root)
            if relative.startswith(os.pardir):
                continue
            at, real = into, root
            for part in relative.split(os.sep):
                _mirror(real, at)
                at, real = os.path.join(at, part), os.path.join(real, part)
                if os.path.islink(at):
                    os.unlink(at)
            with _open(at, "w", encoding="utf-8", newline="") as out:
                out.write(self.runs.get(known, self.texts[known]))


def _mirror(directory: str, at: str) -> None:
    """`at` becomes a real directory that links to everything in `directory`."""
    if os.path.isdir(at):
        return
    os.makedirs(at)
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        os.symlink(os.path.join(directory, name), os.path.join(at, name))


# --- modules and names ----------------------------------------------------------------------------------------------


class Modules:
    """Imports each module once, and remembers how that went."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.errors: Dict[str, Optional[str]] = {}

    def get(self, name: str) -> types.ModuleType:
        if name not in self.errors:
            self.answers.write(importing=name)
            self.errors[name] = None
            try:
                importlib.import_module(name)
            except BaseException as error:
                self.errors[name] = told(error)
            self.answers.write(imported=name)
        if self.errors[name] is not None:
            raise Failure("import", "%s when importing %s in %s" % (self.errors[name], name, sys.executable))
        return sys.modules[name]


def resolve(module: types.ModuleType, dotted: str) -> Any:
    return functools.reduce(getattr, dotted.split("."), module)


def mangled(owner: str, attribute: str) -> str:
    if attribute.startswith("__") and not attribute.endswith("__"):
        return "_%s%s" % (owner.lstrip("_"), attribute)
    return attribute


def named(kind: type) -> str:
    return "%s:%s" % (kind.__module__, kind.__qualname__)


def fingerprint(thing: Any) -> list[Any]:
    """What must be equal on both sides: the same code, wherever the file lies, and the same parameters."""
    code = getattr(thing, "__code__", None)
    kind = getattr(thing, "__qualname__", None) or named(type(thing))
    digest = hashlib.sha256(_canonical(code).encode()).hexdigest() if code else ""
    return [kind, digest, parameters(thing)]


def _canonical(value: object) -> str:
    if isinstance(value, types.CodeType):
        parts = [value.co_name, value.co_code.hex(), value.co_names, value.co_varnames, value.co_freevars]
        return repr(parts) + _canonical(value.co_consts)
    if isinstance(value, (tuple, frozenset)):
        inner = [_canonical(v) for v in value]
        return repr(sorted(inner) if isinstance(value, frozenset) else inner)
    return repr(value)


def parameters(thing: Any) -> Optional[list[Any]]:
    """Names, kinds and whether there is a default: the reprs of defaults may hold addresses."""
    try:
        signature = inspect.signature(thing)
    except Exception:
        return None
    return [[p.name, int(p.kind), p.default is not p.empty] for p in signature.parameters.values()]


def shown(value: Any) -> Dict[str, str]:
    """What of an exception must be equal on both sides, by what it is called; nothing of anything else."""
    if not isinstance(value, BaseException):
        return {}
    parts = {"attribute %s" % name: value for name, value in vars(value).items()}
    return {"message": told(value), **{name: _stable(part) for name, part in [("args", value.args), *parts.items()]}}


def _stable(value: object) -> str:
    """A repr without what differs from process to process: addresses, and the order of sets."""
    if isinstance(value, (set, frozenset)):
        return "set of %s" % sorted(map(_stable, value))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def blank(cls: Any) -> Any:
    """An instance that no initialiser ran for."""
    try:
        return cls.__new__(cls)
    except Exception:
        return object.__new__(cls)


def find_code(source: str, path: str, name: str, line: int) -> tuple[types.CodeType, str]:
    """The code object of a definition and its qualified name. Its decorators count, as for `co_firstlineno`."""
    found = []
    pending = [(compile(source, path, "exec", dont_inherit=True), "")]
    while pending:
        code, prefix = pending.pop()
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                qualname = getattr(inner, "co_qualname", prefix + inner.co_name)
                local = ".<locals>." if inner.co_flags & inspect.CO_OPTIMIZED else "."
                pending.append((inner, qualname + local))
                if inner.co_name == name and inner.co_firstlineno <= line <= _last_line(inner):
                    found.append((inner.co_firstlineno, inner, qualname))
    if not found:
        raise LookupError("there is no %s at line %d of %s" % (name, line, path))
    return max(found, key=lambda f: f[0])[1:]


def _last_line(code: types.CodeType) -> int:
    lines = [line for _, line in dis.findlinestarts(code) if line]
    inner = [_last_line(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return max([code.co_firstlineno] + lines + inner)


# --- picklers -------------------------------------------------------------------------------------------------------


def cloudpickle() -> Any:
    for name in ("cloudpickle", "joblib.externals.cloudpickle", "ray.cloudpickle"):
        with contextlib.suppress(Exception):
            return importlib.import_module(name)
    raise Failure("absent", "cloudpickle is not installed in %s" % sys.executable)


def dumps(value: Any, pickler: str, protocol: Optional[int] = None) -> bytes:
    tool = cloudpickle() if "cloudpickle" in pickler else pickle
    with stage("dump"):
        if "deepcopy" in pickler:
            copy.deepcopy(value)
        parcel: bytes = tool.dumps(value, protocol=pickle.HIGHEST_PROTOCOL if protocol is None else protocol)
        return parcel


def encoded(parcel: bytes) -> str:
    return base64.b64encode(parcel).decode("ascii")


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def protocols() -> Iterable[int]:
    return range(2, pickle.HIGHEST_PROTOCOL + 1)


# --- what is in the way ---------------------------------------------------------------------------------------------


def culprit(value: Any, overlay: Overlay) -> str:
    """Which part of an instance cannot be pickled and where its class sets it; empty where that is not known."""
    found = leaves.leaves(value, most=1, seconds=5.0)
    if not found or not found[0].steps:
        return ""
    keeper, attribute = leaves.holder(value, found[0].steps)
    path = leaves.written(type(value).__name__, found[0].steps)
    where = _set_at(type(keeper), attribute, overlay) if attribute else ""
    return "%s is %s%s" % (path, leaves.described(found[0].value), where)


def _set_at(cls: type, attribute: str, overlay: Overlay) -> str:
    """Where the class, or a base of it, sets the attribute: ", set in Pool at pool.py:6"."""
    for base in cls.__mro__:
        path = getattr(sys.modules.get(base.__module__), "__file__", None) or ""
        with contextlib.suppress(Exception):
            for node in ast.walk(ast.parse(overlay.source(path))):
                if isinstance(node, ast.ClassDef) and node.name == base.__name__:
                    for line in _settings(node, attribute, base.__name__):
                        return ", set in %s at %s:%d" % (base.__name__, os.path.basename(path), line)
    return ""


def _settings(cls: ast.ClassDef, attribute: str, owner: str) -> Iterator[int]:
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if mangled(owner, node.attr) == attribute:
                yield node.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == attribute:
            yield node.lineno


# --- subjects: how each is dumped, and what must be true of it once loaded ------------------------------------------
# A dump gives (parcels, facts): the pickles, and what the loading side needs to know to judge them. Facts are JSON.


class Reference:
    def dump(self, world: World, task: Json) -> Dumped:
        return self.before(world, task) if world.side == "before" else self.after(world, task)

    def before(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        parcels = []
        with contextlib.suppress(AttributeError):  # a name of its own is the change's doing, and may not be there yet
            parcels.append(dumps(resolve(module, task["name"]), "pickle"))
        with stage("build"):
            made = self._original(world, module, task)
        return parcels + [dumps(made, "pickle")], {}

    def _original(self, world: World, module: types.ModuleType, task: Json) -> Any:
        path = str(module.__file__)
        code, qualname = find_code(world.overlay.source(path), path, task["origin"], task["line"])
        if code.co_flags & inspect.CO_OPTIMIZED:
            cells = tuple(types.CellType() for _ in code.co_freevars)
            made: Any = types.FunctionType(code, vars(module), code.co_name, None, cells)
        else:
            made = types.new_class(code.co_name)
        made.__qualname__, made.__module__ = qualname, module.__name__
        return blank(made) if isinstance(made, type) else made

    def after(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            thing = resolve(module, task["name"])
            facts: Json = {"print": fingerprint(thing)}
        parcels = [dumps(thing, "pickle", protocol) for protocol in protocols()]
        if task["bound"]:
            parcels.append(dumps(functools.partial(thing, *[None] * task["bound"]), "pickle"))
        if isinstance(thing, type):
            facts["instance"] = self._instance(thing)
        return parcels, facts

    def _instance(self, cls: type) -> Json:
        """An empty instance may be unpicklable for being empty, so it never decides: base64, or the error."""
        try:
            return {"parcel": encoded(dumps(blank(cls), "pickle"))}
        except BaseException as error:
            return {"error": getattr(error, "error", told(error))}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        if "print" not in facts:
            return ""
        thing = resolve(world.modules.get(task["module"]), task["name"])
        for one in loaded:
            if isinstance(one, functools.partial) and one.func is thing:
                expected = (facts["print"][2] or [])[task["bound"] :]
                expect(parameters(one) == expected, "bound arguments leave %s" % inspect.signature(one))
            else:
                expect(one is thing, "it arrives as another object than %s.%s" % (task["module"], task["name"]))
        expect(fingerprint(thing) == facts["print"], "its code or signature differs on the other side")
        return self._arrived(thing, facts["instance"]) if "instance" in facts else ""

    def _arrived(self, cls: type, instance: Json) -> str:
        if "parcel" in instance:
            try:
                expect(type(pickle.loads(decoded(instance["parcel"]))) is cls, "it arrives as another type")
                return "and an empty instance of it"
            except BaseException as error:
                instance = {"error": told(error)}
        return "an empty instance of it does not cross: %s" % instance["error"]


class State:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            cls = resolve(module, task["cls"])
            attribute = mangled(cls.__name__, task["attribute"])
            value = self._instance(world, task, module, cls, attribute)
        facts = {"kind": named(type(value)), "attribute": attribute}
        if attribute:
            with stage("build"):
                if task["dropped"]:
                    object.__setattr__(value, attribute, eval(task["expression"], vars(module), {"self": value}))
                facts["holds"] = named(type(None if task["dropped"] else getattr(value, attribute)))
        try:
            return [dumps(value, task["pickler"])], facts
        except Failure as failure:
            found = culprit(value, world.overlay)
            raise Failure("dump", "%s; %s" % (failure.error, found) if found else failure.error) from failure

    def _instance(self, world: World, task: Json, module: types.ModuleType, cls: Any, attribute: str) -> Any:
        if task["manner"] != "part":
            return self._whole(world, task, cls)
        value = blank(cls)
        for name, expression in task["holds"]:
            object.__setattr__(value, mangled(cls.__name__, name), eval(expression, vars(module)))
        if task["expression"]:
            made = eval(task["expression"], vars(module), {"self": value})
            object.__setattr__(value, attribute, made)
        return value

    def _whole(self, world: World, task: Json, cls: Any) -> Any:
        if task["manner"] == "factory":
            owner, _, name = task["factory"].partition(":")
            return resolve(world.modules.get(owner), name)()
        required = [
            p for p in inspect.signature(cls).parameters.values() if p.default is p.empty and p.kind not in (2, 4)
        ]
        if required:
            raise TypeError("%s needs the argument %r" % (task["cls"], required[0].name))
        return cls()

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        value = loaded[0]
        expect(named(type(value)) == facts["kind"], "it arrives as %s" % named(type(value)))
        if not facts["attribute"]:
            return ""
        held = getattr(value, facts["attribute"])
        kind = named(type(held))
        expect(kind == facts["holds"], "%s arrives as %s" % (facts["attribute"], kind))
        if hasattr(held, "acquire") and hasattr(held, "release") and "Semaphore" not in kind:
            expect(held.acquire(blocking=False), "%s arrives locked" % facts["attribute"])
            held.release()
        return ""


class Contents(State):
    """Whatever it held must arrive, and still be there: what hooks lose shows on neither `dumps` nor `loads`."""

    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            cls = resolve(module, task["cls"])
            value = blank(cls) if task["manner"] == "part" else self._whole(world, task, cls)
            if task["manner"] == "part":
                for attribute, expression in task["holds"].items():
                    object.__setattr__(value, attribute, eval(expression, vars(module), {"self": value}))
            if task["fill"]:
                eval(task["fill"], vars(module), {"self": value})
        held = contents(value)
        parcel = dumps(value, task["pickler"])
        with stage("dump"):
            now = contents(value)
            for name, one in held.items():
                kept = now.get(name) is not None or one is None
                expect(kept, "pickling it takes %s from the live instance" % name)
        kinds = {name: named(type(one)) for name, one in held.items() if name not in task["dropped"]}
        return [parcel], {"kind": named(type(value)), "holds": kinds, "size": size(value)}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        value = loaded[0]
        expect(named(type(value)) == facts["kind"], "it arrives as %s" % named(type(value)))
        held = contents(value)
        for name, kind in facts["holds"].items():
            expect(name in held, "it arrives without %s" % name)
            expect(named(type(held[name])) == kind, "%s arrives as %s" % (name, named(type(held[name]))))
        expect(size(value) == facts["size"], "it arrives with %d of %d items" % (size(value), facts["size"]))
        return ""


def contents(value: Any) -> Json:
    """Every attribute that the instance itself holds, asked for behind the back of its `__getattr__`."""
    held = {}
    with contextlib.suppress(AttributeError):
        held.update(object.__getattribute__(value, "__dict__"))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in [slots] if isinstance(slots, str) else slots:
            with contextlib.suppress(AttributeError):
                held[slot] = object.__getattribute__(value, mangled(kind.__name__, slot))
    return {name: one for name, one in held.items() if name not in ("__dict__", "__weakref__")}


def size(value: Any) -> int:
    """How many items it has, whatever its own `__len__` says; 0 for what is no container."""
    kinds: Any = (dict, list, set, frozenset, collections.deque)
    return next((kind.__len__(value) for kind in kinds if isinstance(value, kind)), 0)


class Expression:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            value = eval(task["expression"], vars(module))
            facts = {"kind": named(type(value)), "shown": shown(value)}
        return [dumps(value, task["pickler"])], facts

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        expect(named(type(loaded[0])) == facts["kind"], "it arrives as %s" % named(type(loaded[0])))
        sent, arrived = facts["shown"], shown(loaded[0])
        for part, was in sent.items():
            expect(arrived.get(part) == was, "%s %s arrives as %s" % (part, was, arrived.get(part, "nothing")))
        return ""


class Identity:
    def dump(self, world: World, task: Json) -> Dumped:
        with stage("build"):
            thing = resolve(world.modules.get(task["module"]), task["name"])
        return [dumps(thing, "pickle", protocol) for protocol in protocols()], {}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        thing = resolve(world.modules.get(task["module"]), task["name"])
        same = all(one is thing for one in loaded)
        expect(same, "it arrives as another object than %s.%s" % (task["module"], task["name"]))
        return ""


class Value:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        tool = cloudpickle()
        with stage("build"):
            thing = resolve(module, task["name"])
        if not hasattr(tool, "register_pickle_by_value"):
            raise Failure(
                "absent", "cloudpickle in %s is older than 2.0 and cannot ship a module by value" % sys.executable
            )
        tool.register_pickle_by_value(module)
        try:
            return [dumps(thing, "cloudpickle")], {"qualname": thing.__qualname__}
        finally:
            tool.unregister_pickle_by_value(module)

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        expect(getattr(loaded[0], "__qualname__", None) == facts["qualname"], "it arrives under another name")
        return ""


class Script(Reference):
    def before(self, world: World, task: Json) -> Dumped:
        main = types.ModuleType("__main__")
        main.__file__ = task["script"]
        former, sys.modules["__main__"] = sys.modules["__main__"], main
        try:
            with stage("import"):
                exec(compile(task["text"], task["script"], "exec", dont_inherit=True), vars(main))
            with stage("build"):
                thing = resolve(main, task["name"])
            return [dumps(blank(thing) if isinstance(thing, type) else thing, "pickle")], {}
        finally:
            sys.modules["__main__"] = former


def uncommented(line: str) -> str:
    """A line of a script without its comment."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):  # it may end inside a bracket or a string
        for token in tokenize.generate_tokens(io.StringIO(line).readline):
            if token.type == tokenize.COMMENT:
                return line[: token.start[1]].strip()
    return line.strip()


class Respawned:
    """The whole script under the name that a worker gives it, which runs all but what stands under its main guard."""

    def dump(self, world: World, task: Json) -> Dumped:
        text = world.overlay.source(task["script"])
        if world.side == "before":
            lines = text.splitlines(True)
            with world.respawned(task["script"], "".join(lines[: task["line"] - 1])):
                said = uncommented(lines[task["line"] - 1])
            raise Failure("load", "a worker that is spawned runs line %d again: %s" % (task["line"], said))
        with world.respawned(task["script"], text) as script:
            with stage("build"):
                things = [resolve(script, name) for name in task["names"]]
            return [dumps(thing, "pickle") for thing in things], {"prints": list(map(fingerprint, things))}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        for number, name in enumerate(task["names"]):
            thing = resolve(sys.modules["__main__"], name)
            expect(loaded[number] is thing, "%s arrives as another object" % name)
            alike = fingerprint(thing) == facts["prints"][number]
            expect(alike, "the code or signature of %s differs on the other side" % name)
        return ""


class Workers:
    """Crosses within one step: joblib's own workers are the other interpreter."""

    TASKS = 20

    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        try:
            joblib = importlib.import_module("joblib")
            write, read, wanted = STATES[task["state"]]()
        except ImportError as error:
            raise Failure("absent", "%s in %s" % (told(error), sys.executable)) from error
        with stage("build"):
            parallel, delayed = eval(task["parallel"], vars(module)), eval(task["delayed"], vars(module))
            view = world.view()
        former = read()
        try:
            with stage("dump"):
                write(wanted)
                with view:
                    seen = parallel(n_jobs=2)(delayed(read)() for _ in range(self.TASKS))
                    after = joblib.Parallel(n_jobs=2)(joblib.delayed(read)() for _ in range(4))
                missing = sum(one != wanted for one in seen)
                expect(not missing, "the %s setting was lost in %d of %d tasks" % (task["state"], missing, self.TASKS))
                expect(read() == wanted, "the %s setting is gone in the process that set it" % task["state"])
        finally:
            write(former)
            joblib.externals.loky.get_reusable_executor().shutdown(wait=True, kill_workers=True)
        return [], {"kept": wanted in after}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return "the workers keep it afterwards" if facts["kept"] else "the workers put it back afterwards"


def _decimal() -> Setting:
    import decimal

    def write(precision: int) -> None:
        decimal.getcontext().prec = precision

    def read() -> Any:
        import decimal

        return decimal.getcontext().prec

    return write, read, 7


def _sklearn() -> Setting:
    import sklearn

    def write(assume: bool) -> None:
        sklearn.set_config(assume_finite=assume)

    def read() -> Any:
        import sklearn

        return sklearn.get_config()["assume_finite"]

    return write, read, True


STATES = {"decimal": _decimal, "sklearn": _sklearn}
SUBJECTS: Dict[str, Any] = {
    "reference": Reference(),
    "state": State(),
    "contents": Contents(),
    "expression": Expression(),
    "identity": Identity(),
    "value": Value(),
    "script": Script(),
    "respawned": Respawned(),
    "workers": Workers(),
}


# --- the run --------------------------------------------------------------------------------------------------------


class World:
    """What a subject may ask for: the sources, the modules made from them, and which side of the change this is."""

    def __init__(self, tasks: Json, answers: Answers, scratch: str) -> None:
        self.side = tasks["side"]
        self.roots = tasks["roots"]
        self.scratch = scratch
        self.overlay = Overlay(tasks["texts"], tasks["runs"])
        self.modules = Modules(answers)

    @contextlib.contextmanager
    def view(self) -> Iterator[None]:
        """Worker processes copy sys.path from here and have no import hook: they read a view of the roots."""
        places = [os.path.join(self.scratch, "view", str(i)) for i in range(len(self.roots))]
        for i, place in enumerate(places):
            if not os.path.isdir(place):
                self.overlay.materialise(self.roots[i], place)
        former, sys.path[:0] = list(sys.path), places
        try:
            yield
        finally:
            sys.path[:] = former

    @contextlib.contextmanager
    def respawned(self, path: str, text: str) -> Iterator[types.ModuleType]:
        """As in a worker that was spawned and has imported the script at `path`; it may start no process meanwhile."""
        import multiprocessing

        script = types.ModuleType("__mp_main__")
        script.__file__ = path
        process: Any = multiprocessing.current_process()
        former = {name: sys.modules.get(name) for name in ("__main__", "__mp_main__")}
        sys.modules.update(dict.fromkeys(former, script))
        multiprocessing.set_start_method("spawn", force=True)
        process._inheriting = True
        try:
            with stage("import"):
                exec(compile(text, path, "exec", dont_inherit=True), vars(script))
            yield script
        finally:
            del process._inheriting
            sys.modules.update({name: module for name, module in former.items() if module is not None})

    @contextlib.contextmanager
    def without(self, module: str) -> Iterator[None]:
        """As in a worker that does not have the module."""
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if (name + ".").startswith(module + ".")}
        self.overlay.barred = module
        try:
            yield
        finally:
            self.overlay.barred = ""
            sys.modules.update(hidden)


def dump(world: World, task: Json) -> Json:
    if task["kind"] == "import":
        world.modules.get(task["module"])
        return {"stage": "crossed", "note": ""}
    parcels, facts = SUBJECTS[task["kind"]].dump(world, task)
    return {"stage": "dumped", "parcels": [encoded(p) for p in parcels], "facts": facts}


def load(world: World, task: Json) -> Json:
    around: Any = contextlib.nullcontext()
    if task["kind"] == "value":
        around = world.without(task["module"])
    elif task["kind"] == "respawned":
        around = world.respawned(task["script"], world.overlay.source(task["script"]))
    with stage("load"), around:
        loaded = [pickle.loads(decoded(p)) for p in task["parcels"]]
        return {"stage": "crossed", "note": SUBJECTS[task["kind"]].check(world, task, loaded, task["facts"])}


def main(mode: str, path: str, out: str) -> None:
    with _open(path, encoding="utf-8") as file:
        tasks = json.load(file)
    confine(tasks["parent"], tasks["megabytes"])
    answers = Answers(out)
    answers.write(ready=_ME)
    world = World(tasks, answers, os.path.dirname(os.path.abspath(path)))
    sys.dont_write_bytecode = True
    sys.path[:0] = tasks["roots"]
    sys.meta_path.insert(0, world.overlay)
    sys.argv[:] = [""]
    step = dump if mode == "dump" else load
    for task in tasks["tasks"]:
        answers.write(begin=task["id"])
        try:
            answers.write(done=task["id"], **step(world, task))
        except Failure as failure:
            answers.write(done=task["id"], stage=failure.stage, error=failure.error)
        except BaseException as error:
            answers.write(done=task["id"], stage="build", error=told(error))


if __name__ == "__main__":
    # What user code sees as __main__ must not be this file: it is another program there, in the worker as here.
    probe, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
    status = 1
    try:
        main(*sys.argv[1:])
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(status)  # threads and exit handlers of user code are not part of the proof
