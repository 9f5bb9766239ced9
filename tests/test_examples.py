"""Every example fails before, is fixed with proof, and then runs: real processes, no Ray unless asked."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import shutil
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))

catalogue = importlib.import_module("catalogue")
running = importlib.import_module("running")

RUN_LIMIT = 90.0
FIX_LIMIT = 180.0

CASES = [
    pytest.param(example, script, id=script.name, marks=[pytest.mark.slow] if example.slow else [])
    for example in catalogue.EXAMPLES
    for script in example.scripts
]
ALONE = [case for case in CASES if not (case.values[1].left or case.values[1].start)]
STARTING = [case for case in CASES if case.values[1].start and not case.values[1].left]


@pytest.fixture
def folder(example, tmp_path):
    missing = [name for name in example.needs if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    return copied(example.folder, tmp_path)


def copied(name, target):
    ignore = shutil.ignore_patterns("__pycache__", "*.pickle", "*.log")
    return Path(shutil.copytree(EXAMPLES / name, target / name, ignore=ignore))


def apply(folder, script, *options):
    files = [folder / name for name in script.files]
    return running.fix(files, folder, FIX_LIMIT, *options)


@pytest.mark.parametrize(("example", "script"), CASES)
def test_it_fails_as_it_stands_with_the_failure_it_is_here_to_show(example, script, folder):
    outcome = running.run_script(script, folder, RUN_LIMIT)
    assert running.fails(script, outcome), outcome


@pytest.mark.parametrize(("example", "script"), ALONE)
def test_it_runs_to_its_right_result_once_fixed(example, script, folder):
    applied = apply(folder, script)
    outcome = running.run_script(script, folder, RUN_LIMIT)
    assert running.works(script, outcome), (applied, outcome)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    """The folder of the scripts that start processes, all fixed in one run."""
    folder = copied(STARTING[0].values[0].folder, tmp_path_factory.mktemp("fixed"))
    report = running.read_report(running.fix([folder], folder, FIX_LIMIT, "--output-format", "json"))
    return folder, report


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")
@pytest.mark.parametrize(("example", "script"), STARTING)
def test_it_does_under_every_start_method_what_it_did_when_it_forked(example, script, folder, layouts):
    forked = running.run_script(script, folder, RUN_LIMIT, "fork")
    assert running.works(script, forked), forked
    fixed, report = layouts
    assert Path(script.files[0]).name in report.proved
    for method in multiprocessing.get_all_start_methods():
        outcome = running.run_script(script, fixed, RUN_LIMIT, method)
        assert (outcome.code, outcome.stdout) == (forked.code, forked.stdout), (method, outcome)


@pytest.mark.parametrize(("example", "script"), [case for case in CASES if case.values[1].left])
def test_what_only_its_author_can_decide_is_reported_and_left_as_it_is(example, script, folder):
    before = contents(folder)
    report = running.read_report(apply(folder, script, "--output-format", "json"))
    assert script.files[0] in report.left
    assert contents(folder) == before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FOUR = pytest.mark.parametrize(
    ("example", "script", "note"),
    [
        pytest.param(example, script, note, id=script.name, marks=[pytest.mark.slow] if example.slow else [])
        for example in catalogue.EXAMPLES
        if example.folder == "lock_strategies"
        for script in example.scripts
        for name, note in {
            "race_factory": "it excludes threads of one process only",
            "race_state_hooks": "it excludes threads of one process only",
            "race_file": "it excludes the processes of one user on one host",
            "race_ray": "it excludes the whole Ray cluster",
        }.items()
        if name == script.name
    ],
)


@FOUR
def test_report_says_beforehand_whom_the_lock_will_exclude(example, script, note, folder):
    assert note in apply(folder, script, "--dry-run").output
