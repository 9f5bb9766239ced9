from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixpickle.model import (
    Change,
    Edit,
    Evidence,
    Finding,
    Fixed,
    NewFile,
    Patch,
    Reach,
    Refusal,
    RunReport,
    Source,
    Span,
    Unproved,
)
from fixpickle.source import read
from fixpickle.write import _commit, _File, _stage, account, grouped, write


def source_of(path: Path) -> Source:
    source = read(path)
    assert isinstance(source, Source)
    return source


def file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def rewrite(*paths: Path) -> tuple[list[Change], dict[Path, Source]]:
    """Changes that append a line to each file as it is now."""
    sources = {path: source_of(path) for path in paths}
    return [Change(p, s.text, s.text + "y = 2" + s.newline) for p, s in sources.items()], sources


def patch(*edited: Path, new: Path | None = None) -> Patch:
    finding = Finding("some-rule", edited[0], Span(0, 1, 1, 1), "message", Reach(Evidence.STATE, ("chain",)))
    return Patch(finding, tuple(Edit(p, 0, 0, "x") for p in edited), (NewFile(new, "new"),) if new else ())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_change_reaches_the_disk_in_the_files_own_encoding(tmp_path: Path) -> None:
    latin = file(tmp_path / "latin.py", b"# coding: latin-1\r\nx = '\xe9'\r\n")
    marked = file(tmp_path / "marked.py", b"\xef\xbb\xbfx = 1\n")
    changes, sources = rewrite(latin, marked)
    assert write([changes], sources) == ()
    assert latin.read_bytes() == b"# coding: latin-1\r\nx = '\xe9'\r\ny = 2\r\n"
    assert marked.read_bytes() == b"\xef\xbb\xbfx = 1\ny = 2\n"
    assert names(tmp_path) == ["latin.py", "marked.py"]


def test_the_mode_stays_and_a_link_is_written_through(tmp_path: Path) -> None:
    real = file(tmp_path / "real.py", b"x = 1\n")
    real.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(real)
    changes, sources = rewrite(link)
    assert write([changes], sources) == ()
    assert link.is_symlink()
    assert real.read_bytes() == b"x = 1\ny = 2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o750


def test_a_file_that_changed_meanwhile_costs_its_group_and_no_other(tmp_path: Path) -> None:
    a, b, c = (file(tmp_path / name, b"x = 1\n") for name in ("a.py", "b.py", "c.py"))
    changes, sources = rewrite(a, b, c)
    b.write_bytes(b"x = 1  # edited\n")
    refused = write([changes[:2], changes[2:]], sources)
    assert [(r.path, r.reason) for r in refused] == [(b, "changed on disk since it was read; run again")]
    assert a.read_bytes() == b"x = 1\n"
    assert b.read_bytes() == b"x = 1  # edited\n"
    assert c.read_bytes() == b"x = 1\ny = 2\n"
    assert names(tmp_path) == ["a.py", "b.py", "c.py"]


def test_a_file_that_changes_while_the_others_are_staged_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (file(tmp_path / name, b"x = 1\n") for name in ("a.py", "b.py"))
    changes, sources = rewrite(a, b)

    def staged(one: _File) -> list[Refusal]:
        b.write_bytes(b"x = 1  # edited\n")
        return _stage(one)

    monkeypatch.setattr("fixpickle.write._stage", staged)
    assert [r.path for r in write([changes], sources)] == [b]
    assert (a.read_bytes(), b.read_bytes()) == (b"x = 1\n", b"x = 1  # edited\n")
    assert names(tmp_path) == ["a.py", "b.py"]


def test_a_new_file_is_there_before_what_imports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited, new = file(tmp_path / "a.py", b"x = 1\n"), tmp_path / "new.py"
    changes, sources = rewrite(edited)
    there: list[bool] = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda staged, to: (there.append(new.exists()), replace(staged, to))[1])
    assert write([[*changes, Change(new, "", "z = 3\n")]], sources) == ()
    assert there == [True]


def test_a_file_that_is_gone_is_refused_and_not_made_again(tmp_path: Path) -> None:
    a = file(tmp_path / "a.py", b"x = 1\n")
    changes, sources = rewrite(a)
    a.unlink()
    assert [r.reason for r in write([changes], sources)] == ["is gone since it was read"]
    assert names(tmp_path) == []


def test_a_character_the_file_cannot_hold_costs_the_group(tmp_path: Path) -> None:
    a = file(tmp_path / "a.py", b"x = 1\n")
    latin = file(tmp_path / "latin.py", b"# coding: latin-1\n")
    changes, sources = rewrite(a, latin)
    changes[1] = Change(latin, changes[1].old, "# coding: latin-1\nx = '€'\n")
    refused = write([changes], sources)
    assert refused[0].path == latin and "'€'" in refused[0].reason
    assert a.read_bytes() == b"x = 1\n"


