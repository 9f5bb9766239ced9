from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixpickle.rewrite import snake
from fixpickle.rewrite.style import tidy


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path / "m.py"


def check(old: str, new: str, want: str, path: Path) -> None:
    assert tidy(dedent(old), dedent(new), path) == dedent(want)


def test_a_new_function_is_formatted_and_its_neighbours_are_not(here: Path) -> None:
    old = """\
    import   a
    x = { 'k':1 }


    y = pool.map(lambda r: r.age+1, rows)
    z = [ 1,2 ]
    """
    new = """\
    import   a
    x = { 'k':1 }

    def _age( r ):
        return r.age+1

    y = pool.map(_age, rows)
    z = [ 1,2 ]
    """
    want = """\
    import   a
    x = { 'k':1 }


    def _age(r):
        return r.age + 1


    y = pool.map(_age, rows)
    z = [ 1,2 ]
    """
    check(old, new, want, here)


def test_a_name_that_becomes_a_definition_is_parted_from_what_stands_close_above_and_below(here: Path) -> None:
    old = """\
    def first():
        return 1

    NONE = ()
    ALL = lambda _: (True, None)
    SAME = lambda x: x
    EMPTY = object()
    LAST = lambda _, value: value
    """
    new = """\
    def first():
        return 1

    NONE = ()
    def ALL(_):
        return (True, None)
    def SAME(x):
        return x
    EMPTY = object()
    def LAST(_, value):
        return value
    """
    want = """\
    def first():
        return 1

    NONE = ()


    def ALL(_):
        return (True, None)


    def SAME(x):
        return x


    EMPTY = object()


    def LAST(_, value):
        return value
    """
    check(old, new, want, here)


def test_a_comment_and_a_decorator_stay_with_the_definition_below_them(here: Path) -> None:
    old = """\
    A = 1
    # What it is.
    f = lambda x: x
    """
    new = """\
    A = 1
    # What it is.
    def f( x ):
        return x
    """
    want = """\
    A = 1
    # What it is.
    def f(x):
        return x
    """
    check(old, new, want, here)


def test_a_changed_statement_that_was_formatted_stays_formatted(here: Path) -> None:
    old = "value = pool.map(function_with_a_name, rows)\nother = [ 1 ]\n"
    new = old.replace(
        "function_with_a_name, rows", "partial(function_with_a_name, first_argument), other_rows, chunksize=10"
    )
    want = """\
    value = pool.map(
        partial(function_with_a_name, first_argument), other_rows, chunksize=10
    )
    other = [ 1 ]
    """
    check(old, new, want, here)


def test_a_changed_statement_that_nobody_formatted_is_left_as_the_fix_made_it(here: Path) -> None:
    old = "value = pool.map( lambda r:r , rows,  chunksize = 1 )\n"
    new = "value = pool.map( _identity , rows,  chunksize = 1 )\n"
    check(old, new, new, here)


def test_a_new_statement_is_formatted_next_to_a_changed_one_that_is_left(here: Path) -> None:
    old = "x = 1\nvalue = pool.map( lambda r:r.a , rows )\n"
    new = "x = 1\n\ndef _a(r): return r.a\n\nvalue = pool.map( _a , rows )\n"
    want = """\
    x = 1


    def _a(r):
        return r.a


    value = pool.map( _a , rows )
    """
    check(old, new, want, here)


def test_only_the_head_of_a_changed_function_is_formatted_not_its_body(here: Path) -> None:
    old = "def f(a):\n    x = { 1 }\n    return x\n"
    new = "def f(a,b):\n    x = { 1 }\n    return x\n"
    check(old, new, "def f(a, b):\n    x = { 1 }\n    return x\n", here)


def test_a_statement_inside_a_function_is_formatted_alone(here: Path) -> None:
    old = "def f( a ):\n    x = { 1 }\n    return x\n"
    new = "def f( a ):\n    x = { 1 }\n    lock=Lock( )\n    return x\n"
    check(old, new, "def f( a ):\n    x = { 1 }\n    lock = Lock()\n    return x\n", here)


def test_an_argument_taken_out_of_a_call_over_several_lines_counts_as_a_change(here: Path) -> None:
    old = "x = f(\n    a,\n    b,\n)\ny = [ 1 ]\n"
    check(old, "x = f(\n    a)\ny = [ 1 ]\n", "x = f(a)\ny = [ 1 ]\n", here)


def test_a_docstring_keeps_every_blank_it_came_with(here: Path) -> None:
    new = 'def f( ):\n    """Says  \n      so.   """\n    return   1\n'
    want = 'def f():\n    """Says  \n      so.   """\n    return 1\n'
    assert tidy("", new, here) == want


