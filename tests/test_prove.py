"""The proof, run for real: every test starts interpreters, and looks at verdicts and at the tree."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fixpickle.model import (
    ByExpression,
    ByReference,
    ByState,
    ByValue,
    Edit,
    Evidence,
    Finding,
    FromScript,
    Ground,
    Instance,
    NewFile,
    Origin,
    Patch,
    Proved,
    Reach,
    Refuted,
    Settings,
    Span,
    Subject,
    Unproved,
    Verdict,
    WorkerState,
)
from fixpickle.verify import examine, prove

LOCKED = """\
import threading
import runtime


class Account:
    def __init__(self, owner="nobody"):
        self.owner = owner
        self.__lock = threading.Lock()


def work():
    return lambda row: row + 1
"""
RUNTIME = """\
import threading


class Lock:
    def __init__(self):
        self._lock = threading.Lock()

    def acquire(self, blocking=True):
        return self._lock.acquire(blocking)

    def release(self):
        self._lock.release()

    def __reduce__(self):
        return (Lock, ())
"""
MAKER = ByState("bank", "Account", "__lock", "threading.Lock()", "runtime.Lock()")
NAMED = ByReference("bank", "_work", Origin("<lambda>", 12))


class Tree:
    """A directory of sources, the patches made for it, and a digest of all that is in it."""

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        self.root = root
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.texts = {root / name: text for name, text in files.items()}
        self.state = self.everything()

    def everything(self) -> dict[str, bytes | None]:
        return {str(p): p.read_bytes() if p.is_file() else None for p in sorted(self.root.rglob("*"))}

    def patch(
        self, name: str, changes: Sequence[tuple[str, str]], *subjects: Subject, new: Mapping[str, str] | None = None
    ) -> Patch:
        path = self.root / name
        text = self.texts[path]
        edits = tuple(Edit(path, text.index(a), text.index(a) + len(a), b) for a, b in changes)
        reach = Reach(Evidence.BOUNDARY, ("a test",))
        finding = Finding("seeded", path, Span(0, 1, 1, 1), "seeded", reach)
        files = tuple(NewFile(self.root / n, t) for n, t in (new or {}).items())
        return Patch(finding, edits, files, subjects)

    def compose(self, patches: Sequence[Patch]) -> dict[Path, str]:
        texts = dict(self.texts)
        for edit in sorted((e for p in patches for e in p.edits), reverse=True):
            texts[edit.path] = texts[edit.path][: edit.start] + edit.text + texts[edit.path][edit.end :]
        return texts | {n.path: n.text for p in patches for n in p.new_files}

    def prove(self, *patches: Patch, scripts: Sequence[str] = (), **settings: object) -> tuple[Verdict, ...]:
        options = {"root": self.root, "python": Path(sys.executable), "time_limit": 20.0, **settings}
        ground = Ground((self.root,), {Path(s).stem: self.root / s for s in scripts})
        verdicts = prove(patches, self.texts, self.compose, ground, Settings(**options))  # type: ignore[arg-type]
        assert self.everything() == self.state, "the proof wrote into the user's tree"
        return verdicts


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Tree]:
    return lambda **files: Tree(tmp_path / "src", {n.replace("__", "/") + ".py": t for n, t in files.items()})


def naming(tree: Tree) -> Patch:
    changes = [
        (
            "def work():\n    return lambda row: row + 1",
            "def _work(row):\n    return row + 1\n\n\ndef work():\n    return _work",
        )
    ]
    return tree.patch("bank.py", changes, NAMED)


def locking(tree: Tree, runtime: str = "runtime.Lock()") -> Patch:
    return tree.patch("bank.py", [("threading.Lock()", runtime)], MAKER)


# --- what is proved -------------------------------------------------------------------------------------------------


def test_a_batch_is_proved_and_says_how_it_failed_before(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED, runtime=RUNTIME)
    named, locked = there.prove(naming(there), locking(there))
    assert isinstance(named, Proved) and named.how == "bank._work by reference"
    assert re.match("(AttributeError|PicklingError): Can't", named.before) and "work.<locals>.<lambda>" in named.before
    assert isinstance(locked, Proved) and locked.how == "an instance from its constructor"
    assert "cannot pickle '_thread.lock' object" in locked.before


HOOKED = """\
class Store:
    def __init__(self, path="a"):
        self.path = path
        self._db = None

    def __getstate__(self):
        return {**vars(self), "_db": None}
