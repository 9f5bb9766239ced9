"""Notebooks: cells read as a module and written back, byte for byte; and the command line on real ones."""

from __future__ import annotations

import json
import multiprocessing
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
import pytest

from fixpickle.model import Refusal, Source
from fixpickle.notebook import Unreadable, as_module, parts, place, written
from fixpickle.notebook.magics import as_python, put_back
from fixpickle.source import decode, encode

Run = Callable[..., subprocess.CompletedProcess[str]]

SPAWNED = """\
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
    print(list(pool.map(work, range(3))))"""
CELLS = ("SCALE = 3", "def work(x):\n    return x * SCALE", SPAWNED)


def notebook(sources: Sequence[str], minor: int = 5, **metadata: object) -> dict[str, object]:
    """A notebook of code cells, as Jupyter writes one of that minor version of its format."""
    cells = [
        {"cell_type": "code", "execution_count": 7, "metadata": {"b": 1, "a": [2]}, "outputs": [_OUTPUT], "source": s}
        | ({"id": f"cell-{number}"} if minor >= 5 else {})
        for number, s in enumerate(sources)
    ]
    return {"nbformat_minor": minor, "nbformat": 4, "cells": cells, "metadata": metadata}


_OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["π = 3\n"]}


def listed(raw: dict[str, object]) -> dict[str, object]:
    """With sources as lists of lines, as they are on disk."""
    cells = raw["cells"]
    assert isinstance(cells, list)
    return raw | {"cells": [cell | {"source": cell["source"].splitlines(True)} for cell in cells]}


def module(raw: str) -> str:
    text = as_module(raw)
    assert isinstance(text, str), text
    return text


# --- magics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nimport math",
        "%time rows = load()\nprint(rows)",
        "%timeit -n 10 -r 3 f(2)",
        "%time",
        "!pip install \\\n    numpy\nimport numpy",
        "files = !ls -l *.csv\nprint(files)",
        "a, b = %sql select 1\n",
        "%%bash\necho '\"' (\n",
        "%%time\n\nrows = load()\n!ls",
        "\n%%capture out\n%time f()",
        "%%cython\ncdef int f(int x): return x",
        "?print\nprint??\nf?",
        "if True:\n    !echo 'it''s \" ( {x}\n    x = 1",
        "for x in y:\n    %time f(x)\n    g(x)",
        'text = """\n%not a magic\n!neither\n"""\n%but this',
        "x = (\n    '%d'\n    % 3\n)\n!ls",
        "x = 7 \\\n    % 4\n!ls",
        "# a comment with ' in it\n%load_ext autoreload",
        "pip install numpy\ncd ..\nls",
        "x = 'it\\'s' # %\n!ls {x}\r\ny = 2\r\n",
        "/f 1 2\n,g a b\n;h a b",
    ],
)
def test_magics_become_python_on_the_same_lines_and_what_they_were(cell: str) -> None:
    python = as_python(cell, 3)
    compile(python.text, "cell", "exec")
    assert python.text.count("\n") == cell.count("\n")
    assert put_back(python.text, python.magics) == cell
    assert python.magics


@pytest.mark.parametrize("cell", ["x = 5 % 3", "print('%time')", "x = '''\n%time\n'''", "a != b", "d['a=%s'] = 1", ""])
def test_python_is_left_as_it_is(cell: str) -> None:
    assert as_python(cell, 0).text == cell
    assert as_python(cell, 0).magics == ()


def test_code_behind_a_timing_magic_is_seen() -> None:
    assert as_python("%time rows = load()", 0).text == "__ipython_magic_0__(); rows = load()"


def test_what_a_magic_may_bind_is_told() -> None:
    raw = json.dumps(notebook(["%store -r LIMIT\n!echo {limit}", "%%bash --out said\necho nothing", "%%R -o frame\nx"]))
    named = [part.mentioned for part in parts(raw, module(raw))]
    assert named == [{"store", "r", "LIMIT"}, {"bash", "out", "said"}, {"R", "o", "frame", "x"}]


# --- JSON -----------------------------------------------------------------------------------------------------------

