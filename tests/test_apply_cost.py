"""What a file with many findings costs is counted in steps, not in seconds: twice the findings, twice the steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import libcst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixpickle import claims
from fixpickle.api import fix
from fixpickle.claims import Claims
from fixpickle.model import Edit, Evidence, Finding, Patch, Reach, RunReport, Safety, Span
from fixpickle.rewrite.lines import blocks_between

FUNCTION = """\
def work_{n}(rows):
    with Pool() as pool:
        return pool.map(lambda row: row + {n}, rows)


"""


class Steps:
    """Counts what a run does that could grow with the square of its findings."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen = Counter[str]()
        self.parsed: list[str] = []
        parse, blocked = libcst.parse_module, claims._in_the_way

        def parse_module(text: str, *options: Any) -> libcst.Module:
            self.parsed.append(text)
            return parse(text, *options)

        def in_the_way(a: Edit, b: Edit) -> bool:
            self.seen["claims"] += 1
            return blocked(a, b)

        steps = self

        class Matcher(SequenceMatcher[str]):
            def __init__(self, junk: None, a: list[str], b: list[str], autojunk: bool) -> None:
                steps.seen["lines"] += len(a) * len(b)
                super().__init__(junk, a, b, autojunk)

        patch.setattr(libcst, "parse_module", parse_module)
        patch.setattr(claims, "_in_the_way", in_the_way)
        patch.setattr("fixpickle.rewrite.lines.SequenceMatcher", Matcher)

    def of(self, folder: Path, findings: int) -> RunReport:
        self.seen.clear()
        self.parsed.clear()
        path = folder / f"with_{findings}.py"
        path.write_text(
            "from multiprocessing import Pool\n\n\n" + "".join(FUNCTION.format(n=n) for n in range(findings))
        )
        return fix([path], {"verify": False, "cache": False})


def test_twice_the_findings_in_one_file_are_twice_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    counted = []
    for findings in (25, 50, 100):
        report = steps.of(tmp_path, findings)
        assert len(report.fixed) == findings and {one.round for one in report.fixed} == {1}
        # Of each finding the lambda is parsed, in parentheses, once; the module never is.
        assert sorted(steps.parsed) == sorted(f"(lambda row: row + {n})" for n in range(findings))
        assert steps.seen["claims"] <= 4 * findings
        counted.append(steps.seen["lines"])
    assert 0 < counted[2] <= 2.2 * counted[1] <= 2.2 * 2.2 * counted[0], counted


LINES = st.lists(st.sampled_from(["a", "b", "", "    c", "d"]), max_size=12)


@given(LINES, LINES)
def test_what_differs_is_all_that_differs(old: list[str], new: list[str]) -> None:
    made: list[str] = []
    at = 0
    for block in blocks_between("\n".join(old), "\n".join(new)):
        assert block.old.start >= at
        made += "\n".join(old).split("\n")[at : block.old.start]
        made += "\n".join(new).split("\n")[block.new.start : block.new.end]
        at = block.old.end
    assert made + "\n".join(old).split("\n")[at:] == "\n".join(new).split("\n")


def _patch(*edits: tuple[int, int]) -> Patch:
    span = Span(0, 1, 1, 1)
    finding = Finding("some-rule", Path("a.py"), span, "", Reach(Evidence.BOUNDARY, ()), Safety.SAFE)
    return Patch(finding, tuple(Edit(Path("a.py"), start, start + length, "x" * length) for start, length in edits))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), max_size=10))
def test_a_claim_stands_where_no_claim_before_it_is_in_its_way(places: list[tuple[int, int]]) -> None:
    taken: list[Patch] = []
    every = Claims()
    for place in places:
        patch = _patch(place)
        free = not any(claims._in_the_way(patch.edits[0], other.edits[0]) for other in taken)
        assert every.take(patch) is free
        taken += [patch] if free else []


@pytest.mark.parametrize(
    ("one", "other", "free"),
    [
        ((0, 3, "x"), (3, 5, "y"), True),
        ((0, 3, "x"), (2, 4, "y"), False),
        ((0, 5, "x"), (1, 2, "y"), False),
        ((1, 3, "x"), (1, 3, "x"), True),
        ((1, 3, "x"), (1, 3, "y"), False),
        ((2, 2, "x"), (2, 2, "y"), True),
        ((2, 2, "x"), (2, 5, "y"), True),
        ((5, 5, "x"), (2, 5, "y"), True),
        ((3, 3, "x"), (2, 5, "y"), False),
    ],
)
def test_edits_are_in_the_way_of_each_other_where_they_change_the_same(
    one: tuple[int, int, str], other: tuple[int, int, str], free: bool
) -> None:
    """Two insertions at one place can be made, one at the edge of a change, and the same change twice."""
    for first, second in ((one, other), (other, one)):
        every = Claims()
        patches = [replace(_patch(), edits=(Edit(Path("a.py"), *edit),)) for edit in (first, second)]
        assert [every.take(patch) for patch in patches] == [True, free]
