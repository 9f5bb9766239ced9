"""Imports that workers do in vain: fixtures with every package taken for heavy, and slow packages for real."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings, Unloaded
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.verify import examine, prove

Run = Callable[..., subprocess.CompletedProcess[str]]

RULE = "heavy-worker-import"
FIXTURES = Path(__file__).parent / "fixtures" / "heavy_worker_import"
CASES = sorted(path for path in FIXTURES.glob("*.py") if not path.stem.endswith("_moved"))
_EXPECTED = re.compile(r"# heavy: (.*)$", re.MULTILINE)


def heavy(packages: Sequence[str], settings: Settings) -> Mapping[str, float]:
    return dict.fromkeys(packages, 1.0)


def moved(files: Mapping[str, str], folder: Path) -> RunReport:
    """A run with unsafe fixes over the files. Nothing is imported: any package would take a second."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")

    def unproved(patches, *rest):  # type: ignore[no-untyped-def]
        return prove(patches, *rest[:-1], Settings(folder, Path("/no/such/python")))

    settings = Settings(folder, Path(sys.executable), select=frozenset({RULE}), unsafe_fixes=True)
    ports = Ports(unproved, examine, tidy, lambda *_: None, weigh=heavy)
    return run([folder], settings, load_rules(), ports, fix=True)


