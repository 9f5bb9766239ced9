"""One object, looked at in children of the user's interpreter: its parts, their lines, and the rules for them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fixpickle.cli.inspecting import _wanted

Run = Callable[..., subprocess.CompletedProcess[str]]
Inspected = Callable[..., dict[str, Any]]

TOP = Path(__file__).parent.parent
PUBLISHED = TOP / "docs" / "schemas" / "inspection-1.json"
SHOP = """
import os, threading, queue
from collections import namedtuple

lock = threading.Lock()  # global

class Connection:
    def __init__(self):
        self.calls = queue.Queue()  # queue

class Repository:
    def __init__(self):
        self.connections = [Connection()]
        self.key = lambda row: row[0]  # lambda

class App:
    def __init__(self, debug=False):
        self.repository = Repository()
        self.debug = debug

class Fine:
    pass

class Bad(Exception):
    def __init__(self, code, reason):
        super().__init__(code)

def closure():
    held = threading.Lock()  # captured
    return lambda: held

P = namedtuple("Point", "x y")  # named

def numbers():
    return {"n": (n for n in [1])}

def hidden():
    kept = {}
    kept["k"] = threading.Lock()  # allocated
    return kept

def hangs():
    while True:
        pass

def dies():
    os._exit(3)

def wants_file():
    return open("shop.py").read()[:1]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    return folder


def line_of(mark: str) -> int:
    return next(number for number, line in enumerate(SHOP.splitlines(), 1) if line.endswith(mark))


@pytest.fixture
def inspected(run_in: Run) -> Inspected:
    def inspected(folder: Path, target: str, *options: str, code: int = 1) -> dict[str, Any]:
        words = ["inspect", target, "--output-format", "json", "--python", sys.executable, *options]
        done = run_in(folder, *words)
        assert done.returncode == code, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(found)
        return found

    return inspected


def summary(found: dict[str, Any]) -> list[tuple[str, int, str]]:
    """Of each part its path, the line that made it and the rule that fixes it."""
    parts = found["parts"]
    return [
        (p["path"], p["made"]["line"] if p["made"] else 0, p["remedy"]["rule"] if p["remedy"] else "") for p in parts
    ]


def test_every_part_is_named_with_its_line_and_its_rule(shop: Path, inspected: Inspected) -> None:
    found = inspected(shop, "shop:App()")
    assert found["kind"] == "shop:App" and not found["crosses"]
    first, *others, last = summary(found)
    assert first == ("App.repository.connections[0].calls.mutex", line_of("# queue"), "bare-primitive")
    assert last == ("App.repository.key", line_of("# lambda"), "lambda-value")
    assert all(path.startswith("App.repository.connections[0].calls.") for path, _, _ in others)
    key = found["parts"][-1]
    assert key["cloudpickle"] is True and key["deepcopy"] is True and found["parts"][0]["cloudpickle"] is False
    assert [way["works"] for way in found["ways"]] == [False, False, False]


def test_what_cannot_be_loaded_is_named_with_its_rule(shop: Path, inspected: Inspected) -> None:
    found = inspected(shop, "shop.py:Bad(1, 'x')")
    way = found["ways"][0]
    assert not found["parts"] and (way["error"], way["at"]) == ("", "shop.Bad") and "reason" in way["loading"]
    assert way["defined"]["line"] == line_of("class Bad(Exception):")
    assert found["remedy"]["rule"] == "exception-arguments"


def test_what_crosses_ends_with_0(shop: Path, inspected: Inspected) -> None:
    found = inspected(shop, "shop:Fine()", code=0)
    assert found["crosses"] and found["ways"][0]["bytes"] > 0 and not found["parts"]


def test_lines_of_other_kinds_and_what_no_rule_knows(shop: Path, inspected: Inspected) -> None:
    found = inspected(shop, "shop:[closure(), P(1, 2), numbers(), lock, hidden()]")
    lines = {path: (line, rule) for path, line, rule in summary(found)}
    assert lines["list[0]"][0] == line_of("return lambda: held")
    assert lines["list[1].__class__"] == (line_of("# named"), "mismatched-type-name")
    assert lines["list[2]['n']"][1] == "" and lines["list[4]['k']"] == (0, "")


def test_memory_tells_what_no_source_does(shop: Path, inspected: Inspected) -> None:
    found = inspected(shop, "shop:hidden()", "--allocations")
    assert found["parts"][0]["made"]["line"] == line_of("# allocated")
    assert found["parts"][0]["made"]["by"] == "allocation"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("shop:absent", "NameError"),
        ("nowhere:x", "No module named 'nowhere'"),
        ("shop:hangs()", "hung for 2 s"),
        ("shop:dies()", "the interpreter ended with exit status 3"),
    ],
)
def test_what_is_no_object_ends_with_2_and_the_reason(shop: Path, target: str, said: str, run_in: Run) -> None:
    words = ["inspect", target, "--python", sys.executable, "--time-limit", "2"]
    done = run_in(shop, *words)
    assert done.returncode == 2 and said in done.stderr and "internal error" not in done.stderr


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("shop", "is not MODULE:EXPRESSION"),
        ("shop:", "is not MODULE:EXPRESSION"),
        ("shop:1 +", "is no expression"),
        ("absent.py:x", "absent.py: cannot be read"),
        ("not-a-name:x", "it is no dotted name"),
    ],
)
def test_words_that_name_no_object_are_refused_before_anything_runs(target: str, said: str) -> None:
    wanted = _wanted(target, False)
    assert isinstance(wanted, str) and said in wanted


def test_the_page_shows_what_is_really_said(tmp_path: Path, run_in: Run) -> None:
    page = (TOP / "docs" / "inspect.md").read_text("utf-8")
    script, *said = re.findall(r"^```(?:python|text)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "report.py").write_text(script, "utf-8")
    targets = ['report.py:Report("rows.csv")', 'report.py:Rejected(4, "no price")']
    assert all(f"    fixpickle inspect '{target}'\n" in page for target in targets)
    for target, text in zip(targets, said, strict=True):
        done = run_in(tmp_path, "inspect", target, "--python", sys.executable)
        assert _steady(done.stdout) == _steady(text)


def _steady(text: str) -> str:
    """Without the words of an interpreter for a local function or a wrong call."""
    return re.sub(r"(\w+Error: ).*", r"\1", text)


def test_it_is_evaluated_where_the_command_was_given(shop: Path, inspected: Inspected) -> None:
    assert inspected(shop, "shop:wants_file()", code=0)["kind"] == "builtins:str"


def test_a_file_of_a_package_is_imported_under_its_dotted_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "pack"
    package.mkdir(parents=True)
    for name in ("__init__.py", "part.py"):
        (package / name).write_text("")
    monkeypatch.chdir(tmp_path)
    wanted = _wanted("src/pack/part.py:a[1]", False)
    assert not isinstance(wanted, str)
    assert (wanted.module, wanted.expression, wanted.roots[0]) == ("pack.part", "a[1]", tmp_path / "src")
