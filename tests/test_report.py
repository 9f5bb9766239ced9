from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixpickle.model import (
    Carrier,
    Change,
    Edit,
    Evidence,
    Finding,
    Fixed,
    Instance,
    Left,
    Patch,
    Proved,
    Reach,
    Refusal,
    Refuted,
    RunReport,
    Safety,
    Source,
    Span,
    TakenBack,
    Unproved,
)
from fixpickle.report import View
from fixpickle.report.diff import unified
from fixpickle.report.json import as_dict
from fixpickle.report.json import render as render_json
from fixpickle.report.text import render, summary
from fixpickle.source import decode, encode, read

ROOT = Path("/project")


def finding(name: str = "a.py", line: int = 3, reason: str = "") -> Finding:
    reach = Reach(Evidence.BOUNDARY, ("it is passed to pool.map", "pool is a Pool"))
    return Finding("lambda-value", ROOT / name, Span(9, 12, line, 5), "a lambda is pickled", reach, Safety.SAFE, reason)


def patch(name: str = "a.py", line: int = 3, *notes: str) -> Patch:
    return Patch(finding(name, line), (Edit(ROOT / name, 0, 0, "x"),), notes=notes)


REPORT = RunReport(
    root=ROOT,
    files=4,
    fixed=(
        Fixed(patch("b.py", 7), Unproved("the module cannot be imported", "")),
        Fixed(patch("a.py", 3, "check the docs"), Proved("by reference, a._key", "PicklingError: no\nsecond line")),
    ),
    taken_back=(TakenBack(patch("c.py"), Refuted("it hung", "TypeError: cannot pickle")),),
    left=(Left(finding("d.py", 10), "the name is bound again"), Left(finding("d.py", 9), "")),
    skipped=(Refusal(ROOT / "e.py", "not valid utf-8", 2), Refusal(Path("/elsewhere/f.py"), "cannot be read")),
    changes=(Change(ROOT / "a.py", "old", "new"), Change(ROOT / "_new.py", None, "new")),
    python="/usr/bin/python3",
    seconds=1.26,
)


def test_the_text_says_of_each_finding_what_became_of_it_and_why() -> None:
    assert render(REPORT, View(ROOT)) == ("""\
a.py:3:5: lambda-value: a lambda is pickled [proved]
    why     it is passed to pool.map, pool is a Pool
    proof   by reference, a._key
    before  PicklingError: no
            second line
    note    check the docs
b.py:7:5: lambda-value: a lambda is pickled [unproved]
    why     it is passed to pool.map, pool is a Pool
    proof   the module cannot be imported
c.py:3:5: lambda-value: a lambda is pickled [taken back]
    why     it is passed to pool.map, pool is a Pool
    proof   it hung
    before  TypeError: cannot pickle
d.py:9:5: lambda-value: a lambda is pickled [left]
    why     it is passed to pool.map, pool is a Pool
d.py:10:5: lambda-value: a lambda is pickled [left]
    why     it is passed to pool.map, pool is a Pool
    left    the name is bound again
/elsewhere/f.py: cannot be read [skipped]
e.py:2: not valid utf-8 [skipped]
2 fixed (1 proved, 1 unproved), 1 taken back, 2 left, 2 skipped in 4 files, 1.3 s; nothing was written
""")


def test_the_quiet_text_says_only_what_is_left_to_do() -> None:
    quiet = render(REPORT, View(ROOT, quiet=True))
    assert "[proved]" not in quiet and "fixed (" not in quiet
    assert all(word in quiet for word in ("[taken back]", "[left]", "[skipped]"))
    assert render(RunReport(ROOT, 1), View(ROOT, quiet=True)) == ""


def test_a_check_lists_findings_and_marks_those_that_can_be_fixed() -> None:
    lines = render(REPORT, View(ROOT, found=True)).splitlines()
    shared = "lambda-value: a lambda is pickled [it is passed to pool.map, pool is a Pool]"
    assert lines[:3] == [f"d.py:9:5: {shared} [*]", f"d.py:10:5: {shared}", "    left    the name is bound again"]
    assert lines[-1] == "2 findings (1 to fix with `fixpickle apply`), 2 skipped in 4 files, 1.3 s"


