"""loky today: what each pickler takes, what the wrapper breaks, and the workarounds of a whole script taken away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from fixpickle.model import LokyTrip, Proved, Refuted
from fixpickle.source import read
from fixpickle.survey import Facts, survey
from fixpickle.testing import settle
from fixpickle.verify.attempt import Attempt
from fixpickle.verify.exchange import Crossed, Failed
from fixpickle.verify.judge import Try, judge

pytest.importorskip("loky")
pytest.importorskip("joblib")

CALLS = """
def call_function(function, value):
    while isinstance(function, list):
        function = function[0]
    return function(value)


def func_async(i):
    return 2 * i
"""
# What becomes of the script's own function in a list of lists, and of a module's, with each of the two libraries.
SENDS = """
import calls

if __name__ == "__main__":
    for library in (loky, copy):
        for home in (sys.modules["__main__"], calls):
            executor = library.get_reusable_executor(max_workers=1)
            try:
                print(executor.submit(home.call_function, [[home.func_async]], 21).result(timeout=60))
            except Exception as error:
                print(type(error).__name__)
        executor.shutdown(wait=True, kill_workers=True)
"""
BOTH = "import sys\nimport loky\nfrom joblib.externals import loky as copy\n"


def ran(script: Path, **environ: str) -> list[str]:
    """What a script prints, line by line."""
    done = subprocess.run(
        [sys.executable, script.name], cwd=script.parent, env={**os.environ, **environ}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


# --- the nested list, under every setting ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "setting"),
    [("set", ""), ("set", "cloudpickle"), ("set", "pickle"), ("variable", "cloudpickle"), ("variable", "pickle")],
)
def test_a_nested_list_of_a_scripts_functions_needs_cloudpickle_and_of_a_modules_nothing(tmp_path, how, setting):
    chosen = f"loky.set_loky_pickler({setting!r})\ncopy.set_loky_pickler({setting!r})\n" if how == "set" else ""
    environ = {"LOKY_PICKLER": setting} if how == "variable" else {}
    (tmp_path / "calls.py").write_text(CALLS)
    (tmp_path / "script.py").write_text(BOTH + chosen + CALLS + SENDS)
    own = "BrokenProcessPool" if setting == "pickle" else "42"
    assert ran(tmp_path / "script.py", **environ) == [own, "42"] * 2


@pytest.mark.parametrize("library", ["loky", "copy"])
def test_lokys_switch_does_not_reach_joblibs_copy_nor_the_other_way(tmp_path, library):
    (tmp_path / "calls.py").write_text(CALLS)
    (tmp_path / "script.py").write_text(BOTH + f"{library}.set_loky_pickler('pickle')\n" + CALLS + SENDS)
    broken, whole = ["BrokenProcessPool", "42"], ["42", "42"]
    assert ran(tmp_path / "script.py") == (broken + whole if library == "loky" else whole + broken)


# --- what the wrapper does ------------------------------------------------------------------------------------------


def test_a_wrapped_class_breaks_what_the_report_says_it_breaks():
    from loky import wrap_non_picklable_objects

    class Vector:
        zero = 0

        def __init__(self, x):
            self.x = x

        def __add__(self, other):
            return Vector(self.x + other.x)

        def __eq__(self, other):
            return self.x == other.x

        def __len__(self):
            return self.x

        def __getitem__(self, i):
            return i

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        @classmethod
        def make(cls):
            return cls(1)

    wrapped = wrap_non_picklable_objects(Vector)
    one, other = wrapped(1), wrapped(1)
    assert not isinstance(one, Vector)
    assert one.x == 1 and (one == other) is False
    for broken in (
        lambda: one + other,
        lambda: len(one),
        lambda: one[0],
        lambda: one.__class__.make(),
        lambda: wrapped.zero,
    ):
        with pytest.raises((TypeError, AttributeError)):
            broken()
    with pytest.raises((TypeError, AttributeError)):
        with one:
            pass


def test_a_wrapped_method_loses_self_and_a_wrapped_function_its_docstring():
    from loky import wrap_non_picklable_objects

    class Model:
        @wrap_non_picklable_objects
        def fit(self, x):
            """Fits."""
            return x

    with pytest.raises(TypeError):
        Model().fit(1)
    assert Model.__dict__["fit"].__doc__ is None


# --- what is found --------------------------------------------------------------------------------------------------


def left(text: str, folder: Path, **others: str) -> list[str]:
    """The reasons of what the rule leaves in a file, and of it alone."""
    files = {"m.py": dedent(text).encode(), **{f"{name}.py": dedent(one).encode() for name, one in others.items()}}
    report = settle(files, folder).report
    assert not [f for f in report.fixed if f.patch.finding.rule == "loky-wrapper"]
    return [x.reason for x in report.left if x.finding.rule == "loky-wrapper"]


SENT = """
from loky import get_reusable_executor, set_loky_pickler

def work(x):
    return x

def run():
    return get_reusable_executor().submit(work, 1)
