from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fixpickle.discover import discover


def tree(root: Path, *files: str) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def below(root: Path, *paths: Path, exclude: tuple[str, ...] = ()) -> list[str]:
    files, refused = discover(paths or (root,), exclude, root)
    assert refused == ()
    assert all(f.is_absolute() for f in files)
    return [f.relative_to(root).as_posix() for f in files]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def test_only_python_files_are_found_and_they_come_sorted(tmp_path: Path) -> None:
    tree(tmp_path, "b.py", "a.py", "a.pyi", "a.txt", "sub/c.py", "sub/d.pyc", "py")
    assert below(tmp_path) == ["a.py", "b.py", "sub/c.py"]


def test_a_file_given_twice_or_also_by_its_folder_comes_once(tmp_path: Path) -> None:
    tree(tmp_path, "sub/a.py")
    assert below(tmp_path, tmp_path, tmp_path / "sub", tmp_path / "sub" / "a.py") == ["sub/a.py"]


def test_folders_of_tools_and_environments_are_not_entered(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", ".venv/b.py", "build/b.py", "lib/site-packages/b.py", "node_modules/x/b.py", ".git/b.py")
    tree(tmp_path, "myenv/pyvenv.cfg", "myenv/lib/c.py")
    assert below(tmp_path) == ["a.py"]


def test_a_given_folder_is_entered_whatever_its_name(repo: Path) -> None:
    (repo / ".gitignore").write_text(".venv/\n")
    package = repo / ".venv" / "lib" / "site-packages" / "joblib"
    tree(package, "parallel.py", "build/x.py", "deep/y.py")
    assert below(package) == ["deep/y.py", "parallel.py"]
    assert below(repo, repo / ".venv" / "lib" / "site-packages")[-1].endswith("joblib/parallel.py")
    tree(repo, "myenv/pyvenv.cfg", "myenv/lib/c.py")
    assert below(repo / "myenv") == ["lib/c.py"]


def test_a_given_file_is_taken_even_if_ignored_or_without_a_suffix(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.py\n")
    tree(repo, "a.py", "tool", "a.pyi")
    assert below(repo) == []
    assert below(repo, repo / "a.py", repo / "tool", repo / "a.pyi") == ["a.py", "tool"]


def test_gitignore_is_honoured_at_every_level_and_the_inner_one_wins(repo: Path) -> None:
    (repo / ".gitignore").write_text("gen_*.py\n/only_top.py\nlogs/\n")
    tree(repo, "gen_a.py", "only_top.py", "logs/x.py", "pkg/gen_b.py", "pkg/only_top.py", "pkg/keep/gen_c.py")
    (repo / "pkg" / "keep" / ".gitignore").write_text("!gen_c.py\nlocal.py\n")
    tree(repo, "pkg/keep/local.py")
    assert below(repo) == ["pkg/keep/gen_c.py", "pkg/only_top.py"]
    assert below(repo, repo / "pkg") == ["pkg/keep/gen_c.py", "pkg/only_top.py"]


def test_gitignore_above_the_repository_does_not_speak(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.py\n")
    inner = tmp_path / "inner"
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    tree(inner, "a.py")
    assert below(tmp_path, inner) == ["inner/a.py"]


def test_info_exclude_is_honoured_also_in_a_linked_worktree(repo: Path) -> None:
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "exclude").write_text("scratch.py\n")
    tree(repo, "a.py", "scratch.py")
    assert below(repo) == ["a.py"]
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, "commit", "-qm", "x", "--allow-empty"], cwd=repo, check=True)
    subprocess.run(["git", "worktree", "add", "-q", "linked"], cwd=repo, check=True, capture_output=True)
    tree(repo / "linked", "a.py", "scratch.py")
    assert below(repo / "linked") == ["a.py"]


def test_a_broken_line_in_gitignore_does_not_cost_the_others(repo: Path) -> None:
    (repo / ".gitignore").write_text("!\nx.py\n")
    tree(repo, "x.py", "y.py")
    assert below(repo) == ["y.py"]


def test_exclude_patterns_count_from_the_root(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "docs/conf.py", "pkg/docs/x.py", "pkg/test_a.py")
    assert below(tmp_path, exclude=("/docs", "test_*.py")) == ["a.py", "pkg/docs/x.py"]
    assert below(tmp_path, tmp_path / "docs" / "conf.py", exclude=("/docs",)) == ["docs/conf.py"]


def test_links_to_folders_are_not_followed_and_a_file_is_not_found_twice(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    tree(outside, "far.py")
    root = tmp_path / "root"
    tree(root, "a.py")
    (root / "again.py").symlink_to(root / "a.py")
    (root / "far.py").symlink_to(outside / "far.py")
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "dangling.py").symlink_to(root / "nowhere.py")
    assert below(root) == ["a.py", "far.py"]


def test_a_path_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    files, refused = discover([tmp_path / "nope.py"], (), tmp_path)
    assert files == ()
    assert [(r.path, r.reason) for r in refused] == [(tmp_path / "nope.py", "no such file or directory")]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder this user may not list")
def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    _, refused = discover([tmp_path], (), tmp_path)
    assert "cannot be listed" in refused[0].reason


PATTERNS = [
    "*.py\n!keep.py\n",
    "a/*\n!a/b\n",
    "**/b/\n",
    "*\n!*/\n!x.py\n",
    "/a/**/x.py\n",
    "b/x.py\n",
    "a\n!a/\n",
    "\\!x.py\n",
]


@pytest.mark.parametrize("top", PATTERNS)
@pytest.mark.parametrize("inner", ["", "!x.py\n", "*.py\n", "!b/\n"])
def test_what_is_found_is_what_git_does_not_ignore(repo: Path, top: str, inner: str) -> None:
    files = [f"{d}{n}" for d in ("", "a/", "a/b/", "a/c/", "b/") for n in ("x.py", "keep.py", "!x.py")]
    tree(repo, *files)
    (repo / ".gitignore").write_text(top)
    (repo / "a" / ".gitignore").write_text(inner)
    listed = subprocess.run(
        ["git", "ls-files", "-o", "--exclude-standard", "-z", "*.py"], cwd=repo, check=True, capture_output=True
    )
    assert below(repo) == sorted(name for name in listed.stdout.decode().split("\0") if name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.py", True),
        ("vendored/a.py", False),
        ("vendored", False),
        ("build/a.py", False),
        ("made/a.py", False),
        ("made/kept.py", True),
        ("pkg/own.py", False),
        ("pkg/a.py", True),
    ],
)
def test_with_force_a_given_path_is_left_out_where_a_walk_would_not_come_to_it(
    given: str, kept: bool, repo: Path
) -> None:
    tree(repo, "a.py", "vendored/a.py", "build/a.py", "made/a.py", "made/kept.py")
    tree(repo, "pkg/own.py", "pkg/a.py")
    (repo / ".gitignore").write_text("made/*\n!made/kept.py\n")
    (repo / "pkg" / ".gitignore").write_text("own.py\n")
    path = repo / given
    found, refused = discover([path], ("vendored/",), repo, force=True)
    assert refused == () and [f for f in found if f == path] == ([path] if kept else []) and bool(found) is kept
    walked, _ = discover([repo], ("vendored/",), repo)
    assert (path in walked) is kept
    assert discover([path], ("vendored/",), repo)[0] != ()
