"""What instances keep that plain pickle does not take: how it is read, and what unsafe fixes do with it."""

from __future__ import annotations

import hashlib
import sys
import textwrap
from pathlib import Path

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import Evidence, Proved, RunReport, Settings, Source
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.survey import Facts, survey
from fixpickle.survey.facts import Family, Holding
from fixpickle.verify import examine, prove

RULES = frozenset({"transient-attribute", "view-attribute"})


def surveyed(text: str) -> Facts:
    code = "import io, os, sqlite3, sys, types, weakref\n" + textwrap.dedent(text)
    digest = hashlib.sha256(code.encode()).hexdigest()
    facts = survey(Source(Path("/p/kept.py"), code, "utf-8", "\n", False, digest, "kept", Path("/p")))
    assert isinstance(facts, Facts)
    return facts


def held(text: str) -> Holding:
    """The only holding of a class `Kept` with that body."""
    (found,) = surveyed("class Kept:\n" + textwrap.indent(textwrap.dedent(text), "    ")).holdings
    return found


def fixed(folder: Path, text: str, *, unsafe: bool = True, reach: Evidence = Evidence.STATE) -> RunReport:
    path = folder / "kept.py"
    path.write_text(textwrap.dedent(text), "utf-8")
    settings = Settings(
        root=folder, python=Path(sys.executable), unsafe_fixes=unsafe, select=RULES, reach=reach, verify=True
    )
    return run([path], settings, load_rules(), Ports(prove, examine, tidy, lambda *_: None), fix=True)


# --- made on demand -------------------------------------------------------------------------------------------------

INIT = "def __init__(self, path):\n    self.path = path\n    self._db = None\n"
MAKE = "self._db = sqlite3.connect(self.path)"


@pytest.mark.parametrize(
    "body",
    [
        f"if self._db is None:\n    {MAKE}\nreturn self._db",
        f"if not self._db:\n    {MAKE}\nreturn self._db",
        f"if self._db is None or self.path is None:\n    {MAKE}\nreturn self._db",
        f"if self._db is not None:\n    return self._db\n{MAKE}\nreturn self._db",
        f"if self._db:\n    return self._db\nwith open(self.path):\n    {MAKE}\nreturn self._db",
        "if self._db is None:\n    db = sqlite3.connect(self.path)\n    db.execute('')\n    self._db = db",
    ],
)
def test_what_a_test_for_none_guards_is_made_on_demand(body: str) -> None:
    found = held(INIT + "def db(self):\n" + textwrap.indent(body, "    "))
    assert (found.lazy, found.loose, found.family) == (True, "", Family.HANDLE)


@pytest.mark.parametrize(
    "body",
    [
        MAKE,
        f"if self.path is None:\n    {MAKE}",
        f"if self._db is not None:\n    {MAKE}",
        f"if self._db is None and self.path:\n    pass\n{MAKE}",
        f"if self._db is not None:\n    self._db.close()\n{MAKE}",
    ],
)
def test_any_other_assignment_is_not(body: str) -> None:
    assert not held(INIT + "def db(self):\n" + textwrap.indent(body, "    ")).lazy


GUARDED = INIT + f"def db(self):\n    if self._db is None:\n        {MAKE}\n    return self._db\n"


@pytest.mark.parametrize(
    ("method", "loose"),
    [
        ("def close(self):\n    if self._db is not None:\n        self._db.close()\n        self._db = None", False),
        ("def one(self):\n    self.db()\n    return self._db.execute('')", False),
        ("def one(self):\n    return self._db and self._db.execute('')", False),
        ("def one(self):\n    return self._db.execute('') if self._db else None", False),
        ("def one(self):\n    if self._db is None:\n        return None\n    return self._db.execute('')", False),
        ("def is_open(self):\n    return self._db is not None", False),
        ("def close(self):\n    self._db.close()", True),
        ("def one(self):\n    self.path = 1\n    return self._db.execute('')", True),
        ("def use(self, db):\n    self._db = db", True),
    ],
)
def test_use_without_a_test_is_told(method: str, loose: bool) -> None:
    found = held(GUARDED + method)
    assert found.lazy
    assert bool(found.loose) is loose


def test_attribute_of_the_class_that_is_none_counts_as_none_first() -> None:
    found = held(f"_db = None\ndef db(self):\n    if self._db is None:\n        {MAKE}\n    return self._db\n")
    assert found.lazy


# --- made by the constructor ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "again"),
    [
        ("self.path = path\nself.file = open(path, 'rb')", "open(self.path, 'rb')"),
        ("self._p = path\nself.file = open(self._p)", "open(self._p)"),
        ("self.file = open(file=path)\nself.path = path", "open(file=self.path)"),
        ("self.root = path\nself.file = open(os.path.join(path, 'x'))", "open(os.path.join(self.root, 'x'))"),
        ("self.path = path\nself.file = io.open(\n    path,\n    'rb',\n)", "io.open( self.path, 'rb', )"),
        ("self.file = open(__file__)", "open(__file__)"),
    ],
)
def test_expression_is_evaluated_again_from_what_is_kept(body: str, again: str) -> None:
    found = held("def __init__(self, path):\n" + textwrap.indent(body, "    "))
    assert (found.again, found.obstacle) == (again, "")


