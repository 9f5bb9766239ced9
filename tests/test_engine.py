"""The flow with rules that are wrong on purpose: each is taken back, reported, and leaves the files as they were."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixpickle.engine import Outcome, Ports, run
from fixpickle.model import (
    ByExpression,
    ByState,
    Edit,
    Evidence,
    Finding,
    Fixed,
    Instance,
    Patch,
    Proved,
    Reach,
    Refusal,
    Refuted,
    RunReport,
    Safety,
    Settings,
    Span,
    Subject,
    TakenBack,
    Unproved,
)
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.rule import Rule, Workshop
from fixpickle.survey.facts import Facts
from fixpickle.verify import examine, prove

SEED = "VALUE = [lambda x: x]\n"


VALUE = ByExpression("pkg.m", "VALUE", "VALUE")


class Seeded:
    """Replaces the lambda of `SEED`, or the whole file, by something that is wrong in one way."""

    summary = "wrong on purpose"
    safety = Safety.SAFE

    def __init__(self, name: str, old: str, new: str, subject: Subject = VALUE) -> None:
        self.name, self.old, self.new, self.subject = name, old, new, subject

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        text = facts.path.read_text()
        if facts.path.name == "m.py" and self.old in text:
            start = text.index(self.old)
            reach = Reach(Evidence.STATE, ("seeded",))
            yield Finding(self.name, facts.path, Span(start, start + len(self.old), 1, start + 1), "seeded", reach)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        edit = Edit(finding.path, finding.span.start, finding.span.end, self.new)
        return Patch(finding, (edit,), subjects=(self.subject,))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "m.py").write_text(SEED)
    (tmp_path / "pkg" / "good.py").write_text(
        "import threading\n\n\nclass Good:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
    )
    return tmp_path


Fix = Callable[..., RunReport]


@pytest.fixture
def fixed(package: Path) -> Fix:
    def go(*rules: Rule, verify: bool = True, paths: tuple[str, ...] = ("pkg",), **more: Any) -> RunReport:
        settings = Settings(root=package, python=Path(sys.executable), verify=verify, time_limit=3.0, **more)
        ports = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda *_: None)
        return run([package / p for p in paths], settings, [*load_rules(), *rules], ports, fix=True)

    return go


STARTING = """\
import subprocess


def many():
    while True:
        subprocess.Popen(["sleep", "600"], start_new_session=True)
"""
NO_PICKLE = "(_ for _ in ())"
WORN = """\
import re


class Worn:
    def __init__(self):
        self.age = 1
        self.found = re.match("a", "a")
"""
WEAR = """
    def __getstate__(self):
        return {**vars(self), "found": None}

    def __setstate__(self, state):
        vars(self).update(state)
        self.age = state.get("age", 0) + 1
        self.found = None