def test_a_new_file_is_made_with_the_usual_mode(tmp_path: Path) -> None:
    reference = file(tmp_path / "reference", b"")
    new = tmp_path / "new.py"
    assert write([[Change(new, None, "x = 'é'\n")]], {}) == ()
    assert new.read_bytes() == "x = 'é'\n".encode()
    assert new.stat().st_mode == reference.stat().st_mode
    assert names(tmp_path) == ["new.py", "reference"]


def test_a_new_file_that_is_there_already_must_hold_the_same(tmp_path: Path) -> None:
    same, other = file(tmp_path / "same.py", b"x = 1\n"), file(tmp_path / "other.py", b"mine\n")
    a = file(tmp_path / "a.py", b"x = 1\n")
    changes, sources = rewrite(a)
    refused = write([[Change(same, None, "x = 1\n")], [Change(other, None, "x = 1\n"), *changes]], sources)
    assert [(r.path, r.reason) for r in refused] == [(other, "is there already, with other content")]
    assert other.read_bytes() == b"mine\n"
    assert a.read_bytes() == b"x = 1\n"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_write_protected_file_is_refused(tmp_path: Path) -> None:
    a = file(tmp_path / "a.py", b"x = 1\n")
    changes, sources = rewrite(a)
    a.chmod(0o444)
    assert [r.reason for r in write([changes], sources)] == ["is write-protected"]


def test_a_folder_that_is_not_there_costs_the_group(tmp_path: Path) -> None:
    a = file(tmp_path / "a.py", b"x = 1\n")
    changes, sources = rewrite(a)
    inside = tmp_path / "no" / "such" / "folder" / "n.py"
    refused = write([[Change(inside, None, "x"), Change(tmp_path / "n.py", None, "x"), *changes]], sources)
    assert [r.path for r in refused] == [inside]
    assert a.read_bytes() == b"x = 1\n"
    assert names(tmp_path) == ["a.py"]


def test_a_failure_half_way_puts_back_what_was_written(tmp_path: Path) -> None:
    a, b, new, staged = (tmp_path / name for name in ("a.py", "b.py", "new.py", "staged"))
    file(a, b"old"), file(staged, b"new"), file(tmp_path / "staged new", b"new")
    files = [
        _File(new, new, tmp_path / "staged new", b"", b"new", None),
        _File(a, a, staged, b"old", b"new", "digest"),
        _File(b, b, tmp_path / "not staged", b"old", b"new", "digest"),
    ]
    assert [r.path for r in _commit(files)] == [b]
    assert a.read_bytes() == b"old"
    assert not new.exists()


def test_a_run_killed_at_any_moment_leaves_every_file_wholly_old_or_wholly_new(tmp_path: Path) -> None:
    old = b"x = 1\n" * 2000
    paths = [file(tmp_path / f"m{n}.py", old) for n in range(300)]
    run = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)])
    deadline = time.monotonic() + 20
    while paths[20].read_bytes() == old and time.monotonic() < deadline:
        time.sleep(0.001)
    run.kill()
    run.wait()
    assert {path.read_bytes() for path in paths} <= {old, old + b"y = 2\n"}
    assert all(path.suffix == ".fixpickle" for path in tmp_path.iterdir() if path not in paths)


WRITER = """
import sys
from pathlib import Path
from fixpickle.model import Change
from fixpickle.source import read
from fixpickle.write import write
sources = {path: read(path) for path in Path(sys.argv[1]).iterdir()}
write([[Change(s.path, s.text, s.text + "y = 2\\n")] for _, s in sorted(sources.items())], sources)
"""


def test_patches_that_edit_one_file_share_their_fate_and_a_common_new_file_does_not_bind_them(tmp_path: Path) -> None:
    a, b, c, d, new = (tmp_path / name for name in ("a.py", "b.py", "c.py", "d.py", "new.py"))
    patches = [patch(a, b), patch(b, c, new=new), patch(d, new=new)]
    changes = tuple(Change(path, None if path == new else "", "x") for path in (a, b, c, d, new))
    report = RunReport(tmp_path, 4, fixed=tuple(Fixed(p, Unproved("no")) for p in patches), changes=changes)
    assert [[change.path for change in group] for group in grouped(report)] == [[a, b, c, new], [d, new]]


def test_what_could_not_be_written_is_left_and_not_fixed(tmp_path: Path) -> None:
    a, b, d, new = (tmp_path / name for name in ("a.py", "b.py", "d.py", "new.py"))
    patches = [patch(a, b, new=new), patch(d, new=new)]
    changes = tuple(Change(path, None if path == new else "", "x") for path in (a, b, d, new))
    report = RunReport(tmp_path, 3, fixed=tuple(Fixed(p, Unproved("no")) for p in patches), changes=changes)
    refused = (Refusal(b, "changed on disk"),)
    after = account(report, refused)
    assert [f.patch for f in after.fixed] == [patches[1]]
    assert [(left.finding.path, left.reason) for left in after.left] == [(a, "b.py changed on disk")]
    assert [change.path for change in after.changes] == [d, new]
    assert after.skipped == refused and not after.clean
    assert account(report, ()).fixed == report.fixed