@pytest.mark.parametrize(
    ("body", "obstacle"),
    [
        ("self.file = open(path)", "`path` is not kept"),
        ("self.path = path\npath = path + '.gz'\nself.file = open(path)", "`path` is not kept"),
        ("self.path = path or '.'\nself.file = open(path)", "`path` is not kept"),
        ("if path:\n    self.path = path\nself.file = open(path)", "`path` is not kept"),
        ("self.path = path\nif path:\n    self.file = open(path)", "under a condition"),
        ("self.path = path\nself.file = open(path())", "may give something else the next time"),
        ("self.path = path\nself.path += '.gz'\nself.file = open(self.path)", "self.path may have changed"),
        ("self.path = path\nfile = open(path)\nfile.readline()\nself.file = file", "set up in further statements"),
        ("self.path = path\nself.file = open(*path)", "more than a plain call"),
        ("self.path = path\nself.file = open(self.name())", "may give something else the next time"),
    ],
)
def test_expression_that_could_give_something_else_is_not(body: str, obstacle: str) -> None:
    found = held("def __init__(self, path):\n" + textwrap.indent(body, "    ") + "\n\ndef name(self): ...")
    assert found.again == ""
    assert obstacle in found.obstacle


def test_path_that_code_outside_the_class_sets_is_not_kept() -> None:
    text = """
        class Kept:
            def __init__(self, path):
                self.path = path
                self.file = open(path)

        def move(kept):
            kept.path = "elsewhere"
        """
    (found,) = surveyed(text).holdings
    assert found.again == ""


# --- views ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "receiver"),
    [
        ("self.k = {1: 2}.keys()", "fresh"),
        ("d = {}\nd[1] = 2\nself.k = d.keys()", "fresh"),
        ("d = dict(rows)\nself.k = d.keys()\nd.clear()", ""),
        ("d = {}\nself.d = [d]\nself.k = d.keys()", ""),
        ("d = {}\nfor r in rows:\n    self.k = d.keys()\n    d[r] = 1", ""),
    ],
)
def test_view_of_what_nobody_else_has_is_fresh(body: str, receiver: str) -> None:
    found = held("def __init__(self, rows):\n" + textwrap.indent(body, "    "))
    assert (found.family, found.receiver) == (Family.VIEW, receiver)


@pytest.mark.parametrize("made", ["rows.keys()", "rows.d.keys()", "os.environ.keys()", "load(rows).items()"])
def test_methods_of_what_may_be_no_dictionary_are_nothing(made: str) -> None:
    assert surveyed(f"class Kept:\n    def __init__(self, rows):\n        self.k = {made}\n").holdings == ()


@pytest.mark.parametrize(
    ("made", "families"),
    [
        ("types.MappingProxyType()", []),
        ("types.MappingProxyType(*rows)", []),
        ("open()", [Family.FILE]),
        ("open(*rows)", [Family.FILE]),
    ],
)
def test_calls_of_any_shape_can_be_read(made: str, families: list[Family]) -> None:
    found = surveyed(
        f"import types\n\n\nclass Kept:\n    def __init__(self, rows):\n        self.k = {made}\n"
    ).holdings
    assert [h.family for h in found] == families


# --- what ties a class to its process -------------------------------------------------------------------------------


def test_what_hooks_leave_out_does_not_tie_a_class_to_its_process() -> None:
    hooks = "def __getstate__(self):\n    state = self.__dict__.copy()\n    state['_db'] = None\n    return state\n"
    kept, dropped = (surveyed("class Kept:\n" + textwrap.indent(body, "    ")) for body in (GUARDED, GUARDED + hooks))
    assert "sqlite3.connect" in Project([kept]).process_bound(kept, "Kept")
    assert Project([kept]).process_bound(kept, "Kept", {"_db"}) == ""
    assert Project([dropped]).process_bound(dropped, "Kept") == ""


# --- unsafe fixes ---------------------------------------------------------------------------------------------------

SENT = "\n    def send(self):\n        return pickle.dumps(self)\n"


def test_appended_file_is_opened_again_and_never_truncated(tmp_path: Path) -> None:
    text = """
    import pickle

    class Log:
        def __init__(self, path):
            self.path = path
            self.file = open(path, "a")

        def send(self):
            return pickle.dumps(self)
    """
    report = fixed(tmp_path, text)
    (change,) = report.changes
    assert 'self.file = open(self.path, "a")\n\n    def send' in change.new
    assert "seek" not in change.new and '"w"' not in change.new
    (one,) = report.fixed
    assert "both processes append to one file" in one.patch.notes[0]


def test_written_file_is_refused_even_where_unsafe_fixes_are_asked_for(tmp_path: Path) -> None:
    text = """
    import pickle

    class Log:
        def __init__(self, path):
            self.path = path
            self.file = open(path, "w")

        def send(self):
            return pickle.dumps(self)
    """
    report = fixed(tmp_path, text, reach=Evidence.ANY)
    assert report.changes == ()
    assert "truncated" in report.left[0].reason


def test_connection_made_by_the_constructor_is_made_again(tmp_path: Path) -> None:
    text = """
    import pickle
    import sqlite3

    class Store:
        def __init__(self, path="/dev/null"):
            self.path = path
            self.db = sqlite3.connect(path)

        def send(self):
            return pickle.dumps(self)
    """
    assert fixed(tmp_path, text, unsafe=False).changes == ()
    report = fixed(tmp_path, text)
    (one,) = report.fixed
    assert isinstance(one.verdict, Proved)
    assert one.verdict.how == "an instance from its constructor"
    assert "not yet committed" in one.patch.notes[0]


@pytest.mark.parametrize("reach", [Evidence.STATE, Evidence.ANY])
def test_what_is_never_pickled_is_listed_only_when_asked_for(tmp_path: Path, reach: Evidence) -> None:
    text = """
    import threading

    class Server:
        def __init__(self):
            self.thread = threading.Thread(target=print)
            self.log = open(__file__)
    """
    report = fixed(tmp_path, text, unsafe=False, reach=reach)
    assert len(report.left) == (2 if reach is Evidence.ANY else 0)
    assert report.changes == ()
