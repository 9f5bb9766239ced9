"""A fix that names a builtin is not made where the file has another thing of that name, and is made everywhere else."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from fixpickle.model import Edit, Evidence, Finding, Patch, Reach, Source, Span
from fixpickle.shadows import MEANT, shadowed
from fixpickle.source import apply_edits, decode, stretches

PATH = Path("/nowhere/m.py")
FIXTURES = Path(__file__).parent / "fixtures"
HERE = "HERE"


def reason(text: str, written: str, newline: str = "\n", taken: str = "") -> str:
    """What is said of a fix that writes something in the place of the mark, and takes something away elsewhere."""
    source = decode(text.replace("\n", newline).encode(), PATH, True)
    assert isinstance(source, Source)
    start = source.text.index(HERE)
    edits = [Edit(PATH, start, start + len(HERE), written)]
    if taken:
        at = source.text.index(taken)
        edits.append(Edit(PATH, at, at + len(taken), "pass"))
    finding = Finding("some-rule", PATH, Span(0, 1, 1, 1), "message", Reach(Evidence.STATE, ("chain",)))
    return shadowed(Patch(finding, tuple(edits)), {PATH: source})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("list = 1\nHERE\n", 1),
        ("def f():\n    HERE\nlist: int = 1\n", 3),
        ("def f(a, *, list=None):\n    HERE\n", 1),
        ("def f(*list):\n    HERE\n", 1),
        ("def f(list):\n    def g():\n        HERE\n", 1),
        ("def f(list):\n    class A:\n        def g(self):\n            HERE\n", 1),
        ("class A:\n    list = 1\n    HERE\n", 2),
        ("class A:\n    def list(self): pass\n    HERE\n", 2),
        ("lambda list: (\n    HERE)\n", 1),
        ("import list\nHERE\n", 1),
        ("import list.more\nHERE\n", 1),
        ("from a import b as list\nHERE\n", 1),
        ("from a import list\nHERE\n", 1),
        ("try:\n    pass\nexcept E as list:\n    HERE\n", 3),
        ("with a as (b, list):\n    HERE\n", 1),
        ("for list in a:\n    HERE\n", 1),
        ("[\n    HERE for list in a]\n", 2),
        ("def f():\n    [b for a in c if (list := a)]\n    HERE\n", 2),
        ("def f():\n    global list\n    list = 1\ndef g():\n    HERE\n", 2),
        ("match a:\n    case [*list]:\n        HERE\n", 2),
        ("match a:\n    case {**list}:\n        HERE\n", 2),
        ("match a:\n    case list:\n        HERE\n", 2),
        ("class list: pass\nHERE\n", 1),
        ("def f():\n    HERE\n    del list\n", 3),
        ("async def list(): pass\nHERE\n", 1),
        ("[list] = [1]\nHERE\n", 1),
        ("list += 1\nHERE\n", 1),
        ("x = 'é€𝄞'; list = 'é€𝄞'; HERE\n", 1),
        ("if a:\n    from builtins import list\nelse:\n    list = 1\nHERE\n", 4),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_name_that_the_file_binds_there_is_in_the_way(text: str, line: int, newline: str) -> None:
    told = f"the fix would write `list` for the builtin, and line {line} binds that name to something else"
    for written in ("list(a)", "list", "list[int]", "list.append(a, 1)", "(a,\n    list)"):
        assert reason(text, written, newline) == told, written
    assert reason(text, "tuple(a.list, list=1)", newline) == reason(text, "'list'", newline) == ""


@pytest.mark.parametrize(
    "text",
    [
        "HERE\n",
        "def f(list): pass\nHERE\n",
        "def f():\n    list = 1\ndef g():\n    HERE\n",
        "class A:\n    list = 1\n    def g(self):\n        HERE\n",
        "class A:\n    def list(self): pass\n    def g(self):\n        HERE\n",
        "class A:\n    list = 1\n    [\n        HERE for a in b]\n",
        "[list for list in a]\nHERE\n",
        "[a for a in \nHERE for list in a]\n",
        "def f(a=HERE, list=1): pass\n",
        "(lambda list: list, HERE)\n",
        "from builtins import list\nHERE\n",
        "a.list = 1\nHERE\n",
        "f(list=1)\nHERE\n",
        "isinstance(a, list)\nHERE\n",
        "# list = 1\n'list = 1'\nHERE\n",
        "from list import a\nHERE\n",
        "import a.list\nHERE\n",
    ],
)
def test_what_is_bound_elsewhere_is_not(text: str) -> None:
    assert [reason(text, written) for written in ("list(a)", "list", "list.append")] == [""] * 3


def test_what_moves_reads_what_it_read_and_may_be_handed_over() -> None:
    text = "def f(list):\n    def g(a): return list(a)\n    HERE\n"
    inner = "def g(a): return list(a)"
    assert reason(text, "g = partial(_g, list)") != ""
    assert reason(text, "g = partial(_g, list)", taken=inner) == ""
    assert reason(text, "g = partial(lambda list, a: list(a), list)", taken=inner) == ""
    assert reason(text, "g = partial(lambda list, a: list(list(a)), list)", taken=inner) != ""
    assert reason(text, "g = partial(_g, type)", taken=inner) == ""
    assert reason(text, "g = list(list(") == ""  # no Python: the check of the result says so


def test_stretches_are_where_the_texts_of_edits_stand() -> None:
    text = "abcdefghij"
    edits = [
        *(Edit(PATH, 8, 10, ""), Edit(PATH, 4, 4, "x\ny"), Edit(PATH, 4, 4, "import z\n")),
        *(Edit(PATH, 0, 2, "12345"), Edit(PATH, 0, 2, "12345"), Edit(PATH, 4, 6, "-")),
    ]
    for newline in ("\n", "\r\n"):
        made = apply_edits(text, edits, newline)
        found = [made[start:end] for start, end in stretches(edits, newline).values()]
        assert found == ["12345", f"import z{newline}", f"x{newline}y", "-", ""]


def _names(paths: Iterable[Path]) -> Counter[str]:
    """How often each builtin is read in files."""
    found = Counter[str]()
    for path in paths:
        tree = ast.parse(path.read_bytes()) if not path.name.startswith("_fixpickle_") else ast.Module([], [])
        names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
        found.update(name for name in names if hasattr(builtins, name))
    return found


def test_whatever_rules_write_by_the_name_of_a_builtin_is_looked_at() -> None:
    """What files read after their fixes and not at all before is what a rule wrote."""
    alone = [([path.with_name(path.name.replace(".fixed.py", ".py"))], [path]) for path in FIXTURES.rglob("*.fixed.py")]
    # What the cells of a notebook read is not read here.
    several = [above for above in FIXTURES.glob("*/*/after") if not list(above.rglob("*.ipynb"))]
    many = [(above.parent.glob("before/**/*.py"), above.rglob("*.py")) for above in several]
    assert len(many) > 40
    written = Counter[str]()
    for before, after in [*alone, *many]:
        there = [path for path in before if path.exists()]
        was = _names(there)
        written.update(name for name in _names(after) if there and not was[name])
    assert written["list"] and written["AttributeError"] and written["setattr"]
    assert set(written) <= MEANT