def outcome(report: RunReport) -> list[tuple[int, str]]:
    fixed = [(f.patch.finding.span.line, "moved") for f in report.fixed]
    return sorted(fixed + [(left.finding.span.line, left.reason) for left in report.left])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_only_what_no_worker_needs_is_found_and_moved(path: Path, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    report = moved({path.name: text}, tmp_path)
    expected = [(text.count("\n", 0, m.start()) + 1, m[1].strip()) for m in _EXPECTED.finditer(text)]
    found = outcome(report) if not report.fixed else [(line, "moved") for line, _ in expected]
    assert [line for line, _ in found] == [line for line, _ in expected]
    assert all(words in said for (_, said), (_, words) in zip(found, expected, strict=True))
    after = path.with_name(f"{path.stem}_moved.py")
    assert bool(report.fixed) == after.exists()
    assert [change.new for change in report.changes] == ([after.read_text("utf-8")] if after.exists() else [])


def test_what_other_files_know_from_here_stays(tmp_path: Path) -> None:
    folder = FIXTURES / "patched_by_a_test" / "before"
    report = moved({path.name: path.read_text("utf-8") for path in folder.glob("*.py")}, tmp_path)
    assert report.fixed == ()
    assert [left.reason for left in report.left] == [
        'test_reports.py knows it from here: "reports.pd',
        "other.py imports `pl` from here",
    ]


HELPERS = {
    "tasks.py": """
        import multiprocessing

        import helpers
        import numbers_of_mine

        def work(x):
            return numbers_of_mine.more(x)

        def report(rows):
            return helpers.table(rows)

        def run():
            with multiprocessing.Pool() as pool:
                return report(pool.map(work, range(3)))
    """,
    "helpers.py": "import drawing\n\n\ndef table(rows):\n    return drawing.table(rows)\n",
    "drawing.py": "import pandas\nimport numpy\n\n\ndef table(rows):\n    return pandas.Table(numpy.array(rows))\n",
    "numbers_of_mine.py": "import numpy\n\n\ndef more(x):\n    return numpy.add(x, 1)\n",
}


def test_what_comes_along_with_a_module_of_the_project_is_found(tmp_path: Path) -> None:
    report = moved({name: dedent(text) for name, text in HELPERS.items()}, tmp_path)
    ((found, patch),) = [(f.patch.finding, f.patch) for f in report.fixed]
    assert found.message == "workers that run `work` import pandas, by way of `helpers`, for `report`"
    assert patch.subjects == (Unloaded("tasks", "pandas", ()),)
    assert (
        "    import helpers\n\n    return helpers.table(rows)"
        in {c.path.name: c.new for c in report.changes}["tasks.py"]
    )


def test_what_workers_load_in_another_way_is_not_found(tmp_path: Path) -> None:
    files = {**HELPERS, "numbers_of_mine.py": HELPERS["numbers_of_mine.py"] + "import pandas\n"}
    report = moved({name: dedent(text) for name, text in files.items()}, tmp_path)
    assert (report.fixed, report.left) == ((), ())


@pytest.mark.skipif(sys.version_info < (3, 15), reason="`lazy import` is syntax since Python 3.15")
@pytest.mark.parametrize("name", ["tasks.py", "helpers.py"])
def test_what_is_loaded_at_its_first_use_is_not_found(name: str, tmp_path: Path) -> None:
    text = re.sub("(?m)^import (?=helpers|drawing)", "lazy import ", dedent(HELPERS[name]))
    assert text != dedent(HELPERS[name])
    report = moved({**{other: dedent(text) for other, text in HELPERS.items()}, name: text}, tmp_path)
    assert (report.fixed, report.left) == ((), ())


def test_a_relative_import_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    files = {
        f"app/{name}": dedent(text).replace("import helpers", "from . import helpers") for name, text in HELPERS.items()
    }
    files = {name: text.replace("import drawing", "from . import drawing") for name, text in files.items()}
    files = {
        name: text.replace("import numbers_of_mine", "from . import numbers_of_mine") for name, text in files.items()
    }
    report = moved({**files, "app/__init__.py": ""}, tmp_path)
    (fixed,) = report.fixed
    assert "import pandas, by way of `helpers`, for `report`" in fixed.patch.finding.message


def test_which_other_workers_need_it_is_said(tmp_path: Path) -> None:
    report = moved({"tasks.py": (FIXTURES / "other_workers.py").read_text("utf-8")}, tmp_path)
    (fixed,) = report.fixed
    assert fixed.patch.finding.message == (
        "workers that run `parsed` import torch for `fitted`, which other workers run (`fitted`)"
    )


# --- slow packages --------------------------------------------------------------------------------------------------

TASKS = """\
import slow_tables


def work(x):
    return x + 1


def report(rows):
    return slow_tables.table(rows)
"""
RUN = """\
import multiprocessing

from tasks import work

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(pool.map(work, range(3)))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project, beside a package outside of it that takes 0.6 s to import."""
    (tmp_path / "site" / "slow_tables").mkdir(parents=True)
    (tmp_path / "site" / "slow_tables" / "__init__.py").write_text("import time\ntime.sleep(0.6)\ntable = list\n")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tasks.py").write_text(TASKS)
    (folder / "run.py").write_text(RUN)
    return folder


@pytest.fixture
def fixpickle(project: Path, monkeypatch: pytest.MonkeyPatch, run_in: Run) -> Run:
    """The command line, and the package where it finds it."""
    monkeypatch.setenv("PYTHONPATH", str(project.parent / "site"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return run_in


def test_check_imports_nothing_and_says_so(project: Path, fixpickle: Run) -> None:
    assert fixpickle(project, "check", ".").stdout.startswith("0 findings")
    found = fixpickle(project, "check", "--reach", "any", "--select", RULE, ".").stdout
    assert "workers that run `work` import slow_tables for `report`" in found
    assert "how long it takes was not measured" in found


def test_it_is_measured_and_left_where_it_was_selected(project: Path, fixpickle: Run) -> None:
    said = fixpickle(project, "apply", "--dry-run", "--select", RULE, ".").stdout
    seconds = re.search(r"it takes (\d\.\d\d) s", said)
    assert seconds and 0.6 <= float(seconds[1]) < 5
    assert "--unsafe-fixes applies it" in said


def test_it_is_moved_and_proved(project: Path, fixpickle: Run) -> None:
    done = fixpickle(project, "apply", "--unsafe-fixes", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proof   a fresh interpreter imports tasks without slow_tables" in done.stdout
    assert "before  importing tasks loads slow_tables, which takes 0." in done.stdout
    assert "    import slow_tables\n\n    return slow_tables.table(rows)" in (project / "tasks.py").read_text()


def test_what_takes_less_than_the_setting_is_no_finding(project: Path, fixpickle: Run) -> None:
    (project / "fixpickle.toml").write_text("heavy-import = 20\n")
    assert "0 left" in fixpickle(project, "apply", "--unsafe-fixes", ".").stdout
    assert (project / "tasks.py").read_text() == TASKS


def test_a_package_that_comes_along_anyway_is_taken_back(project: Path, fixpickle: Run) -> None:
    (project / "tasks.py").write_text(TASKS.replace("\n\n\ndef work", "\nimport helpers\n\nhelpers.x\n\n\ndef work", 1))
    (project / "helpers.py").write_text("import slow_tables\n\nx = slow_tables\n")
    done = fixpickle(project, "apply", "--unsafe-fixes", ".")
    assert "[taken back]" in done.stdout
    assert "importing tasks loads slow_tables" in done.stdout
    assert done.returncode == 1


def test_a_package_that_is_not_there_is_no_finding(project: Path, fixpickle: Run) -> None:
    (project.parent / "site" / "slow_tables" / "__init__.py").unlink()
    (project.parent / "site" / "slow_tables").rmdir()
    assert "0 left" in fixpickle(project, "apply", "--unsafe-fixes", ".").stdout


GUARDED = """\
import multiprocessing

import slow_tables


def work(x):
    return x + 1


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(slow_tables.table(pool.map(work, range(3))))
"""


def test_what_only_the_guarded_part_needs_goes_there_and_workers_are_spared(project: Path, fixpickle: Run) -> None:
    (project / "run.py").write_text(GUARDED)
    (project / "tasks.py").unlink()
    done = fixpickle(project, "apply", "--unsafe-fixes", "--select", RULE, ".")
    assert "import slow_tables for what is under the main guard [proved]" in done.stdout, done.stdout + done.stderr
    assert "before  importing run loads slow_tables, which takes 0." in done.stdout
    assert 'main__":\n    import slow_tables\n\n    with' in (project / "run.py").read_text()
    environment = {"PYTHONPATH": str(project.parent / "site"), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([sys.executable, "run.py"], cwd=project, env=environment, capture_output=True, text=True)
    assert ran.stdout == "[1, 2, 3]\n", ran.stderr
