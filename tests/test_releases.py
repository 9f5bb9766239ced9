"""Which Ray and which Python a project keeps to, and which one its interpreter has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fixpickle_codemods._releases import installed, pickles_less, pinned_below

from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.survey import survey
from fixpickle.survey.facts import Facts
from fixpickle.survey.moved import behind, moved, release

KEPT_BELOW = [
    "ray==2.3.0",
    "ray[tune]==1.13.0  # the last one tried",
    "ray [default,tune] < 2.7",
    "ray>=2.0,<=2.6.3",
    "ray~=2.6.1",
    "ray==1.*",
    "ray==2.6.*",
    "ray===2.6.3",
]
NOT_KEPT_BELOW = [
    "ray",
    "ray>=1.9",
    "ray!=2.0",
    "ray==2.60.0",
    "ray==2.*",
    "ray~=2.3",
    "ray<3",
    "ray<2.7.1",
    "ray>2.0,<2.8",
    "xray==0.1",
    "ray-lightning<0.3",
    "ray_lightning==0.2",
    "array.ray<1",
    "# nothing of the kind",
]


@pytest.mark.parametrize("line", KEPT_BELOW)
def test_a_requirement_keeps_a_project_below_a_release(line: str, tmp_path: Path) -> None:
    (tmp_path / "requirements-dev.txt").write_text(f"numpy\n{line}\npandas==1.0\n")
    (tmp_path / "pkg").mkdir()
    assert pinned_below("ray", (2, 7), tmp_path / "pkg").startswith("requirements-dev.txt: ray")


@pytest.mark.parametrize("line", NOT_KEPT_BELOW)
def test_a_requirement_that_allows_it_keeps_nobody_below(line: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"numpy==1.0\n{line}\npandas==1.0\n")
    (tmp_path / ".git").mkdir()
    assert pinned_below("ray", (2, 7), tmp_path) == ""


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('ray = "^1.13"', True),
        ('ray = "~2.6"', True),
        ('ray = {version = "<2.7", extras = ["tune"]}', True),
        ('dependencies = ["numpy", "ray[tune]>=1.9,<2.7"]', True),
        ('ray = "^2.3"', False),
        ('ray = "*"', False),
        ('dependencies = ["ray[tune]", "numpy<2.7"]', False),
    ],
)
def test_pyproject_is_read_in_both_manners(line: str, kept: bool, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.poetry.dependencies]\n{line}\n")
    (tmp_path / ".git").mkdir()
    assert bool(pinned_below("ray", (2, 7), tmp_path)) is kept


def test_files_above_the_repository_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("ray==1.0\n")
    (tmp_path / "inner" / ".git").mkdir(parents=True)
    assert pinned_below("ray", (2, 7), tmp_path / "inner") == ""


def test_the_installed_release_is_read_beside_the_interpreter(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    assert installed("ray", python) == ()
    (tmp_path / "lib" / "python3.11" / "site-packages" / "ray-2.9.3.dist-info").mkdir(parents=True)
    (tmp_path / "lib" / "python3.11" / "site-packages" / "ray_lightning-0.3.dist-info").mkdir()
    assert installed("ray", python) == (2, 9, 3)


def test_the_table_is_in_order() -> None:
    for known in moved().values():
        assert known.gone and known.since >= known.gone and known.instead
        assert not known.to or re.fullmatch(r"ray(\.\w+)+", known.to)
        assert behind(known.name) == known
    assert behind("ray.tune.suggest.flaml.CFO") == moved()["ray.tune.suggest"]
    assert behind("ray.tune.run_experiments") is None and behind("ray") is None
    assert release("2.41.0rc1") == (2, 41)


DECLARED = [
    ("pyproject.toml", '[project]\nrequires-python = ">=3.10"\n', True),
    ("pyproject.toml", '[project]\nrequires-python = ">=3.10,<4"\n', True),
    ("pyproject.toml", '[project]\nrequires-python = ">=3.10, <=3.14"\n', True),
    ("pyproject.toml", '[project]\nrequires-python = ">=3.10,<3.14"\n', False),
    ("pyproject.toml", '[project]\nrequires-python = "~=3.12.0"\n', False),
    ("pyproject.toml", '[project]\nrequires-python = "==3.13.*"\n', False),
    ("pyproject.toml", '[tool.poetry.dependencies]\nrich = "*"\npython = "^3.10"\n', True),
    ("pyproject.toml", '[tool.poetry.dependencies]\npython = ">=3.10,<3.13"\n', False),
    ("setup.py", 'setup(name="x", python_requires=">=3.8")\n', True),
    ("setup.cfg", "[options]\npython_requires = >=3.8, <3.14\n", False),
]


@pytest.mark.parametrize(("name", "text", "meant"), DECLARED)
def test_what_a_project_declares_of_python_decides(name: str, text: str, meant: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert [_pickles_less(tmp_path, release) for release in ((), (3, 11), (3, 14))] == [meant] * 3


@pytest.mark.parametrize("text", ["", '[tool.mypy]\npython_version = "3.9"\n', '[tool.fixpickle]\npython = "3.9"\n'])
def test_where_nothing_is_declared_the_interpreter_decides(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert [_pickles_less(tmp_path, r) for r in ((), (3, 13), (3, 14), (3, 15))] == [False, False, True, True]


def _pickles_less(folder: Path, release: tuple[int, ...]) -> bool:
    (folder / "module.py").touch()
    source = read(folder / "module.py", explicit=True)
    facts = survey(source)  # type: ignore[arg-type]
    assert isinstance(facts, Facts)
    return pickles_less(Project([facts], release=release), facts)