"""


def test_what_is_dropped_is_put_there_first_for_none_proves_nothing(tree: Callable[..., Tree]) -> None:
    there = tree(store=HOOKED.partition("\n    def __getstate__")[0] + "\n")
    hooks = there.texts[there.root / "store.py"]
    stand_in = "(_ for _ in ())"
    empty = there.patch("store.py", [(hooks, HOOKED)], ByState("store", "Store", "_db", "None", "None"))
    full = ByState("store", "Store", "_db", stand_in, stand_in, dropped=True)
    (nothing,) = there.prove(empty)
    (verdict,) = there.prove(there.patch("store.py", [(hooks, HOOKED)], full))
    assert isinstance(nothing, Unproved) and nothing.reason == "it already crossed before the change"
    assert isinstance(verdict, Proved) and "generator" in verdict.before
    assert verdict.how.endswith("from its constructor, something that cannot be pickled put in _db")


def test_what_is_dropped_and_arrives_is_refuted(tree: Callable[..., Tree]) -> None:
    there = tree(store=HOOKED.partition("\n    def __getstate__")[0] + "\n")
    hooks = there.texts[there.root / "store.py"]
    kept = HOOKED.replace('"_db": None', '"_db": 1')
    subject = ByState("store", "Store", "_db", "(_ for _ in ())", "(_ for _ in ())", dropped=True)
    (verdict,) = there.prove(there.patch("store.py", [(hooks, kept)], subject))
    assert isinstance(verdict, Refuted) and "_db arrives as builtins:int" in verdict.reason


def test_attributes_that_the_touched_one_is_made_from_are_given_first(tree: Callable[..., Tree]) -> None:
    text = "class Reader:\n    def __init__(self, path):\n        self.path = path\n        self.file = open(path)\n"
    hooks = (
        "\n    def __getstate__(self):\n        return {**vars(self), 'file': self.file.tell()}\n"
        "\n    def __setstate__(self, state):\n        vars(self).update(state)\n        self.file = open(self.path)\n"
    )
    there = tree(reader=text)
    subject = ByState("reader", "Reader", "file", "open(self.path)", "open(self.path)", holds=(("path", "__file__"),))
    (verdict,) = there.prove(there.patch("reader.py", [(text, text + hooks)], subject))
    assert isinstance(verdict, Proved) and verdict.how == "an instance holding only what the fix touches"


def test_no_patches_give_no_verdicts(tree: Callable[..., Tree]) -> None:
    assert tree(bank=LOCKED).prove() == ()


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_any_interpreter_of_the_user_will_do(tree: Callable[..., Tree], version: str) -> None:
    python = shutil.which(f"python{version}")
    there = tree(bank=LOCKED, runtime=RUNTIME)
    if python is None:
        pytest.skip(f"there is no python{version} here")
    verdicts = there.prove(naming(there), locking(there), python=Path(python))
    if all(isinstance(v, Unproved) and "before the proof began" in v.reason for v in verdicts):
        pytest.skip(f"python{version} does not start here")
    assert [type(v) for v in verdicts] == [Proved, Proved]


def test_a_module_that_is_not_on_disk_yet_is_served_from_memory(tree: Callable[..., Tree]) -> None:
    there = tree(pkg____init__="", pkg__bank=LOCKED.replace("import runtime\n", ""))
    subject = ByState("pkg.bank", "Account", "__lock", "threading.Lock()", "Lock()")
    changes = [
        ("import threading\n", "import threading\nfrom pkg._vendored.locks import Lock\n"),
        ("threading.Lock()", "Lock()"),
    ]
    new = {"pkg/_vendored/__init__.py": "", "pkg/_vendored/locks.py": RUNTIME}
    (verdict,) = there.prove(there.patch("pkg/bank.py", changes, subject, new=new))
    assert isinstance(verdict, Proved)


def test_get_source_gives_the_patched_text(tree: Callable[..., Tree]) -> None:
    there = tree(m="import inspect\n\n\ndef f():\n    return (lambda: 1)\n")
    changes = [
        (
            "    return (lambda: 1)\n",
            "    return g\n\n\ndef g():\n    return 1\n\n\nassert 'return 1' in inspect.getsource(g)\n",
        )
    ]
    (verdict,) = there.prove(there.patch("m.py", changes, ByReference("m", "g", Origin("<lambda>", 5))))
    assert isinstance(verdict, Proved)


def test_bound_arguments_are_part_of_the_proof(tree: Callable[..., Tree]) -> None:
    whole = "    def add(x, *, y=0):\n        return x + y + n\n    return add\n"
    there = tree(m="from functools import partial\ndef f(n):\n" + whole)
    lifted = "    return partial(_add, n)\n\n\ndef _add(n, /, x, *, y=0):\n    return x + y + n\n"
    patch = there.patch("m.py", [(whole, lifted)], ByReference("m", "_add", Origin("add", 3), bound=1))
    (verdict,) = there.prove(patch)
    assert isinstance(verdict, Proved)
    assert "f.<locals>.add" in verdict.before


def test_a_local_class_is_proved_with_an_instance(tree: Callable[..., Tree]) -> None:
    there = tree(m="def f():\n    class Row:\n        x = 1\n    return Row\n")
    patch = there.patch(
        "m.py",
        [("def f():\n    class Row:\n        x = 1\n", "class Row:\n    x = 1\n\n\ndef f():\n")],
        ByReference("m", "Row", Origin("Row", 2)),
    )
    (verdict,) = there.prove(patch)
    assert isinstance(verdict, Proved)
    assert "f.<locals>.Row" in verdict.before
    assert verdict.how == "m.Row by reference; and an empty instance of it"


def test_a_class_that_needs_arguments_is_proved_by_what_the_fix_touches(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED.replace('owner="nobody"', "owner"), runtime=RUNTIME)
    (verdict,) = there.prove(locking(there))
    assert isinstance(verdict, Proved)
    assert verdict.how == "an instance holding only what the fix touches"


def test_the_users_factory_comes_first(tree: Callable[..., Tree]) -> None:
    making = "from bank import Account\n\n\ndef account():\n    return Account('me')\n"
    there = tree(bank=LOCKED, runtime=RUNTIME, making=making)
    (verdict,) = there.prove(locking(there), factories={"bank:Account": "making:account"})
    assert isinstance(verdict, Proved)
    assert verdict.how == "an instance from your factory making:account"


def test_an_obstacle_that_is_left_in_the_whole_object_is_named_by_its_path(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED.replace("= owner", "= owner, {'calls': [lambda: owner]}"), runtime=RUNTIME)
    settings = Settings(root=there.root, python=Path(sys.executable), time_limit=20.0)
    whole = [Instance("bank", "Account")]
    (verdict,) = examine(whole, {}, there.compose([locking(there)]), Ground((there.root,)), settings)
    assert isinstance(verdict, Refuted)
    assert "Account.owner[1]['calls'][0] is Account.__init__.<locals>.<lambda>, set in Account at bank.py:" in (
        verdict.reason
    )


SLOTTED = """\
import threading


