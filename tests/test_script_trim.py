"""What is kept of a script when only some of its names are needed."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixpickle.verify.script import roots_of, trim

SCRIPT = dedent('''\
    """A script."""
    from __future__ import annotations
    import os, sys
    import heavy
    sys.path.insert(0, "lib")
    try:
        import fast
    except ImportError:
        fast = None

    SCALE = 2; heavy.train()
    TABLE = {}
    TABLE["a"] = SCALE
    for i in range(3):
        TABLE[i] = i


    def helper(x):
        return x * SCALE


    @os.register
    class Model(Base):
        def run(self):
            return helper(TABLE)

    Base = object
    heavy.train(); LATE = 1
    with open("log") as log:
        log.write("x")
    if __name__ == "__main__":
        SCALE = 3
        helper(heavy.load())
    ''')


def lines(text: str, names: list[str] | None) -> dict[int, str]:
    return {i: line for i, line in enumerate(trim(text, names).split("\n"), 1) if line}


def test_a_name_keeps_what_it_reads_and_nothing_else() -> None:
    kept = lines(SCRIPT, ["helper"])
    assert list(kept.values()) == [
        '"""A script."""',
        "from __future__ import annotations",
        "import os, sys",
        'sys.path.insert(0, "lib")',
        "SCALE = 2",
        "def helper(x):",
        "    return x * SCALE",
    ]


def test_every_kept_statement_stays_on_its_line() -> None:
    original = SCRIPT.split("\n")
    for number, line in lines(SCRIPT, ["Model", "fast"]).items():
        assert line in original[number - 1]


def test_definitions_bring_along_bases_decorators_and_what_they_call() -> None:
    kept = trim(SCRIPT, ["Model"])
    for part in ("@os.register\nclass Model(Base):", "Base = object", "def helper", 'TABLE["a"] = SCALE', "TABLE = {}"):
        assert part in kept
    assert "train" not in kept and "heavy" not in kept


def test_guarded_imports_are_kept_whole() -> None:
    assert "try:\n    import fast\nexcept ImportError:\n    fast = None" in trim(SCRIPT, ["fast"])


def test_a_statement_after_work_on_the_same_line_is_kept_without_it() -> None:
    assert "LATE = 1" in lines(SCRIPT, ["LATE"]).values()


@pytest.mark.parametrize("names", [["i"], ["log"], ["nothing"], []])
def test_work_is_never_kept_to_get_a_name(names: list[str]) -> None:
    kept = trim(SCRIPT, names)
    assert "for" not in kept.replace("from", "") and "with" not in kept and "__main__" not in kept


def test_without_names_every_definition_is_kept_and_no_call() -> None:
    kept = trim(SCRIPT + "RESULT = heavy.load()\nPLAIN = (1, 2)\n", None)
    assert "class Model" in kept and "def helper" in kept and "PLAIN" in kept
    assert "RESULT" not in kept and "__main__" not in kept


@pytest.mark.parametrize(
    "guard",
    [
        "__name__ == '__main__'",
        "'__main__' == __name__",
        "__name__ == '__main__' and True",
        "(__name__) in ['__main__']",
    ],
)
def test_a_main_guard_is_known_in_any_spelling(guard: str) -> None:
    assert trim(f"if {guard}:\n    x = 1\n", ["x"]).strip() == ""


def test_star_imports_are_kept_for_they_may_bind_anything() -> None:
    assert "from m import *" in trim("from m import *\nwork()\n", ["x"])


def test_columns_are_bytes_and_newlines_of_any_kind_count_once() -> None:
    assert trim('é = "é"; x = "ü"\r\nwork()\ry = x; z = 2\n', ["y"]) == 'x = "ü"\n\ny = x\n'


def test_form_feeds_and_line_separators_do_not_shift_lines() -> None:
    kept = trim('a = "\u2028"\n\x0c\nb = a\n', ["b"])
    assert kept.split("\n")[2] == "b = a"


SPLIT = dedent("""\
    import sys, warnings
    if sys.version_info > (3,):
        from types import ModuleType as new_module; warnings.warn("new")
    elif sys.argv: warnings.warn("older")
    else:
        warnings.warn(
            "old",
        ); from imp import new_module
        for name in sys.argv:
            new_module(name)
        if __name__ == "__main__":
            new_module("main")
        else:
            sys.exit()
    try:
        import fast
    except ImportError:
        print("install fast")
        sys.exit(1)
    except OSError:
        fast = None
        print("slow")
    if sys.argv:
        print("only work")


    def make(name):
        return fast, new_module(name)
    """)


def test_of_an_if_or_a_try_what_binds_a_wanted_name_is_kept_without_its_work() -> None:
    kept = lines(SPLIT, ["make"])
    assert kept == {
        1: "import sys, warnings",
        2: "if sys.version_info > (3,):",
        3: "    from types import ModuleType as new_module; pass",
        4: "elif sys.argv: pass",
        5: "else:",
        6: "    pass; from imp import new_module",
        9: "    pass",
        11: "    pass",
        15: "try:",
        16: "    import fast",
        17: "except ImportError:",
        18: "    pass",
        19: "    raise",
        20: "except OSError:",
        21: "    fast = None",
        22: "    pass",
        27: "def make(name):",
        28: "    return fast, new_module(name)",
    }
    ast.parse(trim(SPLIT, ["make"]))


def test_a_text_that_does_not_parse_raises() -> None:
    with pytest.raises(SyntaxError):
        trim("def", ["x"])


@pytest.mark.parametrize(
    ("expression", "names"),
    [("a.b.C", {"a"}), ("lock(a, key=b)", {"lock", "a", "b"}), ("lambda x: y", {"y"}), ("def", set()), ("", set())],
)
def test_the_names_an_expression_starts_from(expression: str, names: set[str]) -> None:
    assert roots_of(expression) == names


@given(
    st.lists(
        st.sampled_from(
            ["a = 1", "b = a", "work()", "def f():\n  return b", "import os", "for a in b: pass", "x = '''\n'''"]
        )
    )
)
def test_what_is_left_always_parses_to_a_subset_of_the_statements(statements: list[str]) -> None:
    text = "\n".join(statements)
    whole = [ast.dump(s, include_attributes=True) for s in ast.parse(text).body]
    kept = [ast.dump(s, include_attributes=True) for s in ast.parse(trim(text, ["f", "x"])).body]
    assert set(kept) <= set(whole)
    assert trim(trim(text, ["f", "x"]), ["f", "x"]) == trim(text, ["f", "x"])


def test_a_try_whose_work_may_fail_is_not_kept_without_it() -> None:
    text = "import gpu\ntry:\n    gpu.check()\n    HAS = True\nexcept Exception:\n    HAS = False\n"
    assert "HAS = True" not in trim(f"{text}\n\ndef has():\n    return HAS\n", ["has"])
