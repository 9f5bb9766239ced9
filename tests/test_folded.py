"""Facts that are packed say the same as those they were made of, and what nobody asks for stays packed."""

from __future__ import annotations

import errno
import gc
import io
import weakref
from dataclasses import fields, replace
from pathlib import Path

import pytest

from fixpickle.cache import attic
from fixpickle.cache.attic import Attic
from fixpickle.cache.folded import PACKED, Packs, fold, unfold
from fixpickle.collector import uncollected
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
    folded = unfold(fold(facts), bare(source), Packs())
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

    def opened(_packs: Packs, _place: int, _ends: object, name: str) -> tuple[()]:
        asked.append(name)
        return ()

    monkeypatch.setattr(Packs, "field", opened)
    assert facts.imports == () and facts.module == "work" and not facts.is_script and not asked
    assert facts.definitions == ()
    assert asked == ["definitions"]
    assert "definitions" in PACKED


def test_what_files_have_in_common_is_one_and_what_was_read_goes() -> None:
    packs = Packs()
    read_once, read_twice = (frozenset({"".join(["run", "ning"]), str(7_000)}) for _ in range(2))
    gone = weakref.ref(read_once)
    first, second = packs.shared(read_once), packs.shared(read_twice)
    del read_once
    assert gone() is None
    assert first is second == read_twice
    numbers = [packs.shared((int("7000"), int("70000"))) for _ in range(2)]
    assert numbers[0][0] is numbers[1][0]
    assert numbers[0] == (7_000, 70_000)


@pytest.mark.usefixtures("small_heap")
def test_a_survey_leaves_nothing_that_only_the_collector_of_cycles_would_free() -> None:
    """A check runs without it: what holds on to itself stays, a syntax tree for each file."""
    sources = [source for path in FILES if isinstance(source := read(path, explicit=True), Source)]
    text = "def run(pool, **more):\n    return pool.map(lambda row: row, **more)\n"
    sources.append(replace(sources[0], text=text, notebook=""))
    for source in sources:
        survey(source)  # what is made once, and kept
    gc.collect()
    with uncollected():
        for source in sources:
            survey(source)
            assert gc.collect() < 50, source.path


@pytest.mark.parametrize("disk", ["as it should be", "full", "full in the middle", "not to be had"])
def test_what_is_put_into_the_attic_is_found_there(disk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attic, "_CHUNK", 64)
    full = Full(room={"full": 0, "full in the middle": 100}.get(disk, 10**6))
    monkeypatch.setattr(attic.tempfile, "TemporaryFile", missing if disk == "not to be had" else lambda **_: full)
    place = Attic()
    texts = [bytes([number]) * (number % 40) for number in range(200)]
    places = [place.put(text) for text in texts]
    assert [place.get(at, len(text)) for at, text in zip(places, texts, strict=True)] == texts
    assert (len(full.getvalue()) > 3000) == (disk == "as it should be")


class Full(io.BytesIO):
    """A file on a disk with little room, that writes and reads a few bytes at once."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        some = bytes(data)[:48]
        if self.tell() + len(some) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(some)

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


def missing(**_: object) -> io.BytesIO:
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")