class Slotted:
    __slots__ = ("lock",)

    def __init__(self, size):
        self.lock = threading.Lock()
"""
HOOKS = """

    def __getstate__(self):
        return 1

    def __setstate__(self, state):
        self.lock = threading.Lock()
"""


def test_slots_and_state_hooks_are_followed(tree: Callable[..., Tree]) -> None:
    there = tree(m=SLOTTED)
    subject = ByState("m", "Slotted", "lock", "threading.Lock()", "threading.Lock()")
    (verdict,) = there.prove(there.patch("m.py", [("threading.Lock()\n", "threading.Lock()" + HOOKS)], subject))
    assert isinstance(verdict, Proved)


def test_a_class_of_a_script_is_proved_from_its_trimmed_text(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED + "\n\nraise SystemExit('this is the work')\n", runtime=RUNTIME)
    named, locked = there.prove(naming(there), locking(there), scripts=["bank.py"])
    assert isinstance(named, Proved) and "work.<locals>.<lambda>" in named.before
    assert isinstance(locked, Proved) and locked.how == "an instance from its constructor"


def test_an_expression_is_evaluated_in_its_module(tree: Callable[..., Tree]) -> None:
    there = tree(m="from collections import defaultdict\nTABLE = defaultdict(lambda: 0)\n")
    subject = ByExpression("m", "TABLE", "TABLE")
    (verdict,) = there.prove(there.patch("m.py", [("lambda: 0", "int")], subject))
    assert isinstance(verdict, Proved)
    assert "<lambda>" in verdict.before


def test_a_function_shipped_by_value_arrives_where_its_module_is_absent(tree: Callable[..., Tree]) -> None:
    pytest.importorskip("cloudpickle")
    there = tree(
        m="import threading\nlock = threading.Lock()\n\n\ndef f():\n    with lock:\n        return 1\n", runtime=RUNTIME
    )
    changes = [("threading.Lock()", "runtime.Lock()"), ("import threading", "import runtime")]
    good = there.patch("m.py", changes, ByValue("m", "f"))
    (verdict,) = there.prove(good)
    assert isinstance(verdict, Proved)
    assert "cannot pickle '_thread.lock' object" in verdict.before


def test_a_script_is_proved_without_doing_its_work(tree: Callable[..., Tree], tmp_path: Path) -> None:
    traces = tmp_path / "worked"
    text = (
        "import pathlib\n\nFACTOR = 3\n\n\ndef triple(x):\n    return x * FACTOR\n\n\n"
        f"pathlib.Path({str(traces)!r}).touch()\n"
        f"if __name__ == '__main__':\n    pathlib.Path({str(traces)!r}).touch()\n"
    )
    there = tree(main=text)
    moved = "def triple(x):\n    return x * FACTOR\n"
    changes = [("FACTOR = 3\n\n\n" + moved, "from main_tasks import triple\n")]
    new = {"main_tasks.py": "FACTOR = 3\n\n\n" + moved}
    patch = there.patch("main.py", changes, FromScript(there.root / "main.py", "main_tasks", "triple"), new=new)
    (verdict,) = there.prove(patch, scripts=["main.py"])
    assert isinstance(verdict, Proved)
    assert re.match(r"AttributeError: (Can't get|module '__main__' has no) attribute 'triple'", verdict.before)
    assert not traces.exists()


PAIR = """\
import decimal
from joblib import Parallel as _Parallel, delayed as _delayed


