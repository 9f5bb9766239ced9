"""Connections and the like that a shipped function would take along: found, moved where asked, or refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.testing import Mark, marks, mismatch
from fixpickle.verify import examine, prove

RULE = "captured-resource"
FIXTURES = Path(__file__).parent / "fixtures" / "captured_resource"
CASES = sorted(FIXTURES.glob("*.py"))
UNSAFE = "its fix can change behaviour"


def unsafe(folder: Path, *, verify: bool = False) -> RunReport:
    settings = Settings(folder, Path(sys.executable), select=frozenset({RULE}), unsafe_fixes=True, verify=verify)
    return run([folder], settings, load_rules(), Ports(prove, examine, tidy, lambda *_: None), fix=True)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_only_what_one_function_reads_is_moved_into_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / path.name).write_bytes(path.read_bytes())
    report = unsafe(tmp_path)
    expected = [m for m in marks({path.name: path.read_bytes()}) if m.rule == RULE]
    lines = [f.patch.finding.span.line for f in report.fixed]
    assert sorted(lines) == [m.line for m in expected if m.reason.startswith(UNSAFE)]
    left = [Mark(path.name, (x.first or x.finding).span.line, RULE, x.reason) for x in report.left]
    assert mismatch([m for m in expected if not m.reason.startswith(UNSAFE)], left) == ""
    after = path.with_suffix(".moved")
    assert bool(report.fixed) == after.exists()
    assert [change.new for change in report.changes] == ([after.read_text("utf-8")] if after.exists() else [])


def test_what_another_file_imports_stays(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_bytes((FIXTURES / "example.py").read_bytes())
    (tmp_path / "other.py").write_text("from example import connection\n")
    (left,) = unsafe(tmp_path).left
    assert left.reason == "other.py imports it"


def test_what_shares_its_line_stays(tmp_path: Path) -> None:
    text = (FIXTURES / "example.py").read_text("utf-8").replace("\nconnection =", "\nprint(); connection =")
    (tmp_path / "example.py").write_text(text)
    (left,) = unsafe(tmp_path).left
    assert left.reason.startswith("it shares its line")


def test_a_function_that_makes_its_own_is_proved_to_travel(tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle")
    text = (FIXTURES / "example.py").read_text("utf-8")
    text = text.replace("import ray\n", "import dask\n").replace("@ray.remote\n", "")
    text = text[: text.index("if __name__")] + 'if __name__ == "__main__":\n    dask.delayed(best)("ann").compute()\n'
    (tmp_path / "example.py").write_text(text)
    (tmp_path / "dask.py").write_text("def delayed(function):\n    raise SystemExit\n")
    (fixed,) = unsafe(tmp_path, verify=True).fixed
    assert str(fixed.verdict.how) == "example.best by value"
    assert fixed.verdict.before.startswith("TypeError: cannot pickle 'sqlite3.Connection' object")