def test_blank_lines_between_others_are_not_taken_away(here: Path) -> None:
    old = "a = 1\n\n\n\n\nclass C: pass\nb = 2\n"
    new = "a = 1\n\n\n\n\nimport  x\nclass C: pass\nb = 2\n"
    got = tidy(old, new, here)
    assert got == "a = 1\n\n\n\n\nimport x\n\nclass C: pass\nb = 2\n"


@pytest.mark.parametrize("indent", ["  ", "\t"], ids=["two blanks", "tabs"])
def test_another_indentation_than_blacks_is_kept(indent: str, here: Path) -> None:
    old = "def f():\n|x = 1\n|return x\n".replace("|", indent)
    new = "def f():\n|x = 1\n|y=2\n|return x\n".replace("|", indent)
    assert tidy(old, new, here) == new


def test_what_can_be_formatted_is_even_if_something_else_cannot(here: Path) -> None:
    old = "def f():\n  return 1\n"
    new = "import  a\n\n\ndef f():\n  y=1\n  return 1\n"
    assert tidy(old, new, here) == "import a\n\n\ndef f():\n  y=1\n  return 1\n"


def test_windows_newlines_and_a_missing_last_newline_are_kept(here: Path) -> None:
    assert tidy("x = 1\r\n", "x = 1\r\ny=2\r\n", here) == "x = 1\r\ny = 2\r\n"
    assert tidy("x = 1", "x = 1\ny=2", here) == "x = 1\ny = 2"
    assert tidy("x = 1\r\ny = 3", "x = 1\r\nz=2\r\ny = 3", here) == "x = 1\r\nz = 2\r\ny = 3"


def test_mixed_newlines_and_broken_syntax_are_left_alone(here: Path) -> None:
    for old, new in (("a\r\n", "a\r\nb=1\n"), ("a\n", "a\nb=(\n"), ("a(\n", "b=1\n")):
        assert tidy(old, new, here) == new


def test_fmt_off_is_honoured(here: Path) -> None:
    old = "# fmt: off\nx = [ 1 ]\n"
    assert tidy(old, old + "y = [ 2 ]\n", here) == old + "y = [ 2 ]\n"


def test_nested_statements_of_every_kind_are_found(here: Path) -> None:
    old = dedent("""\
        try :
            a = 1
        except E :
            b = 1
        match x :
            case 1 :
                c = 1
        with  a as b :
            if  c : d = 1
            while  c :
                e = 1
        """)
    new = "".join(f"{line}\n" for line in old.splitlines())
    for name in "abce":
        new = new.replace(f"{name} = 1\n", f"{name} = f( 1,2 )\n")
    want = old
    for name in "abce":
        want = want.replace(f"{name} = 1\n", f"{name} = f(1, 2)\n")
    assert tidy(old, new, here) == want


@pytest.mark.parametrize(
    ("table", "want"),
    [
        ("line-length = 40", "x = f(\n    'aaaaaaaaaaaaaaaaaa',\n    'bbbbbbbbbbbbbbbbbbbb',\n)\n".replace("'", '"')),
        ("skip-string-normalization = true", "x = f('aaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbb')\n"),
        ("target-version = ['py39', 'py310']", 'x = f("aaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb")\n'),
        ("line-length = 'wide'", 'x = f("aaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb")\n'),
        ("preview = true\nunstable = true", 'x = f("aaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb")\n'),
    ],
)
def test_the_options_are_those_of_the_project(table: str, want: str, here: Path) -> None:
    (here.parent / "pyproject.toml").write_text(f"[tool.black]\n{table}\n")
    (here.parent / "sub").mkdir()
    (here.parent / "sub" / "pyproject.toml").write_text("[project]\nrequires-python = '>=3.9'\n")
    assert tidy("", "x = f( 'aaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbb' )\n", here.parent / "sub" / "m.py") == want


@pytest.mark.parametrize(
    ("settings", "written", "want"),
    [
        ({}, "x = 'a'\n", "y = f('b')\n"),
        ({}, 'x = "a"\n', 'y = f("b")\n'),
        ({}, '"""It\'s a module\'s."""\n', 'y = f("b")\n'),
        ({"pyproject.toml": "[tool.black]\nline-length = 100\n"}, "x = 'a'\n", 'y = f("b")\n'),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, "x = 'a'\n", "y = f('b')\n"),
        ({"pyproject.toml": "[tool.ruff.format]\nquote-style = 'double'\n"}, "x = 'a'\n", 'y = f("b")\n'),
        ({"ruff.toml": "[format]\nquote-style = 'single'\n"}, 'x = "a"\n', "y = f('b')\n"),
        ({"ruff.toml": 'line-length = "wide"\n'}, 'x = "a"\n', 'y = f("b")\n'),
        ({"ruff.toml": "line-length =\n"}, 'x = "a"\n', 'y = f("b")\n'),
    ],
)
def test_quotes_are_those_of_the_file_unless_the_project_says_which(
    settings: dict[str, str], written: str, want: str, here: Path
) -> None:
    for name, text in settings.items():
        (here.parent / name).write_text(text)
    assert tidy(written, f"{written}y = f( 'b' )\n", here) == written + want


