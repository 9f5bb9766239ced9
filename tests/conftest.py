"""What all tests share: the same examples in every run, so that a failure is somebody's change and not the dice."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fixpickle.model import Reach, Source
from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.survey import Facts, survey

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


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