LAYOUTS: dict[str, Callable[[dict[str, object]], str]] = {
    "jupyter": lambda raw: json.dumps(listed(raw), indent=1, ensure_ascii=False) + "\n",
    "sorted": lambda raw: json.dumps(listed(raw), indent=2, sort_keys=True) + "\n",
    "tabs": lambda raw: json.dumps(listed(raw), indent="\t", ensure_ascii=False),
    "strings": lambda raw: json.dumps(raw, indent=1),
    "one line": lambda raw: json.dumps(listed(raw)),
    "tight": lambda raw: json.dumps(listed(raw), separators=(",", ":")),
    "windows": lambda raw: json.dumps(listed(raw), indent=1).replace("\n", "\r\n"),
}
ODD = [
    "",
    "  \n",
    "# ümlaut \u2713 \"quoted\" \\ /\nx = 'é'\n",
    "%%html\n<b>",
    "y = 1\r\nz = 2",
    "def f():\n    return 3",
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cells_that_stay_keep_every_byte(layout: str) -> None:
    raw = LAYOUTS[layout](notebook(ODD))
    assert written(raw, module(raw)) == raw


@pytest.mark.parametrize("minor", range(6))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_changed_cell_changes_its_source_and_nothing_else(layout: str, minor: int) -> None:
    before = notebook(ODD, minor)
    raw = LAYOUTS[layout](before)
    after = written(raw, module(raw).replace("def f():\n    return 3", "from m import f\nf()"))
    old, new = json.loads(raw), json.loads(after)
    assert "".join(new["cells"][-1].pop("source")) == "from m import f\nf()"
    kind = old["cells"][-1].pop("source")
    assert type(json.loads(after)["cells"][-1]["source"]) is type(kind)
    assert new == old
    assert list(new) == list(old)
    head, tail = after[: after.index("from m import f")], raw[raw.index("return 3") + len("return 3") :]
    assert raw.startswith(head)
    assert after.endswith(tail)
    nbformat.validate(json.loads(after))


def test_lines_that_stay_in_a_changed_cell_keep_their_spelling() -> None:
    raw = '{"nbformat":4,"metadata":{},"cells":[{"cell_type":"code","source":["x = \'\\u00e9\'\\n","y\\/1\\n","z"]}]}'
    after = written(raw, module(raw).replace("z", "w"))
    assert after == raw.replace('"z"', '"w"')


def test_a_cell_or_magic_that_was_lost_is_never_written() -> None:
    raw = json.dumps(notebook(["!ls\nx = 1", "y = 2"]))
    with pytest.raises(ValueError, match="lost one"):
        written(raw, module(raw).replace("# %% cell 2\n\n", ""))
    with pytest.raises(ValueError, match="magic command of cell 1"):
        written(raw, module(raw).replace("magic_0__()", "magic_0__(1)"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "is no notebook"),
        ("[]", "does not say its nbformat"),
        ("{\n<<<<<<< HEAD\n", "line 2"),
        ('{"nbformat": 3, "worksheets": []}', "is of nbformat 3"),
        ('{"nbformat": 4}', "is no notebook"),
        ('{"nbformat": 4, "cells": [3]}', "is no notebook"),
        (json.dumps(notebook(["x = 1", "y = (\nz = 3"])), "cell 2, line 1: syntax error"),
        (json.dumps(notebook(["x = 1\n\n", "y = 1\nreturn y"])), "cell 2, line 2: syntax error"),
        (json.dumps(notebook(["x = 1", "from __future__ import annotations"])), "cell 2 imports from __future__"),
        (json.dumps(notebook(["# %% cell 3"])), "cell 1 holds a line"),
    ],
)
def test_what_is_no_notebook_of_python_is_refused_with_cell_and_line(raw: str, reason: str) -> None:
    found = as_module(raw)
    assert isinstance(found, Unreadable)
    assert reason in found.reason
    assert isinstance(decode(raw.encode(), Path("/tmp/x.ipynb")), Refusal)


def test_other_languages_have_no_cells_and_are_told_of_where_they_are_named() -> None:
    raw = json.dumps(notebook(["x <- 1"], language_info={"name": "R"})).encode()
    found = decode(raw, Path("/tmp/x.ipynb"))
    assert isinstance(found, Source)
    assert found.text == ""
    assert encode("", found) == raw
    assert isinstance(decode(raw, Path("/tmp/x.ipynb"), explicit=True), Refusal)


def test_an_outer_await_is_hidden_and_not_an_error() -> None:
    raw = json.dumps(notebook(["x = 1", "y = await f()\nprint(y)"]))
    assert "await" not in module(raw)
    assert written(raw, module(raw)) == raw


def test_places_name_the_cell_the_line_in_it_and_the_line_of_the_file() -> None:
    raw = LAYOUTS["jupyter"](notebook(["", "x = 1", "# a\n\ny = 2"]))
    found = place(raw, module(raw), module(raw).index("y = 2"))
    assert (found.cell, found.row) == (2, 3)  # as Run All counts: blank cells get no number
    assert "y = 2" in raw.split("\n")[found.line - 1]


# --- the command line -----------------------------------------------------------------------------------------------

KERNEL = """
import json, sys
main = sys.modules["__main__"]
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    exec("".join(cell["source"]), vars(main))
"""


