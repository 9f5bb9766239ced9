"""What the naming rules do where a fixture cannot show it: silent losses, other libraries, newer syntax."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import Evidence, RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.testing import cross, settle
from fixpickle.verify import examine, prove

SENTINEL = """\
MISSING = object()


class Option:
    def __init__(self, default=MISSING):
        self.default = default

    def required(self):
        return self.default is MISSING


def subject():
    return Option()


def behave(obj):
    return obj.required()
"""


def checked(folder: Path, text: str) -> RunReport:
    """What is found in a file with that text."""
    path = folder / "program.py"
    path.write_text(text)
    settings = Settings(folder, Path(sys.executable), verify=False)
    return run([path], settings, load_rules(), Ports(prove, examine, tidy, lambda what, done, total: None), fix=False)


def test_a_sentinel_is_itself_in_the_other_process_only_after_the_fix(tmp_path: Path) -> None:
    for part in ("before", "settled", "after"):
        (tmp_path / part).mkdir()
    before = cross({"sentinel.py": SENTINEL.encode()}, "sentinel", tmp_path / "before")
    settled = settle({"sentinel.py": SENTINEL.encode()}, tmp_path / "settled")
    after = cross(settled.files, "sentinel", tmp_path / "after")
    assert (before.here, before.there) == (True, False)
    assert (after.here, after.there) == (True, True)


@pytest.mark.parametrize("declared", ["attrs.field(default={})", "attr.ib(default={})"])
def test_defaults_of_attrs_fields_are_stored_on_instances(declared: str, tmp_path: Path) -> None:
    value = declared.format("lambda value: str(value)")
    report = checked(tmp_path, f"import attr\nimport attrs\n\n\n@attrs.define\nclass Column:\n    show = {value}\n")
    assert [left.finding.reach.chain for left in report.left] == [("stored on self.show of Column at line 7",)]


def test_factories_of_attrs_fields_stay_on_the_class(tmp_path: Path) -> None:
    text = "import attrs\n\n\n@attrs.define\nclass Column:\n    rows = attrs.field(factory=lambda: [])\n"
    assert checked(tmp_path, text).left == ()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="they are syntax there: tests/test_type_parameters.py")
def test_type_parameters_are_said_to_be_no_syntax_here(tmp_path: Path) -> None:
    text = "class A:\n    def __init__(self):\n        def f[T](x: T):\n            return x\n\n        self.f = f\n"
    assert [(s.line, s.reason.split(":")[0]) for s in checked(tmp_path, text).skipped] == [(3, "syntax error")]


@pytest.mark.parametrize("name", ["gunicorn.conf.py", "conf.py"])
def test_configuration_files_that_are_run_by_exec_are_left(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("extensions = []\non_exit = lambda server: None\n")
    settings = Settings(tmp_path, Path(sys.executable), verify=False)
    report = run([path], settings, load_rules(), Ports(prove, examine, tidy, lambda what, done, total: None), fix=False)
    assert [left.reason.split(" that")[0] for left in report.left] == ["its file is a configuration"]


_COMPARED = """\
def check(caller):
    def func2():
        return caller()

    def func3():
        return {"func3": caller}

    assert func2() == "func2" and func3()
"""


def test_what_nothing_pickles_keeps_a_name_that_strings_are_compared_with(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(_COMPARED)
    settings = Settings(tmp_path, Path(sys.executable), verify=False, reach=Evidence.ANY)
    report = run(
        [tmp_path], settings, load_rules(), Ports(prove, examine, tidy, lambda what, done, total: None), fix=True
    )
    assert [left.reason.partition(", at")[0] for left in report.left] == [
        "something is compared with a string that has its name in it"
    ]
    assert [fixed.patch.finding.span.line for fixed in report.fixed] == [5]


def test_what_is_pickled_gives_up_a_name_that_strings_are_compared_with(tmp_path: Path) -> None:
    pooled = _COMPARED.replace("func2() ==", "Pool().map(func2, []) ==")
    (tmp_path / "a.py").write_text(f"from multiprocessing import Pool\n\n\n{pooled}")
    settings = Settings(tmp_path, Path(sys.executable), verify=False)
    report = run(
        [tmp_path], settings, load_rules(), Ports(prove, examine, tidy, lambda what, done, total: None), fix=True
    )
    assert [fixed.patch.finding.span.line for fixed in report.fixed] == [5]


def test_a_partial_that_ships_self_says_what_it_reads_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "class A:\n    def __init__(self, key):\n        self.key = key\n        self.get = lambda row: row[self.key]\n"
    )
    settings = Settings(tmp_path, Path(sys.executable), verify=False)
    report = run(
        [tmp_path], settings, load_rules(), Ports(prove, examine, tidy, lambda what, done, total: None), fix=True
    )
    note = "its stand-in carries the whole object along, as the closure did, and reads no more of it than self.key"
    assert [fixed.patch.notes for fixed in report.fixed] == [(note,)]


def test_a_private_name_in_what_would_become_a_class_is_said_before_anything_is_rewritten(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "fixtures" / "local_function" / "attribute_set_private.py").read_text()
    (left,) = checked(tmp_path, text).left
    assert left.reason == "the private name `__rows` would mean another name in a class"


def test_files_of_one_run_do_not_take_names_from_one_another(tmp_path: Path) -> None:
    text = b"class Cart:\n    def __init__(self):\n        self.key = lambda row: row + 1\n"
    files = settle({"first.py": text, "second.py": text}, tmp_path).files
    assert all(b"def _cart_key(row):" in files[name] for name in ("first.py", "second.py"))