"""


@pytest.mark.parametrize(
    ("switch", "reason"),
    [
        ("former = set_loky_pickler('cloudpickle')", "what it gives is used"),
        ("print(set_loky_pickler('cloudpickle'))", "what it gives is used"),
        ("set_loky_pickler('cloudpickle'); ready = True", "shares its line"),
    ],
)
def test_a_switch_that_is_no_statement_of_its_own_stays(tmp_path, switch, reason):
    (said,) = left(SENT + switch + "\n", tmp_path)
    assert reason in said


@pytest.mark.parametrize(
    "other", ["set_loky_pickler('dill')", "name = 'pickle'\nset_loky_pickler(name)", "f = set_loky_pickler"]
)
def test_another_choice_anywhere_in_the_project_makes_it_no_workaround(tmp_path, other):
    text = SENT + "set_loky_pickler('cloudpickle')\n"
    assert left(text, tmp_path, other=f"from loky import set_loky_pickler\n\n{other}\n") == []


def test_what_another_file_sends_through_loky_counts(tmp_path):
    other = "import loky\n\ndef go():\n    return loky.get_reusable_executor().submit(lambda: 1)\n"
    (said,) = left(SENT + "set_loky_pickler('cloudpickle')\n", tmp_path, other=other)
    assert "line 4 of other.py" in said


def test_files_without_these_words_cost_nothing_and_give_nothing(tmp_path):
    path = tmp_path / "m.py"
    path.write_text("import loky\n\n\ndef f():\n    pass\n")
    facts = survey(read(path, explicit=True))
    assert isinstance(facts, Facts) and facts.pickler_choices == ()


# --- the proof ------------------------------------------------------------------------------------------------------


def test_a_workaround_is_proved_needless_though_it_crossed_with_it_too():
    attempt = Attempt(0, 1, LokyTrip("m", ("f",), "loky"))
    assert isinstance(judge([Try(attempt, Crossed(""), Crossed(""))]), Proved)
    refuted = judge([Try(attempt, Crossed(""), Failed("dump", "m.f arrives as another object"))])
    assert isinstance(refuted, Refuted)


def test_a_workaround_that_is_needed_after_all_is_put_back(tmp_path):
    """The module hides its function behind another object under the same name, which no fact tells."""
    module = """
        import sys
        from loky import get_reusable_executor, set_loky_pickler

        set_loky_pickler("cloudpickle")

        def work(x):
            return x

        def shape(function):
            return lambda x: function(x)

        vars(sys.modules[__name__])["work"] = shape(work)

        def run():
            return get_reusable_executor().submit(work, 1)
    """
    report = settle({"pack/__init__.py": b"", "pack/m.py": dedent(module).encode()}, tmp_path, verify=True).report
    mine = [x for x in (*report.fixed, *report.taken_back) if x.patch.finding.rule == "loky-wrapper"]
    assert mine and mine == list(report.taken_back)


# --- the whole script -----------------------------------------------------------------------------------------------

SCRIPT = """
import sys
import traceback
from loky import set_loky_pickler
from loky import get_reusable_executor
from loky import wrap_non_picklable_objects


def call_function(list_or_func, x, *args):
    while isinstance(list_or_func, list):
        list_or_func = list_or_func[0]
    return list_or_func(x)


def func_async(i):
    return 2 * i


executor = get_reusable_executor(max_workers=1)
print(executor.submit(call_function, func_async, 21).result())

try:
    executor = get_reusable_executor(max_workers=1)
    executor.submit(id, [[func_async]]).result()
except Exception:
    traceback.print_exc(file=sys.stdout)

set_loky_pickler("cloudpickle")
executor = get_reusable_executor(max_workers=1)
print(executor.submit(call_function, [[func_async]], 21).result())

large_list = list(range(1000))
executor.submit(call_function, [[func_async]], 21, large_list).result()

# Now reset the `loky_pickler` to the default behavior.
set_loky_pickler()
executor = get_reusable_executor(max_workers=1)
executor.submit(call_function, [[id]], 21, large_list).result()


@wrap_non_picklable_objects
def func_async(i):
    return 2 * i


executor = get_reusable_executor(max_workers=1)
print(executor.submit(call_function, [[func_async]], 21, large_list).result())
"""


def test_the_script_with_every_workaround_is_rid_of_them_in_one_run_and_takes_every_pickler(tmp_path, run_in):
    script = tmp_path / "cloudpickle_wrapper.py"
    script.write_text(SCRIPT)
    done = run_in(tmp_path, "apply", "--python", sys.executable, script.name)
    assert done.returncode == 0, done.stderr
    text = script.read_text()
    assert "wrap_non_picklable_objects" not in text and "set_loky_pickler" not in text
    assert "3 fixed (3 proved" in done.stdout + done.stderr
    assert ran(script) == ["42"] * 3
    assert ran(script, LOKY_PICKLER="pickle") == ["42"] * 3


def test_the_page_shows_the_patch_that_is_printed(tmp_path, run_in):
    top = Path(__file__).parent.parent
    shutil.copy(top / "examples" / "loky_nested_list" / "workarounds.py", tmp_path)
    done = run_in(tmp_path, "apply", "--diff", "--no-verify", "workarounds.py")
    shown = (top / "docs" / "loky.md").read_text("utf-8").partition("```diff\n")[2].partition("```")[0]
    assert shown and done.stdout.startswith(shown)