def kernel(path: Path) -> subprocess.CompletedProcess[str]:
    """The cells run in a `__main__` that no worker can import, as it is in a kernel."""
    command = [sys.executable, "-c", KERNEL, path.name]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pools.ipynb").write_text(LAYOUTS["jupyter"](notebook(CELLS)), "utf-8")
    copies = tmp_path / ".ipynb_checkpoints"
    copies.mkdir()
    (copies / "pools-checkpoint.ipynb").write_text("{}")
    return tmp_path


def test_spawned_workers_find_what_the_cells_define_only_after_apply(folder: Path, run_in: Run) -> None:
    before = kernel(folder / "pools.ipynb")
    assert "BrokenProcessPool" in before.stderr
    assert re.search("(Can't get|module '__main__' has no) attribute 'work'", before.stderr)
    done = run_in(folder, "apply", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pools.ipynb:cell 2:1:1: notebook-definition" in done.stdout
    assert "[proved]" in done.stdout
    assert "at line 5 of cell 3" in done.stdout
    after = kernel(folder / "pools.ipynb")
    assert (after.returncode, after.stdout) == (0, "[0, 3, 6]\n"), after.stderr


def test_whole_notebooks_are_run_as_proof_where_that_is_asked_for(folder: Path, run_in: Run) -> None:
    done = run_in(folder, "apply", "--dry-run", "--run-notebooks", ".")
    assert "proof   a real run: every cell of pools.ipynb ran" in done.stdout
    assert "before  BrokenProcessPool" in done.stdout
    assert "in cell 3" in done.stdout


def test_a_cell_that_ran_before_and_fails_after_takes_the_fix_back(folder: Path, run_in: Run) -> None:
    watchful = "import sys\nassert work.__module__ == '__main__', 'moved'"
    start = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    forked = SPAWNED.replace('get_context("spawn")', f"get_context({start!r})")
    (folder / "pools.ipynb").write_text(LAYOUTS["jupyter"](notebook((*CELLS[:2], watchful, forked))), "utf-8")
    done = run_in(folder, "apply", "--dry-run", "--run-notebooks", ".")
    if "BrokenProcessPool" not in done.stdout:  # where workers are forked, all cells ran before
        assert "[taken back]" in done.stdout
        assert "AssertionError: moved in cell 3" in done.stdout


def test_magic_commands_are_left_out_of_a_run_and_what_they_give_ends_it(folder: Path, run_in: Run) -> None:
    path = folder / "pools.ipynb"
    path.write_text(LAYOUTS["jupyter"](notebook(("%matplotlib inline\nx = 1", *CELLS))), "utf-8")
    assert "every cell of pools.ipynb ran" in run_in(folder, "apply", "--dry-run", "--run-notebooks", ".").stdout
    path.write_text(LAYOUTS["jupyter"](notebook(("files = !ls", *CELLS))), "utf-8")
    done = run_in(folder, "apply", "--dry-run", "--run-notebooks", ".")
    assert "proof   pools_defs.work by reference" in done.stdout


def test_apply_is_taken_back_whole(folder: Path, run_in: Run) -> None:
    path = folder / "pools.ipynb"
    former = path.read_bytes()
    assert run_in(folder, "apply", ".").returncode == 0
    assert path.read_bytes() != former
    assert (folder / "pools_defs.py").exists()
    assert run_in(folder, "undo").returncode == 0
    assert path.read_bytes() == former
    assert not (folder / "pools_defs.py").exists()


def test_uncommitted_work_in_a_notebook_is_not_written_over(folder: Path, run_in: Run) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    path = folder / "pools.ipynb"
    path.write_text(path.read_text("utf-8").replace("SCALE = 3", "SCALE = 4"), "utf-8")
    done = run_in(folder, "apply", "--no-verify", ".")
    assert done.returncode == 2
    assert "pools.ipynb (changed)" in done.stderr
    assert "SCALE = 4" in path.read_text("utf-8")


def test_a_definition_that_cannot_be_imported_is_told_and_not_claimed(folder: Path, run_in: Run) -> None:
    cells = ("import nowhere_at_all", "def work(x):\n    return nowhere_at_all.f(x)", SPAWNED)
    (folder / "pools.ipynb").write_text(LAYOUTS["strings"](notebook(cells)), "utf-8")
    done = run_in(folder, "apply", "--dry-run", ".")
    assert "[unproved]" in done.stdout
    assert "No module named 'nowhere_at_all'" in done.stdout


def test_a_broken_cell_is_named_and_the_run_fails(folder: Path, run_in: Run) -> None:
    (folder / "pools.ipynb").write_text(json.dumps(notebook(["x = 1", "a b"])), "utf-8")
    done = run_in(folder, "check", ".")
    assert done.returncode == 1
    assert "cell 2, line 1: syntax error" in done.stdout
