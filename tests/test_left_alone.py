"""Objects that are left as they are: found with `--reach any` alone, each with the reason."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import pytest

from fixpickle.model import Evidence, Finding, Safety, Source
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.survey import Facts, survey

RULES = [rule for rule in load_rules() if rule.name in ("bare-lock", "bare-primitive")]


def surveyed(text: str, module: str = "kept") -> Facts:
    code = "import threading\n" + textwrap.dedent(text)
    digest = hashlib.sha256(code.encode()).hexdigest()
    path = Path("/p", *module.split(".")).with_suffix(".py")
    facts = survey(Source(path, code, "utf-8", "\n", False, digest, module, Path("/p")))
    assert isinstance(facts, Facts)
    return facts


def found(text: str, *others: Facts) -> list[Finding]:
    facts = surveyed(text)
    return [f for rule in RULES for f in rule.find(Project([facts, *others]), facts)]


def kept(line: str, *, base: str = "", imports: str = "", body: str = "pass") -> str:
    """A class with a lock and that line in its constructor."""
    method = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    constructor = f"    def __init__(self):\n        self.lock = threading.Lock()\n        {line}"
    return f"{imports}\nclass Kept({base}):\n{constructor}\n{method}\n"


ID = "self.seen = {}"
BEGIN = """
    def begin(self):
        thread = threading.Thread(target=self.work)
        thread.start()

    def work(self): pass
