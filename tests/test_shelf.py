"""What a run keeps of the files it read: no texts, and the same texts again when they are asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fixpickle.model import Settings, Source
from fixpickle.reading import read_all
from fixpickle.shelf import Changed, Shelf, bare
from fixpickle.source import again, read

TEXTS = {
    "plain.py": b"x = 1\n",
    "windows.py": b"x = 1\r\ny = 2\r\n",
    "marked.py": b"\xef\xbb\xbfx = '\xc3\xa9'\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "cells.ipynb": b'{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null,'
    b' "source": ["x = 1\\n", "%time y = 2"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_read_again_is_what_was_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(TEXTS[name])
    first = read(path, explicit=True)
    assert isinstance(first, Source) and first.text
    assert not bare(first).text and not bare(first).notebook
    assert again(bare(first)) == first


def test_no_text_stays_in_memory_once_a_tree_is_read(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"m{number}.py").write_text(f"x = {number}\n")
    settings = Settings(tmp_path, Path(sys.executable))
    standing, skipped = read_all([tmp_path], settings, lambda *_: None)
    assert not skipped and not standing.sources.memory
    assert [source.text for source in standing.sources.values()] == ["x = 0\n", "x = 1\n", "x = 2\n"]


def test_bytes_that_are_held_are_not_looked_for_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "held.py"
    settings = Settings(tmp_path, Path(sys.executable))
    standing, _ = read_all([path], settings, lambda *_: None, {path: b"x = 1\n"})
    assert standing.sources[path].text == "x = 1\n"


@pytest.mark.parametrize("change", [lambda path: path.write_text("y = 2\n"), Path.unlink], ids=["changed", "gone"])
def test_a_file_that_changed_meanwhile_is_named(tmp_path: Path, change: object) -> None:
    path = tmp_path / "plain.py"
    path.write_text("x = 1\n")
    source = read(path)
    assert isinstance(source, Source)
    shelf = Shelf({}, {path: bare(source)})
    assert callable(change)
    change(path)
    with pytest.raises(Changed, match=rf"{path}: .*; run again"):
        shelf[path]
    assert shelf.with_([source])[path] == source


def test_the_shelf_forgets_what_was_read_longest_ago(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixpickle.shelf._MOST", 250)
    bares = {}
    for number in range(4):
        path = tmp_path / f"m{number}.py"
        path.write_text(f"{number}" * 100)
        source = read(path)
        assert isinstance(source, Source)
        bares[path] = bare(source)
    shelf = Shelf({}, bares)
    assert [shelf[path].text[0] for path in bares] == ["0", "1", "2", "3"]
    for path in bares:
        path.unlink()
    paths = list(bares)
    assert shelf[paths[2]].text[0] == "2" and shelf[paths[3]].text[0] == "3"
    with pytest.raises(Changed):
        shelf[paths[0]]