class _Task:
    def __init__(self, function, precision):
        self.function, self.precision = function, precision

    def __call__(self, *args):
        with decimal.localcontext() as context:
            context.prec = self.precision
            return self.function(*args)


class Parallel(_Parallel):
    def __call__(self, tasks):
        precision = decimal.getcontext().prec
        return super().__call__((_Task(f, precision), a, k) for f, a, k in list(tasks))


delayed = _delayed
"""


def test_a_stateful_pair_is_proved_on_real_workers(tree: Callable[..., Tree]) -> None:
    pytest.importorskip("joblib")
    there = tree(pkg____init__="", pkg__m="from joblib import Parallel, delayed\n")
    patch = there.patch(
        "pkg/m.py",
        [("from joblib import", "from pkg._pair import")],
        WorkerState("pkg.m", ("Parallel", "delayed"), ("Parallel", "delayed"), "decimal"),
        new={"pkg/_pair.py": PAIR},
    )
    (verdict,) = there.prove(patch, time_limit=60.0)
    assert isinstance(verdict, Proved)
    assert verdict.before == "the decimal setting was lost in 20 of 20 tasks"
    assert "put it back" in verdict.how


# --- what is taken back, and nothing with it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seeded", "reason"),
    [
        ("raise ValueError('boom')", "ValueError: boom when importing bank"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt when importing bank"),
        ("sys.exit(3)", "SystemExit: 3 when importing bank"),
        ("os._exit(0)", "the interpreter ended early"),
        ("os.kill(os.getpid(), 9)", "the interpreter was killed by SIGKILL"),
        ("time.sleep(60)", "hung for 2 s"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError: "),
    ],
)
def test_the_patch_that_breaks_the_import_is_blamed_alone(tree: Callable[..., Tree], seeded: str, reason: str) -> None:
    other = "def f():\n    return lambda: 1\n"
    there = tree(bank=LOCKED + "import os, sys, time\nX = 1\n", runtime=RUNTIME, other=other)
    bad = there.patch("bank.py", [("X = 1", seeded)], ByExpression("bank", "X", "1"))
    lifted = [("lambda: 1", "_one\n\n\ndef _one():\n    return 1")]
    elsewhere = there.patch("other.py", lifted, ByReference("other", "_one", Origin("<lambda>", 2)))
    verdicts = there.prove(locking(there), bad, naming(there), elsewhere, time_limit=2.0)
    assert [type(v) for v in verdicts] == [Proved, Refuted, Proved, Proved]
    assert isinstance(verdicts[1], Refuted) and reason in verdicts[1].reason
    assert verdicts[1].before == "it did not fail before"


@pytest.mark.parametrize(
    "seeded",
    [
        "os.fork()",
        "os.closerange(3, 256)",
        "[os.close(fd) for fd in (0, 1, 2)]",
        "print('x' * 100000); print('y', file=sys.stderr)",
        "os.chdir('/')",
        "sys.setrecursionlimit(150)",
        "__import__('threading').Thread(target=time.sleep, args=(99,)).start()",
    ],
)
def test_rude_modules_are_put_up_with(tree: Callable[..., Tree], seeded: str) -> None:
    there = tree(bank=f"import os, sys, time\n{seeded}\n" + LOCKED, runtime=RUNTIME)
    (verdict,) = there.prove(locking(there))
    assert isinstance(verdict, Proved)


def test_a_fix_that_parses_but_still_does_not_pickle_is_refuted(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED, runtime=RUNTIME)
    subject = ByState("bank", "Account", "__lock", "threading.Lock()", "threading.RLock()")
    bad = there.patch("bank.py", [("threading.Lock()", "threading.RLock()")], subject)
    verdicts = there.prove(bad, naming(there))
    assert isinstance(verdicts[0], Refuted) and "cannot pickle '_thread.RLock' object" in verdicts[0].reason
    assert "cannot pickle '_thread.lock' object" in verdicts[0].before
    assert isinstance(verdicts[1], Proved)


def test_a_lock_that_arrives_held_is_refuted(tree: Callable[..., Tree]) -> None:
    held = RUNTIME.replace("return (Lock, ())", "return (_held, ())") + (
        "\n\ndef _held():\n    lock = Lock()\n    lock.acquire()\n    return lock\n"
    )
    there = tree(bank=LOCKED, runtime=held)
    (verdict,) = there.prove(locking(there))
    assert isinstance(verdict, Refuted) and verdict.reason == "_Account__lock arrives locked"


def test_a_constructor_that_no_longer_works_refutes_though_a_part_would_cross(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED, runtime=RUNTIME)
    subject = ByState("bank", "Account", "__lock", "threading.Lock()", "runtime.Lock()")
    (verdict,) = there.prove(there.patch("bank.py", [("threading.Lock()", "runtime.Look()")], subject))
    assert isinstance(verdict, Refuted) and "Look" in verdict.reason


def test_a_definition_that_is_not_where_the_fix_says_is_refuted(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED, runtime=RUNTIME)
    patch = there.patch("bank.py", [("row + 1", "row + 2")], NAMED)
    (verdict,) = there.prove(patch)
    assert isinstance(verdict, Refuted) and "_work" in verdict.reason


def test_two_patches_that_break_only_together_cost_one_of_them(tree: Callable[..., Tree]) -> None:
    text = "A = B = 0\n\n\ndef f():\n    return lambda: 1\n\n\ndef g():\n    return lambda: 2\nif A and B: raise A\n"
    there = tree(m=text)
    one = there.patch(
        "m.py",
        [("A = B = 0", "A, B = 1, 0\n\n\ndef _f():\n    return 1\n")],
        ByReference("m", "_f", Origin("<lambda>", 5)),
    )
    two = there.patch(
        "m.py",
        [("if A", "B = 1\n\n\ndef _g():\n    return 2\n\n\nif A")],
        ByReference("m", "_g", Origin("<lambda>", 9)),
    )
    verdicts = there.prove(one, two)
    assert [type(v) for v in verdicts] == [Proved, Refuted]


def test_a_patch_without_subjects_is_refuted_where_it_breaks_the_import(tree: Callable[..., Tree]) -> None:
    there = tree(m="X = 1\n", n="Y = 1\n")
    broken, fine = there.prove(there.patch("m.py", [("1", "z")]), there.patch("n.py", [("1", "2")]))
    assert isinstance(broken, Refuted) and broken.reason.startswith(
        "NameError: name 'z' is not defined when importing m"
    )
    assert fine == Unproved("the fix names nothing to pickle as proof")


def test_what_arrives_as_a_copy_is_not_by_reference(tree: Callable[..., Tree]) -> None:
    there = tree(m="class Adder:\n    def __call__(self, x):\n        return x\n\n\nadd = lambda x: x\n")
    patch = there.patch("m.py", [("lambda x: x", "Adder()")], ByReference("m", "add", Origin("<lambda>", 6)))
    (verdict,) = there.prove(patch)
    assert isinstance(verdict, Refuted) and verdict.reason == "it arrives as another object than m.add"


def test_a_by_value_subject_that_needs_its_module_is_refuted(tree: Callable[..., Tree]) -> None:
    pytest.importorskip("cloudpickle")
    token = "class Token:\n    def __reduce__(self):\n        return __import__, ('m',)\n\n\n"
    there = tree(m=f"import threading\n{token}lock = threading.Lock()\n\n\ndef f():\n    return lock\n")
    (verdict,) = there.prove(there.patch("m.py", [("threading.Lock()", "Token()")], ByValue("m", "f")))
    assert isinstance(verdict, Refuted) and verdict.reason == "ModuleNotFoundError: No module named 'm'"


# --- what cannot be proved ------------------------------------------------------------------------------------------


def test_a_missing_dependency_leaves_it_unproved(tree: Callable[..., Tree]) -> None:
    there = tree(bank="import no_such_module\n" + LOCKED, runtime=RUNTIME)
    (verdict,) = there.prove(locking(there))
    assert isinstance(verdict, Unproved)
    assert (
        verdict.reason
        == f"ModuleNotFoundError: No module named 'no_such_module' when importing bank in {sys.executable}"
    )


def test_what_hung_before_as_well_is_unproved(tree: Callable[..., Tree]) -> None:
    there = tree(bank="import time\ntime.sleep(60)\n" + LOCKED, runtime=RUNTIME)
    (verdict,) = there.prove(locking(there), time_limit=1.0)
    assert verdict == Unproved("hung for 1 s when importing bank", "hung for 1 s when importing bank")


def test_a_constructor_that_hangs_leaves_the_part_to_be_proved(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED.replace("= owner\n", "= __import__('time').sleep(60)\n"), runtime=RUNTIME)
    (verdict,) = there.prove(locking(there), time_limit=1.0)
    assert isinstance(verdict, Proved) and verdict.how == "an instance holding only what the fix touches"


def test_what_crossed_before_is_not_claimed(tree: Callable[..., Tree]) -> None:
    there = tree(m="from collections import defaultdict\nTABLE = defaultdict(int)\n")
    (verdict,) = there.prove(there.patch("m.py", [("int", "float")], ByExpression("m", "TABLE", "TABLE")))
    assert verdict == Unproved("it already crossed before the change")


@pytest.mark.parametrize("python", ["/nonexistent/python", "/bin/false"])
def test_without_an_interpreter_everything_is_unproved(tree: Callable[..., Tree], python: str) -> None:
    there = tree(bank=LOCKED, runtime=RUNTIME)
    verdicts = there.prove(naming(there), locking(there), python=Path(python))
    assert len(verdicts) == 2
    assert all(isinstance(v, Unproved) and python in v.reason for v in verdicts)


def test_without_cloudpickle_a_by_value_subject_is_unproved(tree: Callable[..., Tree], tmp_path: Path) -> None:
    there = tree(m="import threading\nlock = threading.Lock()\n\n\ndef f():\n    return lock\n", runtime=RUNTIME)
    for name in ("cloudpickle", "joblib", "ray"):
        (tmp_path / "src" / f"{name}.py").write_text("raise ImportError\n")
    there.state = there.everything()
    (verdict,) = there.prove(
        there.patch("m.py", [("threading.Lock()", "__import__('runtime').Lock()")], ByValue("m", "f"))
    )
    assert verdict == Unproved(*[f"cloudpickle is not installed in {sys.executable}"] * 2)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS")
def test_memory_is_limited(tree: Callable[..., Tree]) -> None:
    there = tree(m="X = 1\n\n\ndef f():\n    return lambda: 1\n")
    patch = there.patch("m.py", [("X = 1", "X = bytearray(2 << 30)")], ByExpression("m", "f()", "1"))
    (verdict,) = there.prove(patch, memory_limit=1024)
    assert isinstance(verdict, Refuted) and "MemoryError" in verdict.reason
    assert verdict.reason.endswith(f"in {sys.executable}, to which `memory-limit` gives 1024 MB")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS")
@pytest.mark.parametrize(
    ("error", "end"),
    [
        ("ImportError('libx.so: failed to map segment from shared object')", ", to which `memory-limit` gives 1024 MB"),
        ("ImportError('libx.so: cannot open shared object file')", ""),
    ],
)
def test_a_library_that_finds_no_room_names_the_limit(tree: Callable[..., Tree], error: str, end: str) -> None:
    there = tree(m=f"raise {error}\n\n\ndef f():\n    return lambda: 1\n")
    patch = there.patch("m.py", [("lambda: 1", "f")], ByExpression("m", "f()", "1"))
    (verdict,) = there.prove(patch, memory_limit=1024)
    assert isinstance(verdict, Unproved) and verdict.reason.endswith(f"when importing m in {sys.executable}{end}")


# --- what crosses, and is not what it was ---------------------------------------------------------------------------

COUNTER = """\
import threading


