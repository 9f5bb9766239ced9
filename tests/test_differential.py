"""A few random programs; `python benchmarks/differential.py` runs as many as there is time for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def differential() -> ModuleType:
    path = Path(__file__).parent.parent / "benchmarks" / "differential.py"
    spec = importlib.util.spec_from_file_location("differential", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["differential"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("first", range(0, 20, 10))
def test_random_programs_behave_as_before(differential: ModuleType, first: int) -> None:
    fixes = 0
    for seed, outcome in differential.outcomes(range(first, first + 10)):
        assert outcome.did_before == outcome.did_after, f"seed {seed}"
        fixes += outcome.fixes
    assert fixes > 50
