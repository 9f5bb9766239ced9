"""CPython's own tests of its locks, queues and thread-locals, run against the counterparts."""

from __future__ import annotations

import importlib.util
import unittest
from pathlib import Path

import pytest

pytest.importorskip("test.lock_tests", reason="this interpreter was installed without its tests")

pytestmark = pytest.mark.usefixtures("small_heap")

_PATH = Path(__file__).parent.parent / "benchmarks" / "stdlib_suites.py"
_spec = importlib.util.spec_from_file_location("stdlib_suites", _PATH)
assert _spec is not None and _spec.loader is not None
suites = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(suites)

LOCKS = suites.counterparts()
# The slow tests of these are the lock's own: once is enough.
KINDS = [suite for suite in suites.SUITES if not suite[0].startswith("shared_")]
COLLECTED = [(suite, name) for suite in KINDS for name in suites.names(suite)]


@pytest.mark.parametrize(("suite", "name"), COLLECTED, ids=lambda value: value if isinstance(value, str) else value[0])
def test_the_counterparts_pass_the_tests_of_their_originals(suite, name):
    result = unittest.TestResult()
    suites.case(suite, LOCKS)(name).run(result)
    if result.skipped:
        pytest.skip(result.skipped[0][1])
    assert not result.errors + result.failures, (result.errors + result.failures)[0][1]
    assert result.testsRun == 1


def test_every_counterpart_is_tested_by_a_suite_of_which_most_is_run():
    assert {suite[0] for suite in suites.SUITES} == set(LOCKS.__all__)
    for kind, name, test in suites.LEFT_OUT:
        suite = next(s for s in suites.SUITES if (s[0], s[2]) == (kind, name))
        assert test not in suites.names(suite) and len(suites.names(suite)) > 10


def test_the_page_lists_every_counterpart_and_no_failure():
    page = (Path(__file__).parent.parent / "docs" / "runtime.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in LOCKS.__all__)
    assert "failed:" not in page