"""
WORKER = "class Worker:\n    def __init__(self):\n        self.t = threading.Thread(target=print)\n\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (kept("pass", base="socketserver.ThreadingTCPServer", imports="import socketserver"), "it is a socketserver"),
        (
            kept("self.s = HTTPServer(('', 0), None)", imports="from http.server import HTTPServer"),
            "HTTPServer in self.s",
        ),
        (kept("self.t = threading.Thread(target=print)"), "it keeps a threading.Thread in self.t"),
        (kept("self.t = [threading.Thread() for _ in range(3)]"), "it keeps a threading.Thread in self.t"),
        (kept("self.t = {n: threading.Thread() for n in 'ab'}"), "it keeps a threading.Thread in self.t"),
        (kept("self.plan = sched.scheduler()", imports="import sched"), "it keeps a sched.scheduler in self.plan"),
        (
            kept("self.t = self.begin()", body="def begin(self):\n    return threading.Thread(target=print)"),
            "it keeps a threading.Thread in self.t",
        ),
        (kept("self.begin()", body=BEGIN), "a thread of this process runs its work"),
        (kept("threading.Timer(5, self.work).start()", body="def work(self): pass"), "runs its work, and nobody waits"),
        (kept("threading.Thread(target=lambda: print(self)).start()"), "a thread of this process runs its lambda"),
        (f"{WORKER}{kept('self.w = Worker()')}", "it keeps a kept.Worker in self.w"),
        (
            f"{WORKER}class Office:\n    def __init__(self):\n        self.w = Worker()\n"
            f"{kept('self.o = Office()')}",
            "it keeps a kept.Office in self.o",
        ),
        (
            kept("pass", base="EchoServicer", imports="from echo_pb2_grpc import EchoServicer"),
            "it is a echo_pb2_grpc.EchoServicer",
        ),
        (kept("pass", base="io.RawIOBase", imports="import io"), "it is a io.RawIOBase"),
        (kept("pass", imports="import ray\n@ray.remote"), "ray.remote makes its instances in a process of their own"),
        (kept("pass", imports="import ray\n@ray.remote(num_cpus=1)"), "ray.remote makes its instances"),
        (kept("self.root = tkinter.Tk()", imports="import tkinter"), "its module drives a display (tkinter)"),
        (kept("pass", body="def __reduce__(self):\n    raise TypeError"), "Kept.__reduce__ raises on purpose"),
        (
            kept("pass", body="def __getstate__(self):\n    'No.'\n    raise TypeError('no')"),
            "Kept.__getstate__ raises",
        ),
        (kept(ID, body="def add(self, x):\n    self.seen[id(x)] = x"), "self.seen of Kept is keyed by id()"),
        (kept(ID, body="def get(self, x):\n    return self.seen.get(id(x))"), "self.seen of Kept is keyed by id()"),
        (
            kept(ID, body="def __contains__(self, x):\n    return id(x) in self.seen"),
            "self.seen of Kept is keyed by id()",
        ),
        (kept(ID, body="def add(self, x):\n    k = id(x)\n    self.seen[k] = x"), "self.seen of Kept is keyed by id()"),
        (kept(ID, body="def add(self, x, n):\n    self.seen[id(x), n] = x"), "self.seen of Kept is keyed by id()"),
        (kept("self.seen = {id(x): x for x in []}"), "self.seen of Kept is keyed by id()"),
    ],
)
def test_what_belongs_to_one_process_is_named_where_anything_is_asked_for(text: str, reason: str) -> None:
    (finding,) = found(text)
    assert finding.reach.evidence is Evidence.ANY
    assert finding.safety is Safety.MANUAL
    assert reason in finding.reason


@pytest.mark.parametrize(
    "text",
    [
        kept("self.t = []"),
        kept("pass", body=BEGIN),  # who has an object need not have it begin
        kept("self.begin()", body=BEGIN.replace("start()", "start(); thread.join()")),
        kept("threading.Thread(target=print).start()"),
        kept("threading.Timer(5, print).start()"),
        kept("pass", body="def all(self):\n    worker = threading.Thread(target=print)\n    worker.start()"),
        kept("pass", base="Echo", imports="from echo import Echo"),
        kept("pass", base="EchoServicer", imports="from echo import EchoServicer"),
        kept("self.begin()", imports="import ray", body="@ray.remote\ndef begin(self): pass"),
        kept(ID, body="def add(self, x, id):\n    self.seen[id(x)] = x"),
        kept(ID, body="def add(self, x):\n    self.seen['x'] = id(x)"),
        kept(ID, body="def add(self, x):\n    seen = {}\n    seen[id(x)] = x"),
        kept(ID, body="def add(self, x):\n    return self.seen.get('x', id(x))"),
        kept("pass", body="def __setstate__(self, state):\n    raise TypeError"),
    ],
)
def test_what_only_looks_like_it_is_fixed_as_before(text: str) -> None:
    (finding,) = found(text)
    assert (finding.reach.evidence, finding.reason) == (Evidence.STATE, "")


def test_a_hook_that_leaves_the_keys_out_makes_them_harmless() -> None:
    body = """
        def __getstate__(self):
            state = self.__dict__.copy()
            state["seen"] = {}
            return state

        def get(self, x):
            return self.seen.get(id(x))
    """
    (finding,) = found(kept(ID, body=body))
    assert finding.reason == ""


def test_a_lock_of_a_base_stays_for_the_keys_of_a_class_below_it() -> None:
    below = "class Below(Kept):\n    def get(self, x):\n        return self.memo.get(id(x))\n"
    (finding,) = found(kept("pass") + below)
    assert finding.reason == "self.memo of Below is keyed by id(), which means nothing in another process"


def test_a_hook_that_raises_in_a_base_is_not_asked_where_the_class_has_its_own() -> None:
    base = "class Base:\n    def __reduce__(self):\n        raise TypeError\n\n"
    own = "def __reduce__(self):\n    return Kept, ()"
    assert found(base + kept("pass", base="Base", body=own)) == []


def test_what_makes_its_thread_anew_is_no_reason_to_leave_who_keeps_it() -> None:
    makes, takes = (
        "def __getstate__(self):\n        return {}",
        "def __setstate__(self, state):\n        self.__init__()",
    )
    (finding,) = found(f"{WORKER}    {makes}\n\n    {takes}\n\n" + kept("self.w = Worker()"))
    assert (finding.reach.evidence, finding.reason) == (Evidence.STATE, "")


# --- in a package ---------------------------------------------------------------------------------------------------


def packaged(**modules: str) -> list[Finding]:
    """What is found in a package `p` of these modules."""
    named = {"__init__": "", **modules}
    facts = [_surveyed(name, "import threading\n" + textwrap.dedent(text)) for name, text in named.items()]
    project = Project(facts)
    return [f for rule in RULES for one in facts for f in rule.find(project, one)]


def _surveyed(name: str, code: str) -> Facts:
    module = "p" if name == "__init__" else f"p.{name}"
    digest = hashlib.sha256(code.encode()).hexdigest()
    facts = survey(Source(Path(f"/p/p/{name}.py"), code, "utf-8", "\n", False, digest, module, Path("/p")))
    assert isinstance(facts, Facts)
    return facts


PART = kept("pass").replace("Kept", "_Part")


@pytest.mark.parametrize(
    "modules",
    [
        {"one": PART},
        {"_one": kept("pass")},
        {"_one": kept("pass"), "two": "from p import _one\ndef go():\n    _one.Kept().work()\n"},
        {"one": PART + "class Whole(threading.Thread):\n    def __init__(self):\n        self.part = _Part()\n"},
        {
            "one": PART
            + "class Whole:\n    def __init__(self):\n        self.p = _Part()\n    def __reduce__(self): ...\n"
        },
    ],
)
def test_a_part_that_nobody_outside_can_hold_is_left(modules: dict[str, str]) -> None:
    assert not [f for f in packaged(**modules) if f.reach.evidence is not Evidence.ANY]


@pytest.mark.parametrize(
    "modules",
    [
        {"one": kept("pass")},
        {"one": PART + "class Whole:\n    def __init__(self):\n        self.part = _Part()\n"},
        {"one": PART + "class Whole(_Part): pass\n"},
        {"one": PART + "def make():\n    return _Part()\n"},
        {"one": PART + "import pickle\ndef save():\n    return pickle.dumps(_Part())\n"},
        {"_one": kept("pass"), "two": "from p._one import Kept\n"},
        {"_one": kept("pass"), "__init__": "from p._one import Kept\n"},
    ],
)
def test_a_part_that_others_get_is_found(modules: dict[str, str]) -> None:
    (finding,) = packaged(**modules)
    assert finding.reach.evidence in (Evidence.STATE, Evidence.BOUNDARY)


def test_what_has_its_display_from_another_module_is_bound_to_it() -> None:
    compat = "try:\n    from PyQt6 import QtWidgets\nexcept ImportError:\n    from PySide6 import QtWidgets\n"
    (finding,) = packaged(compat=compat, window="from p.compat import QtWidgets\n" + kept("pass"))
    assert finding.reason == "its module drives a display (PyQt6), which belongs to one process"
    (other,) = packaged(compat=compat + "SIZE = 3\n", table="from p.compat import SIZE\n" + kept("pass"))
    assert other.reason == ""


# --- made, used and dropped -----------------------------------------------------------------------------------------

USES = {
    "with": "with Kept() as k:\n        k.work()",
    "with nothing": "with Kept():\n        pass",
    "called at once": "return Kept().work()",
    "asked": "k = Kept()\n    k.size = 3\n    if k:\n        return k.work(), k.size",
    "gone through": "k = Kept()\n    return [x for x in k]",
    "tested for": "k = Kept()\n    return k.work(isinstance(3, Kept))",
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_a_package_makes_uses_and_drops_is_left(use: str) -> None:
    found = packaged(one=kept("pass"), two=f"from p.one import Kept\ndef go():\n    {use}\n")
    assert not [f for f in found if f.reach.evidence is not Evidence.ANY]


OTHERS = {
    "returned": "return Kept()",
    "returned later": "k = Kept()\n    k.work()\n    return k",
    "handed on": "k = Kept()\n    print(k)",
    "its method handed on": "k = Kept()\n    print(key=k.work)",
    "put away": "k = Kept()\n    global known\n    known = [k]",
    "set on another": "other().kept = Kept()",
    "captured": "k = Kept()\n    return lambda: k.work()",
    "itself handed on": "print(Kept)\n    Kept().work()",
    "never made": "return isinstance(3, Kept)",
}


@pytest.mark.parametrize("use", OTHERS.values(), ids=OTHERS)
def test_what_others_may_get_of_a_public_class_is_found(use: str) -> None:
    (finding,) = packaged(one=kept("pass"), two=f"from p.one import Kept\ndef go():\n    {use}\n")
    assert finding.reach.evidence is Evidence.STATE


def test_what_a_package_exports_is_found_however_it_uses_it_itself() -> None:
    two = "from p.one import Kept\ndef go():\n    Kept().work()\n"
    (finding,) = packaged(one=kept("pass"), two=two, __init__="from p.one import Kept\n")
    assert finding.reach.evidence is Evidence.STATE
    (finding,) = packaged(one=f"__all__ = ['Kept']\n{kept('pass')}", two=two)
    assert finding.reach.evidence is Evidence.STATE
    (finding,) = packaged(one=kept("pass"), two=two, __init__="from p.one import Kept\n__all__ = ['Kept']\n")
    assert finding.reach.evidence is Evidence.STATE
    left = packaged(one=kept("pass"), two=two, __init__="from p.one import Kept\n__all__ = ['go']\n")
    assert not [f for f in left if f.reach.evidence is not Evidence.ANY]


def test_what_only_tests_make_use_and_drop_is_there_for_others() -> None:
    test = "from p.one import Kept\ndef test_it():\n    Kept().work()\n"
    (finding,) = packaged(one=kept("pass"), test_one=test)
    assert finding.reach.evidence is Evidence.STATE


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("self.t = []", "def go(self):\n    self.t.append(threading.Thread())"),
        ("self.t = {}", "def go(self):\n    thread = threading.Thread()\n    self.t['a'] = thread"),
    ],
)
def test_threads_that_are_put_into_what_an_object_keeps_count(line: str, body: str) -> None:
    (finding,) = found(kept(line, body=body))
    assert finding.reason == "it keeps a threading.Thread in self.t, which belongs to one process"


@pytest.mark.parametrize(("module", "left"), [("kept.types", True), ("other", False)])
def test_tests_for_the_type_of_a_lock_count_in_the_same_package(module: str, left: bool) -> None:
    tests = surveyed("LOCK = type(threading.Lock())\n", module)
    (finding,) = found(kept("pass"), tests)
    assert ("the type of a lock is tested for" in finding.reason) is left