class Counter:
    def __init__(self, start=3):
        self.count = start
        self.names = ["a", {"b": 1.5}]
        self.lock = threading.Lock()
"""
DROPS = """
    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k != "lock"}

    def __setstate__(self, state):
        vars(self).update(state)
        self.lock = threading.Lock()
"""
LOCK = ByState("m", "Counter", "lock", "threading.Lock()", "threading.Lock()")


def hooked(there: Tree, hooks: str, text: str = COUNTER) -> Patch:
    return there.patch("m.py", [(text, text + hooks)], LOCK)


def test_state_that_arrives_as_it_was_is_proved(tree: Callable[..., Tree]) -> None:
    there = tree(m=COUNTER)
    (verdict,) = there.prove(hooked(there, DROPS))
    assert isinstance(verdict, Proved) and verdict.unexercised == "its methods were not called"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("        self.lock", "        self.count = 0\n        self.lock", "count was 3 and is 0"),
        ("update(state)", "update(state, names=['a', {'b': 1}])", "names was list('a', {'b': 1.5, }, ) and is list("),
        ('k != "lock"', 'k not in ("lock", "count")', "count was 3 and is nothing"),
        ("        return", "        self.count += 1\n        return", "pickling changes nothing: count was 3 and is"),
        ("threading.Lock()\n", "threading.RLock()\n", "lock arrives as _thread:RLock"),
    ],
)
def test_what_behaves_differently_after_loading_is_refuted(
    tree: Callable[..., Tree], old: str, new: str, reason: str
) -> None:
    there = tree(m=COUNTER)
    (verdict,) = there.prove(hooked(there, DROPS.replace(old, new)))
    assert isinstance(verdict, Refuted) and reason in verdict.reason


def test_what_works_once_and_not_twice_is_refuted(tree: Callable[..., Tree]) -> None:
    there = tree(m=COUNTER)
    once = DROPS.replace("        return", "        vars(self).pop('lock').acquire()\n        return", 1)
    (verdict,) = there.prove(hooked(there, once))
    assert isinstance(verdict, Refuted) and "KeyError: 'lock'" in verdict.reason


def test_what_could_be_copied_and_cannot_any_more_is_refuted(tree: Callable[..., Tree]) -> None:
    copies = COUNTER + "\n    def __deepcopy__(self, memo):\n        return Counter(self.count)\n"
    there = tree(m=copies)
    (verdict,) = there.prove(
        hooked(there, DROPS + "\n    def __deepcopy__(self, memo):\n        raise TypeError\n", copies)
    )
    assert isinstance(verdict, Refuted) and verdict.reason.startswith("deepcopy: ")


def test_a_class_with_hooks_of_its_own_may_leave_out_what_it_wants(tree: Callable[..., Tree]) -> None:
    text = COUNTER.replace("threading.Lock()", "lambda: 1")
    text += "\n    def __getstate__(self):\n        return {**vars(self), 'count': 0}\n"
    there = tree(m=text)
    subject = ByState("m", "Counter", "lock", "lambda: 1", "_one")
    lifted = [("lambda: 1", "_one"), ("class Counter", "def _one():\n    return 1\n\n\nclass Counter")]
    (verdict,) = there.prove(there.patch("m.py", lifted, subject))
    assert isinstance(verdict, Proved)


def test_a_lock_that_is_not_of_its_kind_any_more_is_refuted(tree: Callable[..., Tree]) -> None:
    there = tree(bank=LOCKED, runtime=RUNTIME.replace("threading.Lock()", "threading.RLock()"))
    (verdict,) = there.prove(locking(there))
    assert isinstance(verdict, Refuted) and verdict.reason == "__lock is not re-entrant: it is"
    free = RUNTIME.replace("return self._lock.acquire(blocking)", "return True").replace("self._lock.release()", "pass")
    there = tree(bank=LOCKED, runtime=free)
    (verdict,) = there.prove(locking(there))
    assert isinstance(verdict, Refuted) and verdict.reason == "__lock excludes other threads: it does not"


NEEDS = """\
import enum, pathlib, threading, typing
from dataclasses import dataclass


