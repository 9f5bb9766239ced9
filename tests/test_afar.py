"""What is proved elsewhere is proved as it is here, or is not proved: files go there by content, answers are JSON."""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import Proved, RunReport, Settings, Unproved
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.verify import Crew, Prover, afar, luggage
from fixpickle.verify.afar import below, contents
from fixpickle.verify.lodging import Lodging, moved
from fixpickle.verify.luggage import Piece, packed, unpacked

LAMBDA = """\
from multiprocessing import Pool


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row * 2, rows)
"""
FILES = {
    "shop/__init__.py": "",
    "shop/plain.py": LAMBDA,
    "shop/reads.py": "from pathlib import Path\n\nTEXT = Path(__file__).with_name('data.txt').read_text()\n" + LAMBDA,
    "shop/data.txt": "some data",
    "shop/needs.py": "from shop.plain import run as other\nfrom tools.more import VALUE\n" + LAMBDA,
    "shop/lock.py": "import threading\n\n\nclass Cart:\n    def __init__(self):\n        self.l = threading.Lock()\n",
    "shop/broken.py": "import no_such_module_anywhere\n" + LAMBDA,
    "shop/does_without.py": "try:\n    import no_such_module_either\nexcept ImportError:\n    pass\n" + LAMBDA,
    "tools/__init__.py": "",
    "tools/more.py": "VALUE = 1\n" + LAMBDA,
    "script.py": LAMBDA + "\n\nif __name__ == '__main__':\n    print(run([1]))\n",
}


SHARED: dict[bytes, bytes] = {}


def _shared(mark: bytes) -> bytes:
    return SHARED[mark]


class Workers:
    """Workers that get pickles, to whom nothing at `home` is there, and who answer in JSON."""

    def __init__(self, home: Path) -> None:
        self.home, self.batches = home, list[Sequence[Any]]()
        self.common, self.shared = list[int](), list[bytes]()
        SHARED.clear()

    def share(self, data: bytes) -> Piece:
        mark = hashlib.sha256(data).digest()
        if mark not in SHARED:
            self.shared.append(data)
            SHARED[mark] = data
        return partial(_shared, mark)

    def each(
        self, function: Callable[..., str], items: Iterable[Sequence[Any]], *, together: int
    ) -> Generator[str, None, None]:
        assert together == 1
        sent = pickle.dumps(function)
        self.common.append(len(sent))
        for batch in items:
            self.batches.append(batch)
            with self.gone():
                answer = pickle.loads(sent)(pickle.loads(pickle.dumps(batch)))
            assert isinstance(answer, str) and isinstance(json.loads(answer), dict)
            yield answer

    @contextlib.contextmanager
    def gone(self) -> Generator[None, None, None]:
        away = self.home.with_name("away")
        self.home.rename(away)
        try:
            yield
        finally:
            away.rename(self.home)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "home" / "project"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def fixed(root: Path, crew: Crew | None = None, **more: Any) -> RunReport:
    with Prover(None, crew) as prover:
        ports = Ports(prover.prove, prover.examine, tidy, lambda *_: None)
        settings = Settings(root, Path(sys.executable), **more)
        report = run([root], settings, load_rules(), ports, fix=True)
        assert not prover.remarks or "network" in str(prover.remarks)
    return replace(report, seconds=0.0)


def verdicts(report: RunReport) -> dict[str, Any]:
    return {one.patch.finding.path.stem: one.verdict for one in report.fixed}


def test_a_proof_elsewhere_is_the_one_that_is_made_here(project: Path) -> None:
    here = fixed(project)
    workers = Workers(project.parent)
    assert fixed(project, workers) == here
    found = verdicts(here)
    unproved = {name for name, verdict in found.items() if isinstance(verdict, Unproved)}
    assert unproved == {"broken"} and set(found) - unproved >= {"plain", "reads", "needs", "lock", "does_without"}
    assert "no_such_module_anywhere" in found["broken"].reason
    # The tasks of a package go together, and those of others do not.
    packages = [{str(task["module"]).partition(".")[0] for task in batch} for batch in workers.batches]
    assert {"shop"} in packages and {"tools"} in packages and all(len(names) == 1 for names in packages)


