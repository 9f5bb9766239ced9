"""A few random programs; `python benchmarks/differential.py` runs as many as there is time for."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def differential(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "benchmarks")
    return importlib.import_module("differential")


@pytest.mark.parametrize("first", range(0, 20, 10))
def test_random_programs_behave_as_before(differential: ModuleType, first: int) -> None:
    fixes = 0
    for seed, outcome in differential.outcomes(range(first, first + 10)):
        assert outcome.did_before == outcome.did_after, f"seed {seed}"
        fixes += outcome.fixes
    assert fixes > 50