@pytest.mark.parametrize("view", [View(ROOT), View(ROOT, quiet=True), View(ROOT, found=True)])
def test_colour_adds_only_escapes(view: View) -> None:
    colored = render(REPORT, replace(view, color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == render(REPORT, view)


def test_a_whole_object_is_shown_with_the_fixes_it_needed_and_what_is_in_its_way() -> None:
    fix = REPORT.fixed[0].patch.finding
    still = Refuted("TypeError: no; Shop.door is a re.Match, set in Shop at shop.py:3", "TypeError: lock")
    report = RunReport(ROOT, 1, carriers=(Carrier(Instance("shop", "Shop"), (fix,), still),))
    assert render(report, View(ROOT)).splitlines()[:4] == [
        "shop.Shop does not cross yet",
        f"    needed  {fix.rule} at {fix.path.name}:{fix.span.line}",
        "    because TypeError: no; Shop.door is a re.Match, set in Shop at shop.py:3",
        "    before  TypeError: lock",
    ]
    assert summary(report).startswith("0 fixed (0 proved, 0 unproved), 1 class not crossing yet, ")
    (carrier,) = json.loads(render_json(report, View(ROOT)))["carriers"]
    assert (carrier["module"], carrier["class"], carrier["verdict"]["kind"]) == ("shop", "Shop", "refuted")


def test_paths_are_shown_from_where_the_reader_is() -> None:
    assert "\n/project/e.py:2:" in render(REPORT, View(Path("/other")))
    assert "\nproject/e.py:2:" in render(REPORT, View(Path("/")))


def test_one_of_a_thing_is_not_many() -> None:
    assert (
        summary(RunReport(ROOT, 1))
        == "0 fixed (0 proved, 0 unproved), 0 taken back, 0 left, 0 skipped in 1 file, 0.0 s"
    )


def test_the_json_has_a_schema_and_a_stable_order() -> None:
    document = json.loads(render_json(REPORT, View(ROOT)))
    assert document["schema"] == 1
    assert [item["path"] for item in document["fixed"]] == ["a.py", "b.py"]
    assert document["fixed"][0] == {
        "rule": "lambda-value",
        "path": "a.py",
        "line": 3,
        "column": 5,
        "message": "a lambda is pickled",
        "safety": "safe",
        "fixable": True,
        "fingerprint": "",
        "reach": {
            "evidence": "boundary",
            "chain": ["it is passed to pool.map", "pool is a Pool"],
            "pickler": "pickle",
        },
        "files": ["a.py"],
        "notes": ["check the docs"],
        "verdict": {
            "kind": "proved",
            "how": "by reference, a._key",
            "before": "PicklingError: no\nsecond line",
            "unexercised": "",
        },
    }
    assert document["fixed"][1]["verdict"]["kind"] == "unproved"
    assert document["taken_back"][0]["verdict"] == {
        "kind": "refuted",
        "reason": "it hung",
        "before": "TypeError: cannot pickle",
    }
    assert [(item["line"], item["reason"]) for item in document["left"]] == [(9, ""), (10, "the name is bound again")]
    assert document["skipped"][0] == {"path": "/elsewhere/f.py", "line": 0, "rule": "", "reason": "cannot be read"}
    assert document["changes"] == [{"path": "_new.py", "new": True}, {"path": "a.py", "new": False}]
    assert (document["files"], document["written"], document["clean"]) == (4, False, False)
    assert list(as_dict(REPORT)) == list(document)


# --- the patch ------------------------------------------------------------------------------------------------------


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "--template=", str(tmp_path)], check=True)
    subprocess.run(["git", "config", "core.autocrlf", "false"], cwd=tmp_path, check=True)
    return tmp_path


