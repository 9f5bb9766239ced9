"""Facts that are packed say the same as those they were made of, and what nobody asks for stays packed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from fixpickle.cache.folded import PACKED, fold, unfold
from fixpickle.model import Settings, Source
from fixpickle.reading import read_all
from fixpickle.shelf import bare
from fixpickle.source import read
from fixpickle.survey import Facts, survey

FIXTURES = Path(__file__).parent / "fixtures"
FILES = [*sorted(FIXTURES.rglob("*.py"))[::40], *sorted(FIXTURES.rglob("*.ipynb"))[::12]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FIXTURES).as_posix())
def test_every_field_is_what_it_was(path: Path) -> None:
    source = read(path, explicit=True)
    assert isinstance(source, Source)
    facts = survey(source)
    assert isinstance(facts, Facts)
    folded = unfold(fold(facts), bare(source))
    for one in fields(Facts):
        assert getattr(folded, one.name) == getattr(facts, one.name), one.name
    assert folded.is_script == facts.is_script
    assert folded.at(3) == facts.at(3)
    with pytest.raises(AttributeError):
        folded.nothing_of_the_kind  # type: ignore[attr-defined]


def test_what_is_packed_is_unpacked_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work.py").write_text("def run(rows, pool):\n    return pool.map(lambda row: row + 1, rows)\n")
    standing, _ = read_all([tmp_path], Settings(tmp_path, tmp_path), lambda *_: None)
    (facts,) = standing.facts.values()
    asked: list[str] = []

    def opened(_packed: bytes, name: str) -> tuple[()]:
        asked.append(name)
        return ()

    monkeypatch.setattr("fixpickle.cache.folded._opened", opened)
    assert facts.imports == () and facts.module == "work" and not facts.is_script and not asked
    assert facts.definitions == () and facts.late_imports == ()
    assert asked == ["definitions"]  # and what was empty is not packed at all
    assert "definitions" in PACKED
