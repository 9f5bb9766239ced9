"""A function that captures values, read by one that travels: two rounds, which a fixture's marks cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixpickle.testing import settle

HEAD = """class Rules:
    def __init__(self, limit, unit):
        def below(value):
            return value < limit

"""
KEPT = HEAD + "        self.pick = lambda values: [v for v in values if below(v)]\n"
STAYS = KEPT.replace("value < limit", "value < limit and super()")


def settled(text: str, folder: Path) -> str:
    return settle({"rules.py": text.encode()}, folder.resolve()).files["rules.py"].decode()


def test_it_moves_first_and_is_a_value_to_the_other(tmp_path: Path) -> None:
    after = settled(KEPT, tmp_path)
    assert "        below = partial(_rules_below, limit)\n\n        self.pick = partial(_rules_pick, below)\n" in after
    assert "def _rules_below(limit, /, value):\n    return value < limit\n" in after
    assert "def _rules_pick(below, /, values):\n    return [v for v in values if below(v)]\n" in after
    assert settled(after, tmp_path / "again") == after


@pytest.mark.parametrize("text", [STAYS, KEPT.replace("self.pick = ", "self.found = sorted([], key=")[:-1] + ")\n"])
def test_it_stays_where_it_cannot_move_or_the_other_goes_nowhere(text: str, tmp_path: Path) -> None:
    assert settled(text, tmp_path) == text