def git_apply(repo: Path, patch: bytes, *arguments: str) -> None:
    done = subprocess.run(["git", "apply", *arguments], cwd=repo, input=patch, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def change(path: Path, data: bytes, new: str) -> tuple[Change, Source, bytes]:
    """A file on disk, the change that makes it `new`, and the bytes that should come of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    source = read(path, explicit=True)
    assert isinstance(source, Source)
    want = encode(new, source)
    assert isinstance(want, bytes)
    return Change(path, source.text, new), source, want


FILES = {
    "plain": (b"a = 1\nb = 2\n", "a = 1\nb = 3\n"),
    "windows newlines": (b"a = 1\r\nb = 2\r\n", "a = 1\r\nc = 0\r\nb = 2\r\n"),
    "mixed newlines": (b"a = 1\r\nb = 2\nc = 3\rd = 4\n", "a = 1\r\nb = 3\nc = 3\rd = 4\n"),
    "no newline before": (b"a = 1", "a = 1\n"),
    "no newline after": (b"a = 1\nb = 2\n", "a = 1\nb = 2"),
    "no newline on either side": (b"a = 1\nb = 2", "b = 0\na = 1\nb = 2"),
    "latin-1": (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é\xfc'\n"),
    "byte order mark": (b"\xef\xbb\xbfa = 1\n", "a = 2\n"),
    "form feed": (b"a = 1\n\x0cb = 2\n", "a = 1\n\x0cb = 3\n"),
    "emptied": (b"a = 1\n", ""),
    "filled": (b"", "a = 1\n"),
    "lines like a patch": (b"-- a\n++ b\n\\ c\n", "-- a\n++ d\n\\ c\n--- x\n"),
}


@pytest.mark.parametrize(("data", "new"), FILES.values(), ids=FILES.keys())
def test_git_applies_the_patch_and_gets_the_same_bytes(data: bytes, new: str, repo: Path) -> None:
    made, source, want = change(repo / "pkg" / "m.py", data, new)
    git_apply(repo, unified([made], repo / "pkg", {made.path: source}))
    assert made.path.read_bytes() == want


@pytest.mark.parametrize("name", ["two words.py", "naïve.py", 'a"b.py', "tab\there.py", "back\\slash.py", " b/c .py"])
def test_git_finds_a_file_of_any_name(name: str, repo: Path) -> None:
    made, source, want = change(repo / name, b"a = 1\n", "a = 2\n")
    git_apply(repo, unified([made], repo, {made.path: source}))
    assert made.path.read_bytes() == want


@pytest.mark.parametrize("text", ["x = 'é'\n", "no newline", ""])
def test_git_makes_a_new_file(text: str, repo: Path) -> None:
    path = repo / "new file.py"
    git_apply(repo, unified([Change(path, None, text)], repo))
    assert path.read_bytes() == text.encode()


def test_one_patch_holds_all_files_in_order_and_can_be_taken_back(repo: Path) -> None:
    made = [change(repo / name, b"a = 1\n" * 50, "a = 1\n" * 20 + "b = 2\n") for name in ("z.py", "a.py")]
    changes = [*(one for one, _, _ in made), Change(repo / "n.py", None, "n\n")]
    patch = unified(changes, repo, {source.path: source for _, source, _ in made})
    assert [line for line in patch.splitlines() if line.startswith(b"diff")] == [
        b"diff --git a/a.py b/a.py",
        b"diff --git a/n.py b/n.py",
        b"diff --git a/z.py b/z.py",
    ]
    git_apply(repo, patch)
    assert all(one.path.read_bytes() == want for one, _, want in made)
    git_apply(repo, patch, "-R")
    assert all(one.path.read_bytes() == b"a = 1\n" * 50 for one, _, _ in made)
    assert not (repo / "n.py").exists()


def test_a_change_that_changes_nothing_leaves_no_trace(repo: Path) -> None:
    assert unified([Change(repo / "a.py", "x", "x")], repo) == b""


def test_a_patch_goes_to_the_file_behind_a_link(repo: Path) -> None:
    made, source, want = change(repo / "real.py", b"a = 1\n", "a = 2\n")
    (repo / "link.py").symlink_to(made.path)
    patch = unified([Change(repo / "link.py", made.old, made.new)], repo, {made.path: source})
    git_apply(repo, patch)
    assert made.path.read_bytes() == want


LINES = st.lists(st.sampled_from(["a", "b", "", "\r", "é", "\x0c", "-", "@@ -1 +1 @@"]), max_size=12)


@given(old=LINES, new=LINES, ended=st.booleans(), ends=st.booleans())
@settings(deadline=None, max_examples=40)
def test_git_applies_the_patch_between_any_two_texts(
    old: list[str], new: list[str], ended: bool, ends: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    before, after = "\n".join(old) + "\n" * ended, "\n".join(new) + "\n" * ends
    source = decode(before.encode(), folder / "m.py", explicit=True)
    assert isinstance(source, Source)
    source.path.write_bytes(before.encode())
    patch = unified([Change(source.path, before, after)], folder, {source.path: source})
    if patch:
        git_apply(folder, patch)
    assert source.path.read_bytes() == after.encode()


def test_without_a_repository_paths_count_from_the_folder_the_command_was_given_in(tmp_path: Path) -> None:
    change = Change(tmp_path / "pkg" / "m.py", "x = 1\n", "x = 2\n")
    below = unified([change], tmp_path / "pkg", base=tmp_path)
    assert b"--- a/pkg/m.py" in below
    elsewhere = unified([change], tmp_path / "pkg", base=tmp_path / "other")
    assert b"--- a/m.py" in elsewhere
