"""What all tests share: the same examples in every run, so that a failure is somebody's change and not the dice."""

import gc
import os
import pickle
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings
from typer.testing import CliRunner

from fixpickle.cli.app import app
from fixpickle.model import Reach, Source
from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.survey import Facts, survey

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of one fixture stand side by side, whatever they ask of it: what was made for one serves the next."""
    files, fixtures = dict[Path, int](), {"": 0}

    def place(item: pytest.Item) -> tuple[int, int]:
        callspec = getattr(item, "callspec", None)
        fixture = str(callspec.params.get("fixture", "")) if callspec is not None else ""
        return files.setdefault(item.path, len(files)), fixtures.setdefault(fixture, len(fixtures))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What the tests are made of stays to the end: the collector of cycles need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or fills the cache of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("caches")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True, scope="session")
def no_plugins() -> Iterator[None]:
    """Where a test has pytest started, that loads none of the plugins installed here: one imports scikit-learn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], Any]], Any]:
    """What takes long is made by the first process of the run that asks for it by its name; the others get a copy."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def made(name: str, make: Callable[[], Any]) -> Any:
        kept = folder / f"{name}.pickle"
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                kept.write_bytes(pickle.dumps(make()))
        return pickle.loads(kept.read_bytes())

    return made


@pytest.fixture(scope="module")
def small_heap() -> None:
    """What the tests before left is not gone through by those that collect cycles again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def run_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line in a folder, in this process: to start another one takes longer than most of what is asked."""

    def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            done = CliRunner().invoke(app, words, prog_name="fixpickle", env={"NO_COLOR": "1"}, catch_exceptions=False)
        return subprocess.CompletedProcess(["fixpickle", *words], done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def reach(tmp_path: Path) -> Callable[..., Reach | None]:
    """The reach of the first definition of m.py, among other files of the same package."""

    def of(text: str, **others: str) -> Reach | None:
        package = tmp_path / "pkg"
        package.mkdir()
        facts: list[Facts] = []
        for name, content in {"__init__": "", **others, "m": text}.items():
            (package / f"{name}.py").write_text(content)
            source = read(package / f"{name}.py")
            assert isinstance(source, Source)
            found = survey(source)
            assert isinstance(found, Facts)
            facts.append(found)
        return Project(facts).reach(facts[-1], facts[-1].definitions[0].sinks)

    return of
