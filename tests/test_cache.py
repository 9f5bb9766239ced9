"""A run says the same with a cache and without, whatever became of the cache or of the files; and it is quicker."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from fixpickle.cache import surveyed as memory
from fixpickle.cache import trees
from fixpickle.cache.codec import Damaged, dump, load
from fixpickle.cache.folded import PACKED, Pack, Packs, fold, unfold
from fixpickle.cache.folder import Folder, clean, place
from fixpickle.cache.surveyed import surveyed
from fixpickle.cli import main
from fixpickle.model import Refusal, RunReport, Settings, Source
from fixpickle.source import read
from fixpickle.survey import Facts, survey

FIXTURES = Path(__file__).parent / "fixtures"
WORK = """\
from multiprocessing import Pool

TIMES = 2


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row * TIMES, rows)
"""
QUIET = '''"""Nothing to find."""


def add(a, b):
    return a + b
'''


class Command:
    """Runs `fixpickle check` on a tree with a cache of its own, in this process."""

    def __init__(self, tree: Path, cache: Path, said: pytest.CaptureFixture[str]) -> None:
        self.tree, self.cache, self._said = tree, cache, said

    def __call__(self, *words: str) -> str:
        """What it prints, without the seconds."""
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr(sys, "argv", ["fixpickle", "check", "--cache-dir", str(self.cache), *words])
            patch.chdir(self.tree)
            main()
        out, err = self._said.readouterr()
        assert ended.value.code in (0, 1) and not err, err
        return re.sub(r"[0-9.]+ s$|(?<=\"seconds\": )[0-9.]+", "", out, flags=re.MULTILINE)

    def afresh(self) -> str:
        return self("--no-cache")


@pytest.fixture
def check(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    tree = tmp_path / "tree"
    (tree / "pkg").mkdir(parents=True)
    (tree / "pkg" / "__init__.py").touch()
    (tree / "pkg" / "work.py").write_text(WORK)
    (tree / "pkg" / "quiet.py").write_text(QUIET)
    return Command(tree, tmp_path / "cache", capfd)


# --- bytes ----------------------------------------------------------------------------------------------------------


def _files() -> Iterator[Path]:
    yield from sorted(path for path in FIXTURES.rglob("*.py"))[::12]
    yield from sorted(path for path in FIXTURES.rglob("*.ipynb"))[::4]


def test_facts_come_back_as_they_were() -> None:
    count = 0
    for path in _files():
        source = read(path, explicit=True)
        said = survey(source) if isinstance(source, Source) else None
        if isinstance(said, Facts):
            assert load(Facts, dump(said)) == said
            count += 1
    assert count > 60


def test_equal_values_have_equal_bytes_in_every_process() -> None:
    code = (
        "from pathlib import Path; from fixpickle.cache.codec import dump; from fixpickle.model import Settings;"
        "print(dump(Settings(Path('/a'), Path('/b'), select=frozenset('abcdefgh'))))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[[], 1, 2]", b"[[1], []]", b"[[], [[]]]", b"\xff\x00", b"[" * 100_000, b'[["x"], [true]]']
)
def test_bytes_that_are_something_else_are_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        load(Facts, data)


def test_half_of_a_surrogate_pair_comes_back() -> None:
    """Paths hold one where a name is no text, facts where a source has it in a string."""
    seen = trees.Seen(Path("/work/\udce9.py"), "m", Path("/work"), None, "", "")
    assert load(trees.Seen, dump(seen)) == seen
    with pytest.raises(Damaged):
        load(trees.Seen, dump(("\udce9", "no such thing")))


def test_facts_with_half_of_a_surrogate_pair_are_packed(tmp_path: Path) -> None:
    source = _source(tmp_path / "work.py", WORK.replace("def ", 'globals()["\\ud800"] = 1\n\n\ndef ', 1))
    said = survey(source)
    assert isinstance(said, Facts)
    assert unfold(fold(said), source, Packs()).references == said.references


# --- the folder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"XDG_CACHE_HOME": "/caches"}, Path("/caches/fixpickle")),
        # Source: the XDG base directory specification: a relative path is to be ignored.
        ({"XDG_CACHE_HOME": "caches"}, Path.home() / ".cache" / "fixpickle"),
        ({}, Path.home() / ".cache" / "fixpickle"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_it_is_where_the_users_caches_are(environ: dict[str, str], wanted: Path) -> None:
    assert place(None, environ) == wanted
    assert place(Path("/elsewhere"), environ) == Path("/elsewhere")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    opened = Folder(tmp_path / "cache", "v1").opened()
    assert opened is not None
    return opened


def test_what_was_cut_short_or_changed_is_not_there(folder: Folder) -> None:
    folder.put("aa/one", b"all of it")
    assert folder.get("aa/one") == b"all of it"
    kept = folder.home / "aa" / "one"
    whole = kept.read_bytes()
    for damaged in (whole[:-1], whole[:3], b"", whole + b"!", whole[:-1] + b"?"):
        kept.write_bytes(damaged)
        assert folder.get("aa/one") is None
    assert folder.get("aa/two") is None


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    opened = Folder(tmp_path / "cache", "v1").opened()
    assert opened is not None
    opened.home.chmod(0o777)
    assert opened.opened() is None
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "v1").symlink_to(other)
    assert Folder(tmp_path / "link", "v1").opened() is None


def test_a_full_disk_keeps_nothing_and_leaves_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put("aa/one", b"before")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    folder.put("aa/one", b"after")
    folder.put("bb/two", b"after")
    monkeypatch.undo()
    assert folder.get("aa/one") == b"before" and folder.get("bb/two") is None
    assert sorted(path.name for path in folder.home.rglob("*") if path.is_file()) == ["one"]


def test_old_entries_go_once_a_day_and_new_ones_stay(folder: Folder) -> None:
    folder.put("aa/old", b"")
    folder.put("aa/new", b"")
    other = Folder(folder.path, "v0").opened()
    assert other is not None
    other.put("aa/old", b"")
    now = time.time()
    for path in (folder.home / "aa" / "old", other.home / "aa" / "old"):
        os.utime(path, (now - 31 * 86_400,) * 2)
    folder.prune(now)
    assert folder.get("aa/old") is None and folder.get("aa/new") is not None
    assert not other.home.exists()
    os.utime(folder.home / "aa" / "new", (now - 31 * 86_400,) * 2)
    folder.prune(now + 60)
    assert folder.get("aa/new") is not None


def test_only_what_fixpickle_made_is_deleted(folder: Folder, tmp_path: Path) -> None:
    folder.put("aa/one", b"12345")
    gone = clean(folder.path)
    assert isinstance(gone, tuple) and gone[0] == 1 and not folder.path.exists()
    assert clean(folder.path) == (0, 0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    assert clean(tmp_path / "mine") == "it is not a cache that fixpickle made"
    assert (tmp_path / "mine" / "thesis.tex").exists()


# --- facts ----------------------------------------------------------------------------------------------------------


def _source(path: Path, text: str) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    source = read(path)
    assert isinstance(source, Source)
    return source


def test_a_file_is_surveyed_once_for_its_content_and_its_module(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[str] = []

    def counting(source: Source) -> Facts | Refusal:
        met.append(source.module)
        return survey(source)

    monkeypatch.setattr(memory, "survey", counting)
    first = _source(tmp_path / "one" / "work.py", WORK)
    second = _source(tmp_path / "two" / "work.py", WORK)
    other = _source(tmp_path / "two" / "other.py", WORK)
    broken = _source(tmp_path / "two" / "broken.py", "def f(:\n")
    for source in (first, second, first, other, broken, broken):
        said = survey(source)
        assert surveyed(source, folder).said == (fold(said) if isinstance(said, Facts) else said)
    assert met == ["work", "other", "broken"]
    assert surveyed(first, folder).digest == surveyed(second, folder).digest != surveyed(other, folder).digest


@pytest.mark.parametrize(
    "data", [b"[[], []]", b"[[], [null, false, 0, []]]\n", b"[[], [null, false, 0, [9]]]\n", b"not json"]
)
def test_facts_that_another_fixpickle_wrote_are_made_anew(folder: Folder, tmp_path: Path, data: bytes) -> None:
    source = _source(tmp_path / "work.py", WORK)
    wanted = surveyed(source, folder)
    [kept] = [path for path in folder.home.rglob("*") if path.is_file()]
    folder.put(kept.relative_to(folder.home).as_posix(), data)
    assert surveyed(source, folder) == wanted == surveyed(source, folder)


# --- whole trees ----------------------------------------------------------------------------------------------------


def _recalled(check: Command) -> RunReport | None:
    """What is known of the tree now, as the command would ask."""
    [version] = [path.name for path in check.cache.iterdir() if path.is_dir()]
    settings = Settings(check.tree, Path(sys.executable))
    [name] = [path.name for path in (check.cache / version / "trees").iterdir()]
    opened = Folder(check.cache, version).opened()
    assert opened is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees, "_name", lambda paths, settings: f"trees/{name}")
        return trees.recall(opened, [check.tree], settings, sorted(check.tree.rglob("*.py")))


def test_an_unchanged_tree_is_said_again_as_it_was_said(check: Command) -> None:
    fresh = check.afresh()
    assert "work.py:8:25: lambda-value" in fresh
    assert not check.cache.exists()
    assert check() == fresh
    assert _recalled(check) is not None
    assert check() == fresh
    assert check("--output-format", "json") == check("--output-format", "json", "--no-cache")


CHANGES = {
    "a finding moves": lambda tree: (tree / "pkg" / "work.py").write_text("\n" + WORK),
    "a finding goes": lambda tree: (tree / "pkg" / "work.py").write_text(QUIET),
    "a finding comes": lambda tree: (tree / "pkg" / "quiet.py").write_text(WORK),
    "a finding is suppressed": lambda tree: (tree / "pkg" / "work.py").write_text(
        WORK.replace("rows)\n", "rows)  # fixpickle: ignore[lambda-value]\n")
    ),
    "a byte of the code found": lambda tree: (tree / "pkg" / "work.py").write_text(WORK.replace("* TIMES", "+ TIMES")),
    "a file comes": lambda tree: (tree / "pkg" / "new.py").write_text(WORK),
    "a file goes": lambda tree: (tree / "pkg" / "work.py").unlink(),
    "a file is broken": lambda tree: (tree / "pkg" / "quiet.py").write_text("def f(:\n"),
    "a folder is no package": lambda tree: (tree / "pkg" / "__init__.py").unlink(),
    "the tree is in a package": lambda tree: (tree / "__init__.py").touch(),
    "the settings say less": lambda tree: (tree / "fixpickle.toml").write_text('ignore = ["lambda-value"]\n'),
    "git ignores": lambda tree: (tree / ".gitignore").write_text("work.py\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changed_is_seen(check: Command, change: object) -> None:
    check()
    assert callable(change)
    change(check.tree)
    assert check() == check.afresh()
    assert check() == check.afresh()


@pytest.mark.skipif(sys.platform == "win32", reason="a ctime there is the time the file was made")
def test_a_byte_is_seen_though_size_and_time_are_as_they_were(check: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_STEP", -(10**18))  # every file is old enough to be trusted
    check()
    path = check.tree / "pkg" / "work.py"
    before = path.stat()
    path.write_text(WORK.replace("lambda row: row *", "lambda own: own *"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert check("--output-format", "json") == check("--output-format", "json", "--no-cache")


def test_what_was_changed_while_it_was_read_is_read_again() -> None:
    seconds = 1_000_000_000
    stamp = trees.Stamp(1, 100 * seconds, 100 * seconds, 1)
    assert not stamp.settled(100 * seconds) and not stamp.settled(102 * seconds)
    assert stamp.settled(103 * seconds)
    assert not trees.Stamp(1, 50 * seconds, 102 * seconds, 1).settled(103 * seconds)


def test_a_change_that_says_nothing_else_needs_no_second_look_at_the_rest(check: Command) -> None:
    fresh = check()
    (check.tree / "pkg" / "quiet.py").write_text(QUIET.replace("a + b", "a - b"))
    assert _recalled(check) is not None
    assert check() == fresh == check.afresh()
    (check.tree / "pkg" / "quiet.py").write_text(QUIET + "\n\ndef more():\n    return add\n")
    assert _recalled(check) is None


def test_what_a_rule_looks_at_besides_is_looked_at(check: Command) -> None:
    (check.tree / "pkg" / "tuned.py").write_text("from ray import tune\n\n\ndef f(c):\n    tune.report(loss=1)\n")
    assert "legacy-tune-call" in check()
    (check.tree / "requirements-dev.txt").write_text("ray==2.3.0\n")
    assert check() == check.afresh()
    assert "legacy-tune-call" not in check()


def test_a_generated_file_whose_source_comes_back_is_left(check: Command) -> None:
    head = "# AUTOGENERATED! DO NOT EDIT! File to edit: ../nbs/work.ipynb.\n"
    (check.tree / "pkg" / "work.py").write_text(head + WORK)
    assert "lambda-value" in check()
    (check.tree / "nbs").mkdir()
    (check.tree / "nbs" / "work.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert check() == check.afresh()
    (check.tree / "nbs" / "work.ipynb").unlink()
    assert check() == check.afresh()


def _damage(check: Command) -> None:
    for number, path in enumerate(sorted(path for path in check.cache.rglob("*") if path.is_file())):
        data = path.read_bytes()
        path.write_bytes((data[: len(data) // 2], b"\0" * len(data), b"")[number % 3])


def test_a_damaged_cache_is_a_slow_run_and_no_wrong_one(check: Command) -> None:
    fresh = check()
    _damage(check)
    assert check() == fresh == check()


def _no_json(pack: Pack) -> Pack:
    """The same with fields that are compressed well and no facts."""
    packed = [zlib.compress(b"[1,") for _ in PACKED]
    return replace(pack, packed=b"".join(packed), ends=tuple(accumulate(map(len, packed))))


@pytest.mark.parametrize(
    "forged",
    [
        lambda pack: replace(pack, packed=b"?" * len(pack.packed)),
        _no_json,
        lambda pack: replace(pack, live=b"?" * len(pack.live)),
        lambda pack: replace(pack, ends=(len(pack.packed) + 1, *pack.ends[1:])),
        lambda pack: replace(pack, ends=(-1, *pack.ends[1:])),
    ],
)
def test_entries_with_a_right_checksum_that_are_no_facts_are_a_slow_run(check: Command, forged: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written = memory._written
        patch.setattr(memory, "_written", lambda said: written(forged(said) if isinstance(said, Pack) else said))
        check()
    (check.tree / "pkg" / "quiet.py").write_text(QUIET + "\n\nMORE = 1\n")  # or what was said of the tree is said again
    assert check() == check.afresh() == check()


def test_a_folder_that_may_not_be_written_is_a_slow_run(check: Command, tmp_path: Path) -> None:
    check.cache.write_text("a file where the folder would be")
    assert check() == check.afresh()
    check.cache = tmp_path / "closed" / "cache"
    check.cache.parent.mkdir()
    check.cache.parent.chmod(0o500)
    assert check() == check.afresh()


def test_two_runs_at_once_say_the_same(check: Command) -> None:
    for number in range(20):
        (check.tree / "pkg" / f"more{number}.py").write_text(WORK)
    fresh = check.afresh()
    command = [sys.executable, "-m", "fixpickle", "check", "--cache-dir", str(check.cache)]
    runs = [subprocess.Popen(command, cwd=check.tree, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for run in runs:
        assert run.communicate()[0].rpartition(",")[0] == fresh.rpartition(",")[0]
    assert check() == fresh
    assert not [path for path in check.cache.rglob(".*") if path.is_file()]


def test_another_version_starts_afresh(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        opened = Folder(tmp_path, version).opened()
        assert opened is not None and opened.get("aa/one") is None
        opened.put("aa/one", version.encode())


def test_clean_says_what_it_deleted(check: Command, capfd: pytest.CaptureFixture[str]) -> None:
    check()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["fixpickle", "clean", "--cache-dir", str(check.cache), str(check.tree)])
        main()
    assert ended.value.code == 0 and capfd.readouterr().out.startswith(f"{check.cache}: deleted ")
    assert not check.cache.exists()


# --- edits ----------------------------------------------------------------------------------------------------------

# Each module as it may be written: what is found in one depends on how the others are.
WRITTEN = {
    "base": [
        "class Base:\n    def __init__(self, key):\n        self.key = key\n",
        "class Base:\n    def __init__(self, key):\n        print(key)\n",
        "class Base:\n    def __init__(self, key):\n        self.key = key\n\n"
        "    def __getstate__(self):\n        return {}\n",
        "import threading\n\n\nclass Base(threading.Thread):\n    def __init__(self, key):\n        self.key = key\n",
    ],
    "held": [
        "from pkg.base import Base\n\n\nclass Held(Base):\n    def run(self, row):\n        return self.key(row)\n",
        "from pkg.base import *\n\n\nclass Held(Base):\n    def run(self, row):\n        return self.key(row)\n",
        "class Held:\n    def __init__(self, key):\n        self.other = key\n\n"
        "    def run(self, row):\n        return row\n",
    ],
    "sent": [
        "from multiprocessing import Pool\n\n\ndef send(f, rows):\n"
        "    with Pool(2) as pool:\n        return pool.map(f, rows)\n",
        "def send(f, rows):\n    return list(map(f, rows))\n",
        "from pkg.again import send\n",
    ],
    "again": [
        "from concurrent.futures import ProcessPoolExecutor\n\n\ndef send(f, rows):\n"
        "    with ProcessPoolExecutor() as pool:\n        return list(pool.map(f, rows))\n",
        "def send(f, rows):\n    return [f(row) for row in rows]\n",
    ],
    "work": [
        "from pkg.held import Held\nfrom pkg.sent import send\n\n\ndef go(rows):\n"
        "    return send(Held(lambda row: row).run, rows)\n",
        "from pkg.sent import send\n\n\ndef go(rows):\n    def double(row):\n        return 2 * row\n\n"
        "    return send(double, rows)\n",
        "import pkg.held\n\nKEPT = pkg.held.Held(lambda row: row + 1)\n",
    ],
}


def _edited(chance: random.Random, tree: Path) -> None:
    """One module as it may be written as well, often the one in which something is found."""
    name = chance.choice([*WRITTEN, "work", "work"])
    above = chance.choice(["", "\n", "# A comment.\n\n", "ABOVE = 1\n\n\ndef above(x):\n    return x\n\n\n"])
    (tree / "pkg" / f"{name}.py").write_text(above + chance.choice(WRITTEN[name]))


def _deleted(chance: random.Random, tree: Path) -> None:
    (tree / "pkg" / f"{chance.choice([*WRITTEN])}.py").unlink(missing_ok=True)


def _renamed(chance: random.Random, tree: Path) -> None:
    """A class or function has another name, in all files or in all but one."""
    old, new = chance.choice([("Base", "Root"), ("Held", "Kept"), ("send", "hand"), ("key", "by")])
    old, new = chance.choice([(old, new), (new, old)])
    for path in sorted(tree.rglob("*.py"))[chance.choice([0, 0, 1]) :]:
        path.write_text(re.sub(rf"\b{old}\b", new, path.read_text()))


def _moved(chance: random.Random, tree: Path) -> None:
    """A module has another name, or is in a package of its own; who imports it may not know."""
    paths = [path for path in sorted(tree.rglob("*.py")) if path.stem in {*WRITTEN, "elsewhere"}]
    if not paths:
        return
    path = chance.choice(paths)
    place = chance.choice(["pkg/elsewhere.py", f"pkg/{chance.choice([*WRITTEN])}.py", f"pkg/inner/{path.name}"])
    (tree / place).parent.mkdir(exist_ok=True)
    (tree / "pkg" / "inner" / "__init__.py").touch() if "inner" in place else None
    path.rename(tree / place)
    if chance.random() < 0.7:
        old, new = (".".join(one.with_suffix("").parts) for one in (path.relative_to(tree), Path(place)))
        for other in tree.rglob("*.py"):
            other.write_text(re.sub(rf"\b{re.escape(old)}\b", new, other.read_text()))


def _configured(chance: random.Random, tree: Path) -> None:
    """Other settings, which the file that configures the run has."""
    lines = chance.sample(
        [
            'ignore = ["lambda-value"]',
            'extend-select = ["ALL"]',
            'exclude = ["pkg/held.py"]',
            'per-file-ignores = {"pkg/work.py" = ["local-function"]}',
            'strategy = "file"',
            'boundaries = [{names = ["pkg.again.send"], params = [["0", ""]]}]',
            'quiet = ["multiprocessing.Pool.map"]',
        ],
        chance.choice([0, 1, 2]),
    )
    (tree / "pyproject.toml").write_text("[tool.fixpickle]\n" + "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_edited_renamed_deleted_and_configured_what_was_kept_never_tells(check: Command, seed: int) -> None:
    chance = random.Random(seed)
    said, words = set(), ("--reach", "any", "--output-format", "json")
    for name, texts in WRITTEN.items():
        (check.tree / "pkg" / f"{name}.py").write_text(texts[0])
    changes = [_edited, _edited, _edited, _deleted, _renamed, _renamed, _moved, _moved, _configured]
    for _ in range(10):
        fresh = check("--no-cache", *words)
        assert check(*words) == fresh == check(*words)
        said.add(fresh)
        for change in chance.sample(changes, chance.choice([1, 1, 2])):
            change(chance, check.tree)
    assert len(said) > 1  # the edits tell
