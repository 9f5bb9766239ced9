"""The harness itself: a fixture that is wrong must not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixpickle.testing import Mark, cross, find, fixtures, marks, mismatch, patches, settle, without_runtime

BEFORE = b"""\
class Cache:
    def __init__(self, scale):
        self.key = lambda row: row * scale  # finds: lambda-value


def subject():
    return Cache(3)


def behave(obj):
    return obj.key(2)
"""


def test_single_files_and_folders_are_read_as_cases(tmp_path: Path) -> None:
    rule = tmp_path / "lambda_value"
    for path in ("same.py", "other.py", "other.fixed.py", "many/before/a.py", "many/after/a.py", "many/after/b.py"):
        (rule / path).parent.mkdir(parents=True, exist_ok=True)
        (rule / path).write_text(path)
    found = {f.case: f for f in fixtures(tmp_path)}
    assert {case: f.changes for case, f in found.items()} == {"many": True, "other": True, "same": False}
    assert found["many"].rule == "lambda-value" and found["many"].probe == "probe"
    assert sorted(found["many"].after) == ["a.py", "b.py"]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# finds: lambda-value", ""),
        ("# left: lambda-value: whatever", "marked but not found"),
        ("# finds: local-function", "marked but not found"),
        ("", "found but not marked"),
    ],
)
def test_a_wrong_mark_is_told(comment: str, expected: str, tmp_path: Path) -> None:
    files = {"case.py": BEFORE.replace(b"# finds: lambda-value", comment.encode())}
    assert mismatch(marks(files), find(files, tmp_path)).startswith(expected)


def test_the_words_of_a_reason_may_be_any_part_of_it() -> None:
    found = Mark("a.py", 3, "bare-lock", "it guards a file at line 9")
    assert Mark("a.py", 3, "bare-lock", "guards a file").meets(found)
    assert not Mark("a.py", 3, "bare-lock").meets(found)
    assert not Mark("a.py", 4, "bare-lock", "guards a file").meets(found)


def test_a_subject_crosses_only_after_the_fix(tmp_path: Path) -> None:
    for name in ("run", "before", "after"):
        (tmp_path / name).mkdir()
    settled = settle({"case.py": BEFORE}, tmp_path / "run")
    before = cross({"case.py": BEFORE}, "case", tmp_path / "before")
    after = cross(settled.files, "case", tmp_path / "after")
    assert "<lambda>" in before.error
    assert (after.error, after.here, after.there) == ("", before.here, 6)
    assert list(without_runtime(settled.files)) == ["case.py"]
    assert settled.left() == []


def test_every_offered_fix_is_given_whatever_its_reach(tmp_path: Path) -> None:
    text = b"def by_age(rows):\n    return sorted(rows, key=lambda row: row.age)\n"
    standing, made = patches({"case.py": text}, tmp_path)
    assert [p.finding.rule for p in made] == ["lambda-value"]
    assert find({"case.py": text}, tmp_path) == []
    assert list(standing.sources) == [tmp_path / "case.py"]
