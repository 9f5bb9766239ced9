"""The child itself: its line protocol, under every interpreter that is on the PATH."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fixpickle.verify.launch import PROBE, Answered, Died, Ending, Hung, Limits, Unstartable, start

VERSIONS = [f"python3.{minor}" for minor in range(8, 15)]


def starts(python: str) -> bool:
    """A version manager's shim can be there and start nothing."""
    found = shutil.which(python)
    return found is not None and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0


PYTHONS = [sys.executable, *(p for p in VERSIONS if starts(p))]


def ask(
    place: Path, tasks: list[dict[str, Any]], mode: str = "dump", python: str = sys.executable, **rest: Any
) -> list[dict[str, Any]]:
    """Run the probe by its path, as the prover does, and give its answers."""
    folder = place / "child"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "0.json").write_text(json.dumps({**request(place, **rest), "tasks": tasks}))
    (folder / "stop").touch()
    subprocess.run([python, "-B", str(PROBE), mode, str(folder)], cwd=folder, timeout=60)
    return [json.loads(line) for line in (folder / "0.jsonl").read_text().splitlines()]


def request(place: Path, **rest: Any) -> dict[str, Any]:
    """The first request to a child, which tells it where it is."""
    shared = place / "shared"
    shared.mkdir(exist_ok=True)
    limits = {"megabytes": 0, "processes": 0, "network": True}
    known = {"roots": [str(place)], "texts": {}, "runs": {}}
    sources = {name: rest.pop(name, default) for name, default in known.items()}
    (shared / "shown.sources").write_bytes(marshal.dumps(sources, 2))
    return {
        "parent": os.getpid(),
        "shared": str(shared),
        "codes": str(shared),
        "side": "after",
        "sources": str(shared / "shown.sources"),
        **limits,
        "tasks": [],
        **rest,
    }


def expression(text: str, module: str = "m", key: str = "0.1") -> dict[str, Any]:
    return {"id": key, "kind": "expression", "module": module, "expression": text, "pickler": "pickle", "boundary": ""}


def reference(name: str, module: str = "m", **rest: Any) -> dict[str, Any]:
    return {"id": "0.1", "kind": "reference", "module": module, "name": name, "bound": 0, "boundary": "", **rest}