class Mode(enum.Enum):
    FAST = 1


@dataclass
class Size:
    width: int
    unit: "typing.Literal['mm', 'cm']"


class Counter:
    def __init__(self, start: int, path: pathlib.Path, mode: Mode, size: Size, names: "list[str]",
                 pair: typing.Tuple[int, str], maybe: typing.Optional[float], *, deep: typing.Dict[str, int]):
        self.held = (start, path, mode, size.width + start, size.unit, names, pair, maybe, deep)
        self.lock = threading.Lock()
"""


def test_arguments_that_their_annotations_make_obvious_are_made_up(tree: Callable[..., Tree]) -> None:
    there = tree(m=NEEDS)
    (verdict,) = there.prove(hooked(there, DROPS, NEEDS))
    assert isinstance(verdict, Proved)
    assert verdict.how == "an instance from its constructor, with made-up arguments"
    (verdict,) = there.prove(hooked(there, DROPS.replace("update(state)", "update(state, held=1)"), NEEDS))
    assert isinstance(verdict, Refuted) and "held was tuple(1, " in verdict.reason


def test_fixtures_and_doctests_are_factories_too(tree: Callable[..., Tree]) -> None:
    text = COUNTER.replace("start=3", "start")
    making = (
        "import pytest\nfrom m import Counter\n\n\n@pytest.fixture\ndef seven():\n    return 7\n\n\n"
        "@pytest.fixture\ndef counter(seven):\n    yield Counter(seven)\n\n\n"
        'def make():\n    """\n    >>> made = Counter(8)\n    >>> made.count\n    8\n    """\n'
    )
    for factory in ("making:counter", "making:make#made"):
        there = tree(m=text, making=making)
        (verdict,) = there.prove(hooked(there, DROPS, text), factories={"m:Counter": factory})
        assert isinstance(verdict, Proved) and verdict.how == f"an instance from your factory {factory}"


def test_the_pickler_of_the_boundary_is_tried_besides(tree: Callable[..., Tree]) -> None:
    pytest.importorskip("joblib")
    for boundary, how in (
        ("joblib.dump", "with joblib.dump, too"),
        ("torch.save", "not tried: torch.save is not there"),
    ):
        there = tree(m=COUNTER)
        patch = hooked(there, DROPS)
        reach = Reach(Evidence.BOUNDARY, (f"passed to {boundary} at line 9",))
        (verdict,) = there.prove(replace(patch, finding=replace(patch.finding, reach=reach)))
        assert isinstance(verdict, Proved) and how in verdict.how


def test_an_instance_is_used_first_where_that_is_asked_for(tree: Callable[..., Tree]) -> None:
    text = COUNTER + "\n    def start(self):\n        self.worker = (x for x in ())\n"
    there = tree(m=text)
    assert isinstance(there.prove(hooked(there, DROPS, text))[0], Proved)
    settings = Settings(root=there.root, python=Path(sys.executable), time_limit=20.0, prove_used=True)
    after = there.compose([hooked(there, DROPS, text)])
    (verdict,) = examine([Instance("m", "Counter")], {}, after, Ground((there.root,)), settings)
    assert isinstance(verdict, Refuted) and "Counter.worker is a generator" in verdict.reason


@pytest.mark.parametrize(
    "command", ["pytest -q make_test.py", "python -m pytest -q make_test.py", "python make_test.py"]
)
def test_instances_that_the_projects_tests_make_are_subjects(
    tree: Callable[..., Tree], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    text = COUNTER.replace("start=3", "start")
    tests = (
        "from m import Counter\n\n\ndef test_it():\n    assert [Counter(n) for n in range(9)]\n\n\ntest_it()\n1 / 0\n"
    )
    there = tree(m=text, make_test=tests if command == "python make_test.py" else tests.partition("\n\n\ntest_it()")[0])
    monkeypatch.chdir(there.root)
    (verdict,) = there.prove(hooked(there, DROPS, text), prove_with=command)
    assert isinstance(verdict, Proved) and verdict.how == f"an instance that `{command}` made; and 4 more"
    (verdict,) = there.prove(
        hooked(there, DROPS.replace("update(state)", "update(state, count=0)"), text), prove_with=command
    )
    assert isinstance(verdict, Refuted) and "count was 1 and is 0" in verdict.reason


@pytest.mark.parametrize("command", ["python -c 1", "no_such_module", "python die.py", "'"])
def test_a_command_that_makes_none_costs_no_other_subject(
    tree: Callable[..., Tree], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    there = tree(m=COUNTER, die="import os\n\n\ndef main():\n    os._exit(3)\n\n\nmain()\n")
    monkeypatch.chdir(there.root)
    (verdict,) = there.prove(hooked(there, DROPS), prove_with=command)
    assert isinstance(verdict, Proved) and verdict.how == "an instance from its constructor"
