"""Every fixture of every rule, held to what the design asks of it."""

from __future__ import annotations

import ast
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

import pytest

from fixpickle.model import Patch, Proved
from fixpickle.rewrite.style import tidy
from fixpickle.standing import Standing, compose
from fixpickle.testing import (
    RUNTIME,
    Files,
    Fixture,
    Settled,
    cross,
    find,
    fixtures,
    marks,
    mismatch,
    patches,
    settle,
    without_runtime,
    write,
)

ALL = fixtures(Path(__file__).parent / "fixtures")
CHANGED = [f for f in ALL if f.changes]
RULES = sorted({f.rule for f in ALL})
ANSWERING = frozenset({"asks_through_its_methods", "makes_another_first"})
MANGLED = frozenset({"name_mangled_nested", "handed_out_by_a_package"})

every = pytest.mark.parametrize("fixture", ALL, ids=str)
changed = pytest.mark.parametrize("fixture", CHANGED, ids=str)


@lru_cache(maxsize=2)  # the tests of one fixture stand side by side
def settled(fixture: Fixture) -> Settled:
    with tempfile.TemporaryDirectory() as folder:
        return settle(fixture.before, Path(folder).resolve())


@lru_cache(maxsize=2)
def offered(fixture: Fixture) -> tuple[Standing, list[Patch]]:
    with tempfile.TemporaryDirectory() as folder:
        return patches(fixture.before, Path(folder).resolve())


# --- what is found, and what becomes of it --------------------------------------------------------------------------


@every
def test_findings_are_those_marked_on_their_lines(fixture: Fixture, tmp_path: Path) -> None:
    found = find(fixture.before, tmp_path)
    # A reason may show only when the fix is tried; until then the finding has none.
    expected = [m if any(m.meets(f) for f in found) else type(m)(m.path, m.line, m.rule) for m in marks(fixture.before)]
    assert mismatch(expected, found) == ""


@every
def test_what_is_left_says_the_marked_reason(fixture: Fixture) -> None:
    lasting = [m for m in marks(without_runtime(settled(fixture).files)) if m.reason]
    assert mismatch(lasting, settled(fixture).left()) == ""
    assert len(lasting) == len([m for m in marks(fixture.before) if m.reason])


@every
def test_result_is_byte_for_byte_the_fixed_file(fixture: Fixture) -> None:
    result = settled(fixture)
    assert result.report.taken_back == ()
    assert result.report.skipped == ()
    assert _texts(without_runtime(result.files)) == _texts(without_runtime(fixture.after))


@changed
def test_runtime_modules_that_are_imported_come_along(fixture: Fixture) -> None:
    files = settled(fixture).files
    there = {path.rpartition("/")[2].removesuffix(".py") for path in files}
    imported = {n for data in files.values() for n in RUNTIME.findall(data.decode()) if b"import " + n.encode() in data}
    assert imported <= there


@changed
def test_second_run_changes_nothing(fixture: Fixture, tmp_path: Path) -> None:
    files = settled(fixture).files
    again = settle(files, tmp_path)
    assert again.report.fixed == ()
    assert again.files == files


def _texts(files: Files) -> dict[str, str]:
    """As text, whose differences pytest shows line by line; surrogates stand for bytes that are not UTF-8."""
    return {path: data.decode("utf-8", "surrogateescape") for path, data in files.items()}


# --- patches, alone and together ------------------------------------------------------------------------------------


@every
def test_each_fix_alone_and_any_subset_compiles(fixture: Fixture) -> None:
    standing, made = offered(fixture)
    dice = random.Random(fixture.case)
    subsets = [[p] for p in made] + [[p for p in made if dice.random() < 0.5] for _ in range(4 if len(made) > 2 else 0)]
    for subset in subsets:
        for path, text in compose(standing, _compatible(subset), _as_it_is).items():
            compile(text, str(path), "exec", dont_inherit=True)


def _compatible(some: Sequence[Patch]) -> list[Patch]:
    """Those of the patches, first come first kept, whose edits do not overlap."""
    kept: list[Patch] = []
    for patch in some:
        ours = [e for p in kept for e in p.edits]
        if not any(a.path == b.path and a.start < b.end and b.start < a.end for a in patch.edits for b in ours):
            kept.append(patch)
    return kept


def _as_it_is(old: str, new: str, path: Path) -> str:
    return new


@changed
def test_statements_without_an_edit_keep_every_byte(fixture: Fixture) -> None:
    standing, made = offered(fixture)
    kept = _compatible(made)
    texts = compose(standing, kept, tidy)
    for path in {e.path for p in kept for e in p.edits}:
        at = 0
        for block in _untouched(standing, kept, path):
            found = texts[path].find(block, at)
            assert found >= 0, f"changed without reason: {block}"
            at = found + len(block)


def _untouched(standing: Standing, kept: Sequence[Patch], path: Path) -> Iterator[str]:
    source, edits = standing.sources[path], [e for p in kept for e in p.edits if e.path == path]
    for statement in standing.facts[path].statements:
        if not any(e.start < statement.span.end and statement.span.start < e.end for e in edits):
            yield source.text[statement.span.start : statement.span.end]


# --- other bytes, the same text -------------------------------------------------------------------------------------


def _windows(data: bytes) -> bytes:
    """A byte order mark, and lines that end in two characters."""
    return b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")


def _latin(data: bytes) -> bytes:
    """Latin-1, where it has the characters and a cookie can come first; no newline at the end."""
    text = data.decode().rstrip("\n")
    if text.startswith("#!") or max(text, default=" ") > "\xff":
        return text.encode()
    return b"# -*- coding: latin-1 -*-\n" + text.encode("latin-1")