"""


def test_a_fix_after_which_objects_arrive_as_others_is_taken_back_alone(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "m.py").write_text(WORN)
    before = {p: p.read_bytes() for p in package.rglob("*.py")}
    last = '        self.found = re.match("a", "a")\n'
    wears = Seeded("wears", last, last + WEAR, ByState("pkg.m", "Worn", "found", NO_PICKLE, NO_PICKLE, dropped=True))
    (back,) = fixed(wears).taken_back
    assert back.verdict.reason == "plain attributes arrive as they were: age was 1 and is 2"
    assert {p: p.read_bytes() for p in package.rglob("*.py")} == before


@pytest.mark.parametrize(
    ("name", "new", "reason"),
    [
        ("still-unpicklable", "(lambda x: x)", "Can't pickle"),
        ("breaks-import", "1 / 0", "ZeroDivisionError"),
        ("hangs", "__import__('time').sleep(60)", "3"),
        ("exits", "__import__('sys').exit(0)", "SystemExit"),
        ("dies", "__import__('os')._exit(3)", "exit status 3"),
        ("forks", "[__import__('os').fork() for _ in range(2)] and (lambda x: x)", "Can't pickle"),
        ("starts-processes", "__import__('pkg.starting').starting.many()", "more than 20 processes"),
    ],
)
def test_a_fix_that_the_proof_refutes_is_taken_back_alone(
    fixed: Fix, package: Path, name: str, new: str, reason: str
) -> None:
    (package / "pkg" / "starting.py").write_text(STARTING)
    before = {p: p.read_bytes() for p in package.rglob("*.py")}
    report = fixed(Seeded(name, "lambda x: x", new), process_limit=20)
    (back,) = report.taken_back
    assert back.patch.finding.rule == name
    assert reason in back.verdict.reason
    assert [f.patch.finding.rule for f in report.fixed] == ["bare-lock"]
    assert isinstance(report.fixed[0].verdict, Proved)
    assert package / "pkg" / "m.py" not in {c.path for c in report.changes}
    assert {p: p.read_bytes() for p in package.rglob("*.py")} == before


def test_what_could_not_be_proved_is_taken_back_where_proof_is_required(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "good.py").write_text("import no_such_module\n" + (package / "pkg" / "good.py").read_text())
    (kept,) = fixed().fixed
    assert isinstance(kept.verdict, Unproved)
    report = fixed(require_proof=True)
    (back,) = report.taken_back
    assert back.verdict.reason.startswith("it could not be proved, and proof is required: ModuleNotFoundError")
    assert not report.fixed and not report.clean


def test_a_fix_that_is_not_python_is_our_own_bug_and_taken_back(fixed: Fix, package: Path) -> None:
    report = fixed(Seeded("not-python", "lambda x: x", "lambda x x"), verify=False)
    (back,) = report.taken_back
    assert "a bug in fixpickle" in back.verdict.reason and "would not compile" in back.verdict.reason
    assert [f.patch.finding.rule for f in report.fixed] == ["bare-lock"]


def test_a_file_that_parses_and_does_not_compile_is_left_with_the_compilers_word(fixed: Fix, package: Path) -> None:
    lines = ["def read() -> None:", "    try:", "        pass", "    except:", "        pass", "    except ValueError:"]
    text = "\n".join(["", "", *lines, "        pass", ""])
    module = package / "pkg" / "m.py"
    module.write_text(module.read_text() + text)
    report = fixed(Seeded("another-value", "lambda x: x", "list"), verify=False)
    assert not report.taken_back and [f.patch.finding.path.name for f in report.fixed] == ["good.py"]
    line = module.read_text()[: module.read_text().index("    except:")].count("\n") + 1
    word = f"default 'except:' must be last (m.py, line {line})"
    (left,) = report.left
    assert left.finding.rule == "another-value" and left.reason == f"its file is no Python as it is: {word}"


def test_a_fix_that_leaves_its_finding_never_settles_and_is_taken_back(fixed: Fix) -> None:
    report = fixed(Seeded("never-settles", "lambda x: x", "lambda x: x"), verify=False)
    (back,) = report.taken_back
    assert "never settle" in back.verdict.reason
    assert [f.patch.finding.rule for f in report.fixed] == ["bare-lock"]
    assert not [x for x in report.left if x.finding.rule == "never-settles"]


def test_a_taken_back_fix_is_not_reported_as_left_as_well(fixed: Fix) -> None:
    report = fixed(Seeded("breaks-import", "lambda x: x", "1 / 0"))
    assert [t.patch.finding.rule for t in report.taken_back] == ["breaks-import"]
    assert not [x for x in report.left if x.finding.rule == "breaks-import"]


def test_two_fixes_of_one_place_are_made_in_two_rounds(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "m.py").write_text(
        "class Table:\n"
        "    def __init__(self):\n"
        "        self.make = lambda: [lambda x: x + 1]\n"
        "        self.take = lambda xs: xs\n"
    )
    report = fixed()
    text = next(c.new for c in report.changes if c.path.name == "m.py")
    assert "self.make = _table_make" in text and "self.take = _table_take" in text
    assert not report.taken_back and all(isinstance(f.verdict, Proved) for f in report.fixed)


def test_identical_lambdas_of_one_function_are_all_fixed(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "m.py").write_text(
        "class Pair:\n    def __init__(self):\n        self.left = lambda x: x\n        self.right = lambda x: x\n"
    )
    report = fixed()
    text = next(c.new for c in report.changes if c.path.name == "m.py")
    assert "lambda" not in text
    assert len([f for f in report.fixed if f.patch.finding.rule == "lambda-value"]) == 2


def test_a_chain_over_two_files_is_fixed_in_one_run(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "box.py").write_text(
        "from threading import RLock\n\n\nclass Box:\n    def __init__(self, drop=None):\n"
        "        self.drop = drop\n        self.lock = RLock()\n"
    )
    (package / "pkg" / "m.py").write_text(
        "from .box import Box\n\n\nclass Shelf:\n    def __init__(self):\n"
        "        self.box = Box(drop=lambda x: x.close())\n"
    )
    report = fixed()
    chain = next(f.patch.finding.reach.chain for f in report.fixed if f.patch.finding.rule == "lambda-value")
    assert chain == ("passed to Box at line 6", "stored on self.drop of Box in pkg/box.py:6")
    assert {f.patch.finding.path.name for f in report.fixed} == {"box.py", "m.py", "good.py"}
    assert all(isinstance(f.verdict, Proved) for f in report.fixed)


POOL = "import threading\n\n\nclass Pool:\n    def __init__(self):\n        self._lock = threading.Lock()\n"
STORE = "from .pool import Pool\n\n\nclass Store:\n    def __init__(self):\n        self.one = Pool()\n"
CACHE = (
    "from .store import Store\n\n\nclass Cache:\n    def __init__(self):\n"
    "        self.key = lambda x: x\n        self._store = Store()\n"
)


def test_a_whole_object_is_told_of_once_with_all_the_fixes_it_needed(fixed: Fix, package: Path) -> None:
    for name, text in {"pool": POOL, "store": STORE, "cache": CACHE}.items():
        (package / "pkg" / f"{name}.py").write_text(text)
    report = fixed()
    cache, good = report.carriers
    assert (cache.subject, good.subject) == (Instance("pkg.cache", "Cache"), Instance("pkg.good", "Good"))
    assert {(f.rule, f.path.name) for f in cache.fixes} == {("lambda-value", "cache.py"), ("bare-lock", "pool.py")}
    assert isinstance(cache.verdict, Proved) and cache.verdict.how == "an instance from its constructor"
    assert "Cache.key is Cache.__init__.<locals>.<lambda>, set in Cache at cache.py:6" in cache.verdict.before


def test_what_is_still_in_the_way_is_named_by_its_path(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "pool.py").write_text(POOL + "        self.found = __import__('re').match('a', 'a')\n")
    (package / "pkg" / "cache.py").write_text(CACHE.replace("store import Store", "pool import Pool as Store"))
    report = fixed(paths=("pkg/cache.py", "pkg/pool.py"))
    (cache,) = report.carriers
    assert isinstance(cache.verdict, Refuted)
    assert "Cache._store.found is a re.Match, set in Pool at pool.py:" in cache.verdict.reason


def test_what_did_not_do_alone_is_tried_again_where_its_file_has_changed_since(tmp_path: Path) -> None:
    def patch(name: str) -> Patch:
        finding = Finding("seeded", tmp_path / name, Span(0, 1, 1, 1), name, Reach(Evidence.STATE, ("seeded",)))
        return Patch(finding, (Edit(finding.path, 0, 1, "x"),))

    keys = [("seeded", tmp_path / name, name, "x") for name in ("a.py", "b.py")]
    backs = tuple((k, TakenBack(patch(k[2]), Refuted("it does not cross yet", ""))) for k in keys)
    outcome = Outcome(taken_back=backs).reopened([Fixed(patch("b.py"), Proved("how", "before"))])
    assert outcome.closed() == {keys[0]}


def test_a_comment_on_the_line_or_above_it_suppresses_a_finding(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "good.py").write_text(
        "import threading\n\n\nclass Good:\n    def __init__(self):\n"
        "        self.one = threading.Lock()  # fixpickle: ignore[bare-lock]  # one process only\n"
        "        # fixpickle: ignore[bare-lock]\n"
        "        self.two = threading.Lock()\n"
        "        self.three = threading.Lock()  # fixpickle: ignore[lambda-value]\n"
    )
    report = fixed(verify=False)
    assert [(f.patch.finding.rule, f.patch.finding.span.line) for f in report.fixed] == [
        ("bare-lock", 9),
        ("unused-suppression", 9),
    ]
    assert [(s.finding.span.line, s.reason) for s in report.suppressed] == [
        (6, "one process only"),
        (8, "a comment says so"),
    ]


def test_one_file_that_is_not_python_costs_itself_alone(fixed: Fix, package: Path) -> None:
    (package / "pkg" / "broken.py").write_text("def (\n")
    report = fixed(verify=False)
    (skipped,) = report.skipped
    assert skipped.path.name == "broken.py" and skipped.line == 1 and "syntax error" in skipped.reason
    assert len(report.fixed) == 1 and not report.clean


def test_a_package_that_a_folder_without_init_holds_is_proved_as_others_import_it(tmp_path: Path) -> None:
    for name, text in {
        "corp/core/__init__.py": "",
        "corp/core/box.py": "class Box:\n    def __init__(self, make):\n        self.make = make\n",
        "corp/app/__init__.py": "",
        "corp/app/use.py": "from corp.core.box import Box\n\nBOXES = [Box(lambda row: row)]\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    settings = Settings(root=tmp_path, python=Path(sys.executable))
    ports = Ports(prove, examine, tidy, lambda *_: None)
    (fixed,) = run([tmp_path], settings, load_rules(), ports, fix=True).fixed
    assert isinstance(fixed.verdict, Proved), fixed.verdict