@pytest.mark.parametrize("optional", [False, True])
def test_a_worker_without_a_package_proves_nothing_and_refutes_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optional: bool
) -> None:
    extra = tmp_path / "installed"
    extra.mkdir()
    (extra / "extra.py").write_text("def double(row):\n    return 2 * row\n")
    monkeypatch.setenv("PYTHONPATH", str(extra))
    there = "try:\n    import extra\nexcept ImportError:\n    extra = None\n"
    (project / "shop" / "uses.py").write_text((there if optional else "import extra\n") + LAMBDA)
    for name in ("shop/broken.py", "shop/does_without.py", "shop/reads.py", "shop/needs.py", "script.py"):
        (project / name).unlink()
    here = verdicts(fixed(project)).values()
    assert here and all(isinstance(verdict, Proved) for verdict in here)
    afar_ = verdicts(fixed(project, Workers(extra)))
    for name in ("uses", "plain", "lock"):
        assert isinstance(afar_[name], Unproved), name
        assert "has no `extra`; install there what is installed here" in afar_[name].reason
    assert isinstance(afar_["more"], Proved)  # of another package: nobody missed anything there


def test_a_worker_without_the_metadata_of_a_package_proves_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that asks for a version and does without it takes another path there than here."""
    extra = tmp_path / "installed"
    (extra / "extra_thing-1.0.dist-info").mkdir(parents=True)
    (extra / "extra_thing-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: extra-thing\nVersion: 1\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(extra))
    asks = (
        "from importlib.metadata import PackageNotFoundError, version\n\n"
        "try:\n    FOUND = version({name!r})\nexcept PackageNotFoundError:\n    FOUND = None\n"
    )
    (project / "shop" / "uses.py").write_text(asks.format(name="extra-thing") + LAMBDA)
    (project / "tools" / "more.py").write_text("VALUE = 1\n" + asks.format(name="no-such-package") + LAMBDA)
    for name in ("shop/broken.py", "shop/does_without.py", "shop/reads.py", "shop/needs.py", "script.py"):
        (project / name).unlink()
    here = verdicts(fixed(project)).values()
    assert here and all(isinstance(verdict, Proved) for verdict in here)
    afar_ = verdicts(fixed(project, Workers(extra)))
    assert isinstance(afar_["uses"], Unproved)
    assert "has no `metadata of extra-thing`; install there what is installed here" in afar_["uses"].reason
    assert isinstance(afar_["more"], Proved)  # nobody has that package, so code is the same there and here


def test_a_worker_without_the_interpreter_says_so(project: Path, tmp_path: Path) -> None:
    python = tmp_path / "python" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", python.parent)

    with Prover(None, Workers(python.parent)) as prover:
        ports = Ports(prover.prove, prover.examine, tidy, lambda *_: None)
        report = run([project], Settings(project, python), load_rules(), ports, fix=True)
    reasons = {verdict.reason for verdict in verdicts(report).values() if isinstance(verdict, Unproved)}
    assert reasons and all(f"{python} cannot be started" in reason for reason in reasons)


def test_too_many_files_stay_here_and_that_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afar, "MOST", 100)
    workers = Workers(project.parent)
    with Prover(None, workers) as prover:
        ports = Ports(prover.prove, prover.examine, tidy, lambda *_: None)
        report = run([project], Settings(project, Path(sys.executable)), load_rules(), ports, fix=True)
        assert any("so the proof was made here and not on the cluster" in remark for remark in prover.remarks)
    assert not workers.batches and isinstance(verdicts(report)["plain"], Proved)


def test_all_files_go_along_but_hidden_ones_caches_and_environments(project: Path) -> None:
    for name in (".git/config", "shop/__pycache__/a.pyc", "env/pyvenv.cfg", "env/lib/a.py", "node_modules/a.js"):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (project / "shop" / "again").symlink_to(project)
    os.mkfifo(project / "shop" / "pipe")
    paths = below([project, project / "shop"])
    assert paths is not None
    found = dict(contents(paths))
    assert {path.relative_to(project).as_posix() for path in found} >= set(FILES)
    assert not [p for p in found if {".git", "__pycache__", "env", "node_modules", "pipe"} & {*p.parts}]
    assert found[project / "shop" / "data.txt"] == b"some data"


def test_what_needs_this_machine_stays_here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    workers = Workers(project.parent)
    (project / "make.py").write_text("from shop.lock import Cart\n\nCart()\n")
    fixed(project, workers, prove_with="python make.py")
    manners = {task.get("manner") for batch in workers.batches for task in batch}
    assert "harvested" not in manners and "constructor" in manners


# --- what travels ---------------------------------------------------------------------------------------------------


def test_each_file_travels_once_whatever_the_number_of_steps(project: Path) -> None:
    """What a step has for itself is small: files, and texts that other steps had too, come by their digests."""
    for number in range(200):
        (project / "shop" / f"other{number}.py").write_text(f"VALUE = {number}\n" * 100)
    workers = Workers(project.parent)
    fixed(project, workers)
    assert len(workers.common) >= 4 and max(workers.common) < 10_000
    sent = [(name, data) for piece in workers.shared for name, data in marshal.loads(piece)]
    names = Counter(Path(name).name for name, _ in sent)
    assert len(set(sent)) == len(sent) and names["plain.py"] == 2  # as it is, and as it would be
    assert all(names[f"other{number}.py"] == 1 for number in range(200))


def test_files_are_packed_in_pieces_that_do_not_depend_on_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(Path(f"/home/shop/{number}.py"), b"%d" % number) for number in range(1000)]
    pieces = list(packed(files))
    assert len(pieces) > 5 and list(unpacked(partial(bytes, piece) for piece in pieces)) == files
    other = list(packed([*files[:500], (Path("/home/shop/new.py"), b""), *files[500:]]))
    assert len(set(other) - set(pieces)) <= 2
    monkeypatch.setattr(luggage, "FULL", 10)
    assert all(sum(len(data) for _, data in marshal.loads(piece)) < 10 + 3 for piece in packed(files))


def test_a_large_file_travels_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afar, "FULL", 10)
    for name, data in {"empty": b"", "small": b"x", "just": b"y" * 10, "large": bytes(range(95))}.items():
        (tmp_path / name).write_bytes(data)
    paths = below([tmp_path])
    assert paths is not None and max(len(data) for _, data in contents(paths)) == 10
    folder = Lodging().of(b"mark", [partial(bytes, piece) for piece in packed(contents(paths))])
    for path in paths:
        assert moved(path, folder).read_bytes() == path.read_bytes()
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 4


CHANGES: list[Callable[[Path], object]] = [
    lambda folder: (folder / "a" / "x").write_text("2"),
    lambda folder: (folder / "a" / "x").unlink(),
    lambda folder: (folder / "a" / "new").touch(),
    lambda folder: (folder / "a" / "new").mkdir(),
    lambda folder: (folder / "a" / "x").chmod(0o755),
    lambda folder: (folder / "a" / "x").rename(folder / "a" / "z"),
    lambda folder: ((folder / "a" / "x").write_text("2"), os.utime(folder / "a" / "x", (1, 1))),
    lambda folder: shutil.rmtree(folder),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_user_code_changes_in_the_folder_the_next_batch_does_not_meet(change: Callable[[Path], object]) -> None:
    given: list[int] = []

    def piece() -> bytes:
        given.append(1)
        return marshal.dumps([("/a/x", b"1"), ("/a/y", b"1")], 2)

    lodging = Lodging()
    folder = lodging.of(b"one", [piece])
    before = folder.stat().st_ino
    assert lodging.of(b"one", [piece]) == folder and len(given) == 1 and folder.stat().st_ino == before
    change(folder)
    folder = lodging.of(b"one", [piece])
    assert len(given) == 2 and len([*folder.parent.iterdir()]) == 1
    assert {path.name: path.read_bytes() for path in (folder / "a").iterdir()} == {"x": b"1", "y": b"1"}
    folder = lodging.of(b"other", [partial(marshal.dumps, [("/b", b"")], 2)])
    assert [path.name for path in folder.iterdir()] == ["b"]


def test_a_folder_that_could_not_be_filled_is_filled_anew() -> None:
    def broken() -> bytes:
        raise OSError("No space left on device")

    piece, lodging = partial(marshal.dumps, [("/a", b"1")], 2), Lodging()
    with pytest.raises(OSError, match="No space"):
        lodging.of(b"one", [piece, broken])
    folder = lodging.of(b"one", [piece])
    assert [path.name for path in folder.iterdir()] == ["a"] and [*folder.parent.iterdir()] == [folder]


@pytest.mark.parametrize("ends", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
@pytest.mark.skipif(sys.platform == "win32", reason="there, it is removed at an orderly end")
def test_the_folder_is_gone_however_the_worker_ended(ends: str) -> None:
    code = f"import os\nfrom fixpickle.verify.lodging import Lodging\nprint(Lodging().of(b'x', []), flush=True)\n{ends}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    folder = Path(done.stdout.strip()).parent
    assert folder.name.startswith("fixpickle-")
    until = time.monotonic() + 20
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not folder.exists()