def test_lines_are_as_long_as_ruff_has_them(here: Path) -> None:
    (here.parent / "ruff.toml").write_text("line-length = 30\n")
    assert tidy("", "x = f( aaaaaaaaaaa, bbbbbbbbbbbbb )\n", here) == "x = f(\n    aaaaaaaaaaa, bbbbbbbbbbbbb\n)\n"


def test_moved_lines_that_nobody_formatted_are_moved_as_they_are(here: Path) -> None:
    body = "x = {'a' :1}\n{0}if x  :\n{0}    print( x,'b' )\n"
    old = f"def outer():\n    def inner( a ):\n        {body.replace('{0}', ' ' * 8)}    return inner\n"
    new = f"def _inner( a ):\n    {body.replace('{0}', ' ' * 4)}\n\ndef outer():\n    return _inner\n"
    moved = f"def _inner(a):\n    {body.replace('{0}', ' ' * 4)}\n\ndef outer():\n    return _inner\n"
    assert tidy(old, new, here) == moved


def test_black_is_not_imported_before_there_is_something_to_format() -> None:
    code = (
        "import sys; from pathlib import Path; from fixpickle.rewrite.style import tidy;"
        "tidy('a', 'a', Path('m.py')); sys.exit('black' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


STATEMENTS = st.sampled_from(
    """x=1|y = [ 1,2 ]|def f( a ):\n    return  a|class C :\n    'doc '\n    def m(self): pass|import  os|# note||
|if x : y=2|for i in a :\n    b( i )\n\n\n\n    c(i)|@d\ndef g(): ...|s = '''\n  a  \n'''""".replace("|\n", "|").split(
        "|"
    )
)


@given(st.lists(STATEMENTS, max_size=6), st.lists(STATEMENTS, min_size=1, max_size=3), st.data())
@settings(deadline=None, max_examples=60)
def test_every_line_that_was_there_is_still_there_in_order(
    lines: list[str], added: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(lines)))
    old = "\n".join(lines) + "\n"
    new = "\n".join([*lines[:at], *added, *lines[at:]]) + "\n"
    got = tidy(old, new, Path("/nowhere/m.py"))
    assert ast.dump(ast.parse(got)) == ast.dump(ast.parse(new))
    result = iter(got.split("\n"))
    assert all(line in result for line in old.rstrip("\n").split("\n"))
    # A range that black leaves, because of how its neighbours are, it may take once they are formatted.
    again = tidy(old, got, Path("/nowhere/m.py"))
    assert tidy(old, again, Path("/nowhere/m.py")) == again


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ("a = 'b'\n", "a = 'b'\nc = \"d\"\n", "a = 'b'\nc = 'd'\n"),
        ("a = 'b'\n", "a = 'b'\nc = \"it's\"\n", "a = 'b'\nc = \"it's\"\n"),
        ("a = 'b'\n", 'a = \'b\'\nc = r"d", """e"""\n', 'a = \'b\'\nc = r"d", """e"""\n'),
        ("f = 'b', 'c', \"d\"\n", "def f():\n    return 'b', 'c', \"d\"\n", "def f():\n    return 'b', 'c', \"d\"\n"),
        ('a = "b"\n', 'a = "b"\nc = "d"\n', 'a = "b"\nc = "d"\n'),
    ],
    ids=["new", "quote in it", "prefixed and triple", "moved", "file of double quotes"],
)
def test_strings_that_a_fix_writes_have_the_quotes_of_their_file(old: str, new: str, want: str, here: Path) -> None:
    assert tidy(old, new, here) == want


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("PoolManager", "dispose_func"), "pool_manager_dispose_func"),
        (("bounded_transform", "transform_params"), "bounded_transform_params"),
        (("get_logp", "logp_fn_wrap"), "get_logp_fn_wrap"),
        (("make_step", "step"), "make_step"),
        (("step", "make_step"), "step_make_step"),
        (("", "step"), "step"),
    ],
)
def test_what_two_names_share_is_said_once(parts: tuple[str, str], name: str) -> None:
    assert snake(*parts) == name