@pytest.mark.parametrize("variant", [_windows, _latin], ids=["windows", "latin"])
@every
def test_other_newlines_and_encodings_give_the_same(
    fixture: Fixture, variant: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    before = _varied(fixture.before, fixture.before, variant)
    result = settle(before, tmp_path)
    expected = _varied(fixture.after, fixture.before, variant)
    assert _lines(result.files, before) == _lines(expected, before)
    assert _applied(result.diff, before, tmp_path) == result.files


def _varied(files: Files, old: Files, variant: Callable[[bytes], bytes]) -> dict[str, bytes]:
    """The files with their bytes varied, but for those a fix makes."""
    return {p: variant(d) if p.endswith(".py") and p in old and d else d for p, d in files.items()}


def _lines(files: Files, old: Files) -> dict[str, list[bytes]]:
    """Lines with their ends, whose differences pytest shows one by one; files a fix makes may choose their newlines."""
    return {path: data.splitlines(keepends=path in old) for path, data in without_runtime(files).items()}


@changed
def test_printed_diff_goes_through_git_apply(fixture: Fixture, tmp_path: Path) -> None:
    result = settled(fixture)
    assert _applied(result.diff, fixture.before, tmp_path) == result.files


def _applied(diff: bytes, before: Files, folder: Path) -> dict[str, bytes]:
    write(before, folder)
    if diff:
        # Configuration of the machine must not decide about white space.
        command = ["git", "-c", "core.autocrlf=false", "-c", "apply.whitespace=nowarn", "apply", "-"]
        subprocess.run(command, input=diff, cwd=folder, check=True, capture_output=True)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@changed
def test_tabs_give_the_same_program(fixture: Fixture, tmp_path: Path) -> None:
    before = {p: _tabbed(d) if p.endswith((".py", ".ipynb")) else d for p, d in fixture.before.items()}
    result = settle(before, tmp_path)
    assert result.report.taken_back == ()
    for path, data in without_runtime(fixture.after).items():
        if path.endswith(".py"):
            assert _program(result.files[path]) == _program(data)


def _tabbed(data: bytes) -> bytes:
    lines = data.decode().split("\n")
    inside = {
        line
        for node in ast.walk(ast.parse(data))
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno
        for line in range(node.lineno, node.end_lineno)
    }
    tabbed = [
        x if n in inside else re.sub(r"^( {4})+", lambda m: "\t" * (len(m[0]) // 4), x) for n, x in enumerate(lines)
    ]
    return "\n".join(tabbed).encode()


def _program(data: bytes) -> str:
    return ast.dump(ast.parse(data))


def skip_without_what_it_needs(fixture: Fixture) -> None:
    """A fixture that has nothing to prove without a library, or before a Python, says so: `# needs: ray`."""
    for data in fixture.before.values():
        for major, minor in re.findall(rb"^# needs: python (\d+)\.(\d+)$", data, re.MULTILINE):
            if sys.version_info < (int(major), int(minor)):
                pytest.skip(f"needs Python {int(major)}.{int(minor)}")
        for name in re.findall(rb"^# needs: (\w+)$", data, re.MULTILINE):
            pytest.importorskip(name.decode())
    if sys.version_info < (3, 11) and fixture.case in ANSWERING:
        pytest.skip(
            "before 3.11 objects have no `__getstate__`, pickle asks `__getattr__` for it, and this one answers"
        )
    if sys.version_info >= (3, 15) and fixture.case in MANGLED:
        pytest.skip(
            "from 3.15 pickle finds nested classes with private names (gh-77188), and there is nothing to prove"
        )


# --- the crossing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", [f for f in CHANGED if f.crosses], ids=str)
def test_subject_crosses_only_after_the_fix_and_behaves_as_before(fixture: Fixture, tmp_path: Path) -> None:
    skip_without_what_it_needs(fixture)
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = cross(fixture.before, fixture.probe, tmp_path / "before")
    after = cross(settled(fixture).files, fixture.probe, tmp_path / "after")
    assert before.error != "" or before.there != before.here  # an exception may arrive, with another message
    assert after.error == ""
    assert after.here is not None
    assert after.there == after.here
    if before.here is not None:
        assert after.here == before.here


def proved(rule: str) -> Settled:
    """The single files of one rule in one run, because proofs are made in batches."""
    files = {p: d for f in CHANGED if f.rule == rule and f.probe == f.case for p, d in f.before.items()}
    with tempfile.TemporaryDirectory() as folder:
        return settle(files, Path(folder).resolve(), verify=True)


@pytest.fixture(scope="session")
def batch(once: Callable[[str, Callable[[], Settled]], Settled]) -> Callable[[str], Settled]:
    return cache(lambda rule: once(f"proved-{rule}", lambda: proved(rule)))


@changed
def test_every_fix_is_proved(fixture: Fixture, tmp_path: Path, batch: Callable[[str], Settled]) -> None:
    skip_without_what_it_needs(fixture)
    alone = fixture.probe != fixture.case
    report = (settle(fixture.before, tmp_path, verify=True) if alone else batch(fixture.rule)).report
    names = {Path(p).name for p in fixture.before}
    assert [t for t in report.taken_back if t.patch.finding.path.name in names] == []
    verdicts = [f.verdict for f in report.fixed if f.patch.finding.path.name in names]
    assert verdicts
    unproved = [v for v in verdicts if not isinstance(v, Proved)]
    assert unproved == [] or not fixture.crosses


# --- restraint ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_more_cases_it_leaves_alone_than_cases_it_changes(rule: str) -> None:
    count = Counter(f.changes for f in ALL if f.rule == rule)
    assert count[False] > count[True]
