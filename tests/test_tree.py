"""What a tree gives by type is what a walk over its nodes gives, in the order of the walk."""

from __future__ import annotations

import ast
import gc
import weakref
from pathlib import Path

import pytest

from fixpickle.model import Source
from fixpickle.source import decode
from fixpickle.survey import survey
from fixpickle.survey import tree as module
from fixpickle.survey.mangling import mangled
from fixpickle.survey.tree import Tree, children, walk

TEXTS = [
    Path(module.__file__).read_text(encoding="utf-8"),
    Path(__file__).read_text(encoding="utf-8"),
    "",
    "f = [lambda x=(y := 1): {a: b for a, b in x if a for c in b} for x in z]\nprint(*f, sep='')\n",
    "@d(lambda: 1)\nclass A(B, metaclass=M):\n    x: int = 1\n"
    "    async def f(self, /, a: A = 1, *, k=[i for i in o]):\n"
    "        global g, h\n        return await a\n    v = {**f, 1: 2}\n",
    "match p:\n    case {'a': [1, *rest], **more} | A(x=1, y=_):\n        del p[0]\n"
    "    case str() as s if s:\n        pass\n",
]
MARKERS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
KINDS = (ast.Name, ast.Call, ast.arg)


def _tree(text: str) -> Tree:
    source = decode(text.encode(), Path("/nowhere/m.py"))
    assert isinstance(source, Source)
    return Tree(source)


@pytest.mark.parametrize("text", TEXTS)
def test_nodes_are_what_ast_walks_over_without_the_markers(text: str) -> None:
    tree = _tree(text)
    assert tree.nodes == [n for n in ast.walk(tree.root) if not isinstance(n, MARKERS)]
    for node in tree.nodes:
        below = [n for n in ast.walk(node) if not isinstance(n, MARKERS)]
        assert list(walk(node)) == below
        assert tree.within(node, *KINDS) == [n for n in below if isinstance(n, KINDS)]
        assert all(tree.parents[child] is node for child in children(node))


@pytest.mark.parametrize("text", TEXTS)
def test_nodes_of_types_come_in_the_order_of_all_nodes(text: str) -> None:
    tree = _tree(text)
    assert tree.of(*KINDS) == [n for n in tree.nodes if isinstance(n, KINDS)]
    assert tree.of(ast.Name) == [n for n in tree.nodes if isinstance(n, ast.Name)]
    assert tree.ordered(reversed(tree.of(*KINDS))) == tree.of(*KINDS)


def test_what_is_evaluated_around_a_definition_is_in_the_scope_around_it() -> None:
    tree = _tree("def f(a=b):\n    return [x + y for x in (lambda q=r: s) for y in t]\n")
    function = tree.of(ast.FunctionDef)[0]
    comprehension, inner = tree.of(ast.ListComp)[0], tree.of(ast.Lambda)[0]
    scopes = {n.id: tree.scope(n) for n in tree.of(ast.Name) if isinstance(n.ctx, ast.Load)}
    assert scopes == {
        "b": tree.root,
        "x": comprehension,
        "y": comprehension,
        "t": comprehension,
        "r": function,
        "s": inner,
    }
    assert tree.scope(inner) is function


def test_a_tree_is_gone_when_its_file_is_surveyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files are surveyed the collector of cycles does not run: a cycle would keep the tree until the end."""
    made: list[int] = []
    gone: list[int] = []
    init = Tree.__init__

    def noted(self: Tree, source: Source) -> None:
        made.append(id(self))
        weakref.finalize(self, gone.append, id(self))
        init(self, source)

    monkeypatch.setattr(Tree, "__init__", noted)
    used = "from joblib import Parallel\nhow = {'n_jobs': 2}\nParallel(**how)(f(i) for i in range(3))\n"
    gc.disable()
    try:
        for text in (*TEXTS, used):
            source = decode(text.encode(), Path("/nowhere/m.py"))
            assert isinstance(source, Source)
            survey(source)
    finally:
        gc.enable()
    assert made and gone == made


@pytest.mark.parametrize("cls", ["Owner", "_Owner", "__Owner", "Owner_", "__"])
@pytest.mark.parametrize("name", ["x", "_x", "__x", "__x_", "__x__", "__"])
def test_a_name_is_mangled_as_python_does_it(cls: str, name: str) -> None:
    made: dict[str, type] = {}
    exec(f"class {cls}:\n    {name} = 1\n", made)
    assert mangled(name, cls) in vars(made[cls])
    assert mangled(name, f"Outer.{cls}") == mangled(name, cls)