def last(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of the last task."""
    return [line for line in answers if "done" in line][-1]


def error(answers: list[dict[str, Any]]) -> str:
    return str(last(answers).get("error"))


def test_answers_come_line_by_line_and_an_import_is_announced(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("X = 1\n")
    answers = ask(tmp_path, [expression("X"), expression("X + y", key="0.2")])
    assert [next(iter(a)) for a in answers] == [
        *("ready", "side", "begin", "importing", "imported", "done", "begin", "done", "idle"),
    ]
    assert answers[5]["stage"] == "dumped"
    assert answers[5]["facts"] == {"kind": "builtins:int", "shown": {}, "boundary": {}}
    assert answers[7] == {"done": "0.2", "stage": "build", "error": "NameError: name 'y' is not defined", "also": {}}


def test_a_copy_that_user_code_forked_never_answers(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import os\nos.fork()\nX = 1\n")
    answers = ask(tmp_path, [expression("X"), expression("X", key="0.2")])
    assert [a["done"] for a in answers if "done" in a] == ["0.1", "0.2"]


def test_names_of_the_provers_own_files_belong_to_the_user(tmp_path: Path) -> None:
    for name in ("script", "launch", "prove", "probe"):
        (tmp_path / f"{name}.py").write_text("OWNER = 'user'\n")
        answers = ask(tmp_path, [expression("{'user': len}[OWNER]", name)])
        assert last(answers)["stage"] == "dumped"


def test_the_provers_own_files_are_not_importable(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("")
    assert "No module named 'exchange'" in error(ask(tmp_path, [expression("__import__('exchange')")]))


def test_user_code_does_not_see_the_probe_as_main(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "import __main__\nHAS = [n for n in vars(__main__) if n[:2] != '__']\nassert not HAS, HAS\n"
    )
    assert last(ask(tmp_path, [expression("HAS")]))["stage"] == "dumped"


def test_errors_are_one_line_of_at_most_300_characters(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "class Odd(Exception):\n    def __str__(self):\n        raise Odd\n\n\ndef f(e):\n    raise e\n"
    )
    assert len(error(ask(tmp_path, [expression("f(ValueError('a\\n' * 999))")]))) == 300
    assert error(ask(tmp_path, [expression("f(Odd())")])) == "Odd"


@pytest.mark.parametrize("python", PYTHONS)
def test_sources_are_served_from_memory_with_everything_about_them(tmp_path: Path, python: str) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("raise ValueError('the text on disk')\n")
    (tmp_path / "pkg" / "data.txt").write_text("data")
    texts = {
        tmp_path / "pkg" / "__init__.py": "from .new import deep\n",
        tmp_path / "pkg" / "new" / "__init__.py": "from . import deep\n",
        tmp_path
        / "pkg"
        / "new"
        / "deep.py": (
            "# -*- coding: latin-1 -*-\nimport inspect, pkgutil\n\n\ndef f():\n    return 'é'\n\n\n"
            "assert 'é' in inspect.getsource(f) and len(f()) == 1\n"
            "assert __file__.endswith('deep.py') and __package__ == 'pkg.new'\n"
            "assert pkgutil.get_data('pkg', 'data.txt') == b'data'\n"
        ),
    }
    served = {str(p): t for p, t in texts.items()}
    answers = ask(tmp_path, [expression("deep.f", "pkg.new")], python=python, texts=served)
    assert last(answers)["stage"] == "dumped", answers
    assert not list(tmp_path.rglob("__pycache__")) and not (tmp_path / "pkg" / "new").exists()


@pytest.mark.parametrize("python", PYTHONS)
def test_a_new_module_goes_before_one_of_that_name_further_down_the_path(tmp_path: Path, python: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    (second / "m.py").write_text("X = second\n")
    answers = ask(
        tmp_path, [expression("{1: len}[X]")], python=python, texts={str(first / "m.py"): "X = 1\n"},
        roots=[str(first), str(second)],
    )  # fmt: skip
    assert last(answers)["stage"] == "dumped"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("origin", "line", "qualname"),
    [
        ("inner", 7, "C.method.<locals>.inner"),
        ("inner", 8, "C.method.<locals>.inner"),
        ("<lambda>", 10, "C.method.<locals>.inner.<locals>.<lambda>"),
        ("Local", 13, "C.method.<locals>.Local"),
        ("inner", 17, "outer.<locals>.inner"),
    ],
)
def test_the_original_is_rebuilt_where_it_stood(
    tmp_path: Path, python: str, origin: str, line: int, qualname: str
) -> None:
    text = """\
import functools


class C:
    def method(self):
        seen = self
        @functools.lru_cache
        def inner(x, *, y=1):
            z = x
            return lambda: (seen, z, __class__)

        inner.a = 1
        class Local:
            pass

def outer():
    async def inner(): pass
"""
    (tmp_path / "m.py").write_text(text)
    answers = ask(tmp_path, [reference("gone", origin=origin, line=line)], python=python, side="before")
    assert last(answers)["stage"] == "dump"
    assert qualname in error(answers)
    assert "local object" in error(answers) or "lookup" in error(answers)


def test_an_original_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def f(): pass\n")
    answers = ask(tmp_path, [reference("gone", origin="<lambda>", line=1)], side="before")
    assert last(answers)["stage"] == "build" and "there is no <lambda> at line 1" in error(answers)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_was_dumped_is_compared_with_what_is_there_on_the_other_side(tmp_path: Path, python: str) -> None:
    path = tmp_path / "m.py"
    path.write_text("def f(a, b=frozenset({'x', 'y'})):\n    return a in {'p', 'q', 'r'}\n")
    dumped = last(ask(tmp_path, [reference("f")], python=python))
    carried = [{**reference("f"), **dumped}]
    assert last(ask(tmp_path, carried, "load", python))["stage"] == "crossed"
    path.write_text("def f(a, b=None):\n    return a in {'p', 'q', 's'}\n")
    assert error(ask(tmp_path, carried, "load", python)) == "its code or signature differs on the other side"


def test_a_script_is_trimmed_to_what_runs_and_inspected_as_it_is(tmp_path: Path) -> None:
    whole = "import inspect\nprint(undefined)\ndef f():\n    return 1  # a comment\n"
    runs = "\n\ndef f():\n    return 1\n"
    path = str(tmp_path / "m.py")
    asked = [expression("{True: f}['comment' in __import__('inspect').getsource(f)]")]
    assert last(ask(tmp_path, asked, texts={path: whole}, runs={path: runs}))["stage"] == "dumped"


def test_a_script_that_does_not_compile_as_a_whole_is_no_module(tmp_path: Path) -> None:
    path = str(tmp_path / "m.py")
    answers = ask(tmp_path, [expression("1")], texts={path: "X = 1\nreturn 2\n"}, runs={path: "X = 1\n"})
    assert last(answers)["stage"] == "import" and "SyntaxError" in error(answers)


def begin(place: Path, text: str, seconds: float = 20.0, python: str = sys.executable, **limits: Any) -> Ending:
    """What becomes of a child that imports a module of that text."""
    (place / "m.py").write_text(text)
    shutil.rmtree(place / "child", ignore_errors=True)
    child = start(Path(python), "dump", place / "child", Limits(seconds, 0, **limits), f"test{os.getpid()}")
    if isinstance(child, Unstartable):
        return child
    network = limits.get("network", False)
    ending, _ = child.ask({**request(place), "network": network, "tasks": [expression("1")]})
    child.close()
    return ending


def test_a_child_whose_pipes_are_gone_answers_all_the_same(tmp_path: Path) -> None:
    """The folder that they lie in is the one for temporary files, which user code may clear."""
    (tmp_path / "m.py").write_text("import os\nfor name in ('knocker', 'bell'):\n    os.remove(name)\n")
    child = start(Path(sys.executable), "dump", tmp_path / "child", Limits(20, 0), f"test{os.getpid()}")
    assert not isinstance(child, Unstartable)
    for question in ({**request(tmp_path), "tasks": [expression("1")]}, {"side": "after", "tasks": [expression("2")]}):
        ending, answers = child.ask(question)
        assert (ending, answers[-2]["stage"]) == (Answered(), "dumped")
    child.close()


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.02)
    return False


def test_a_child_ends_in_one_of_four_ways(tmp_path: Path) -> None:
    assert begin(tmp_path, "") == Answered()
    assert begin(tmp_path, "import os, sys\nprint('x', file=sys.stderr, flush=True)\nos._exit(4)\n") == Died(
        "ended with exit status 4", "x"
    )
    assert begin(tmp_path, "import time\ntime.sleep(60)\n", seconds=0.5) == Hung(0.5)
    assert isinstance(begin(tmp_path, "", python=str(tmp_path)), Unstartable)


def test_the_environment_is_the_proofs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    monkeypatch.setenv("PYTHONPATH", "relative")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    text = f"""\
import json, os, sys, tempfile
names = ["HOME", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONHASHSEED", "FIXPICKLE_PROOF"]
seen = [[os.environ.get(n) for n in names], os.getcwd(), tempfile.gettempdir()]
seen += [sys.stdin.read(), sys.dont_write_bytecode]
with open({str(tmp_path / "seen")!r}, "w") as out: json.dump(seen, out)
"""
    assert begin(tmp_path, text) == Answered()
    place = str(tmp_path / "child")
    relative = str(Path("relative").absolute())
    assert json.loads((tmp_path / "seen").read_text()) == [
        [place, None, None, relative, "7", "1"],
        place,
        place,
        "",
        True,
    ]


def test_processes_that_user_code_started_do_not_outlive_the_child(tmp_path: Path) -> None:
    note = str(tmp_path / "pid")
    text = f"import subprocess\npid = subprocess.Popen(['sleep', '60']).pid\nopen({note!r}, 'w').write(str(pid))\n"
    assert begin(tmp_path, text) == Answered()
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_PDEATHSIG")
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import time\ntime.sleep(60)\n")
    code = (
        "import json, pathlib, sys\nfrom fixpickle.verify.launch import Limits, start\n"
        "child = start(pathlib.Path(sys.executable), 'dump', pathlib.Path(sys.argv[1]), Limits(60, 0), 'test')\n"
        "child.ask(json.loads(sys.stdin.read()))\n"
    )
    question = json.dumps({**request(tmp_path), "parent": 0, "tasks": [expression("1")]})
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "child")], stdin=subprocess.PIPE, text=True)
    assert parent.stdin is not None
    with parent.stdin:
        parent.stdin.write(question)
    answers = tmp_path / "child" / "0.jsonl"
    for _ in range(500):
        if answers.exists() and "importing" in answers.read_text():
            break
        time.sleep(0.02)
    child = json.loads(answers.read_text().splitlines()[0])["ready"]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone(child)
