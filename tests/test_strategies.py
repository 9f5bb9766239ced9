"""What fixtures cannot show of strategies: the option against the comment, what is misnamed, and locks removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from fixpickle.cli.app import app
from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings, Strategy
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.verify import examine, prove

PORTS = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda what, done, total: None)
KEPT = """
    import threading


    class Kept:
        def __init__(self):
            self.lock = threading.Lock()
            self.other = threading.Lock()  # fixpickle: strategy[factory]
"""

Applied = Callable[..., RunReport]


@pytest.fixture
def applied(tmp_path: Path) -> Applied:
    """Runs over files with a strategy. Nothing is written but what the run is given."""

    def apply(strategy: Strategy, verify: bool = False, **files: str) -> RunReport:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(dedent(text).lstrip("\n"))
        settings = Settings(tmp_path, Path(sys.executable), strategy=strategy, unsafe_fixes=True, verify=verify)
        return run([tmp_path], settings, load_rules(), PORTS, fix=True)

    return apply


def text_of(report: RunReport, name: str) -> str:
    (change,) = (c for c in report.changes if c.path.stem == name)
    return change.new


def reasons(report: RunReport) -> list[str]:
    return [left.reason for left in report.left]


# --- which strategy -------------------------------------------------------------------------------------------------


def test_comment_wins_over_the_option_and_the_option_over_the_default(applied: Applied) -> None:
    text = text_of(applied(Strategy.STATE_HOOKS, kept=KEPT), "kept")
    assert "self.lock = threading.Lock()\n        self.other = _fixpickle_locks.Lock()" in text
    assert 'state["lock"] = None' in text and 'state["other"]' not in text
    text = text_of(applied(Strategy.FACTORY, kept=KEPT), "kept")
    assert "self.lock = _fixpickle_locks.Lock()\n        self.other = _fixpickle_locks.Lock()" in text


def test_strategy_that_does_not_exist_is_reported_with_its_line_and_nothing_else_is_done_instead(
    applied: Applied,
) -> None:
    report = applied(Strategy.FACTORY, kept=KEPT.replace("strategy[factory]", "strategy[state_hook]"))
    (misnamed,) = report.skipped
    assert (misnamed.path.name, misnamed.line) == ("kept.py", 7)
    assert misnamed.reason == "no strategy is named `state_hook`; did you mean `state-hooks`?"
    assert reasons(report) == ["its comment chooses a strategy that there is not: state_hook"]
    assert "self.other = threading.Lock()" in text_of(report, "kept")


def test_misnamed_strategy_is_reported_where_there_is_no_finding_too(applied: Applied) -> None:
    report = applied(Strategy.FACTORY, kept="x = 1  # fixpickle: strategy[zzz]\n")
    assert [r.reason for r in report.skipped] == [
        "no strategy is named `zzz`; there are factory, state-hooks, file, ray, remove"
    ]


def test_one_comment_may_ignore_one_rule_and_choose_for_another(applied: Applied) -> None:
    line = "self.lock = threading.Lock()"
    both = KEPT.replace(line, f"{line}  # fixpickle: ignore[bare-primitive]  # fixpickle: strategy[file]", 1)
    assert "self.lock = _fixpickle_filelocks.file_lock()" in text_of(applied(Strategy.FACTORY, kept=both), "kept")


def test_option_is_taken_on_the_command_line_and_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(dedent(KEPT))
    (tmp_path / "fixpickle.toml").write_text('strategy = "file"\n')
    arguments = [str(tmp_path), "--diff", "--no-verify", "--python", sys.executable, "--output-format", "json"]
    by_file = CliRunner().invoke(app, ["apply", *arguments])
    by_option = CliRunner().invoke(app, ["apply", *arguments, "--strategy", "ray"])
    assert "_fixpickle_filelocks.file_lock()" in by_file.output
    assert "_fixpickle_raylocks.ray_lock()" in by_option.output
    (tmp_path / "fixpickle.toml").write_text('strategy = "hooks"\n')
    wrong = subprocess.run(
        [sys.executable, "-m", "fixpickle", "check", str(tmp_path)], capture_output=True, encoding="utf-8"
    )
    assert wrong.returncode == 2
    assert "fixpickle.toml:1: `strategy` must be one of factory, state-hooks, file, ray, remove" in wrong.stderr


def test_check_says_what_the_chosen_strategy_cannot_serve(tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(dedent(KEPT).replace("threading.Lock()", "threading.Condition()", 1))
    done = CliRunner().invoke(app, ["check", str(tmp_path), "--strategy", "file", "--output-format", "json"])
    first, second = json.loads(done.output)["left"]
    assert "there is no Condition that reaches across processes" in first["reason"]
    assert second["reason"] == ""


# --- state hooks ----------------------------------------------------------------------------------------------------


def test_hooks_of_a_base_come_before_those_of_its_subclass_which_call_them(applied: Applied) -> None:
    text = """
        import threading


        class Base:
            def __init__(self):
                self.lock = threading.Lock()


        class Child(Base):
            def __init__(self):
                super().__init__()
                self.own = threading.RLock()
    """
    report = applied(Strategy.STATE_HOOKS, verify=True, family=text)
    assert (len(report.fixed), report.left, report.taken_back) == (2, (), ())
    child = text_of(report, "family").partition("class Child")[2]
    assert "state = super().__getstate__()" in child and "super().__setstate__(state)" in child


def test_subclass_that_makes_the_same_lock_again_inherits_the_hooks(applied: Applied) -> None:
    text = """
        import threading


        class Base:
            def __init__(self):
                self.lock = threading.Lock()


        class Child(Base):
            def __init__(self):
                self.lock = threading.Lock()
    """
    report = applied(Strategy.STATE_HOOKS, verify=True, family=text)
    assert report.left == report.taken_back == ()
    assert text_of(report, "family").count("def __getstate__") == 1


def test_what_would_arrive_without_what_it_held_is_said(applied: Applied) -> None:
    text = "import queue\n\n\nclass Box:\n    def __init__(self):\n        self.items = queue.Queue()\n"
    (fixed,) = applied(Strategy.STATE_HOOKS, box=text).fixed
    assert "its items stay behind: it arrives empty" in fixed.patch.notes


def test_value_that_a_subclass_elsewhere_sets_again_is_not_relied_on(applied: Applied) -> None:
    report = applied(
        Strategy.STATE_HOOKS,
        base="""
            import threading


            class Base:
                def __init__(self, size):
                    self.size = size
                    self.slots = threading.BoundedSemaphore(size)
        """,
        child="""
            from base import Base


            class Child(Base):
                def grow(self):
                    self.size = 9
        """,
    )
    assert reasons(report) == ["it is made from self.size, which Child sets as well"]


# --- file and ray ---------------------------------------------------------------------------------------------------


def test_locks_of_one_table_never_share_a_name(applied: Applied) -> None:
    text = """
        import threading

        LOCKS = {"a": threading.Lock(), "b": threading.Lock()}


        def work(n):
            with LOCKS["a"]:
                return n


        if __name__ == "__main__":
            import ray

            ray.get(ray.remote(work).remote(1))
    """
    report = applied(Strategy.FILE, table=text)
    assert report.fixed == ()
    said = reasons(report)
    assert said and all("has no name by which each process" in reason for reason in said)


def test_lock_that_guards_a_file_is_refused_with_the_names_of_strategies_that_do_exclude(applied: Applied) -> None:
    text = """
        import threading


        class Log:
            def __init__(self):
                self.lock = threading.Lock()

            def write(self):
                with self.lock, open("log", "a") as file:
                    file.write("x")
    """
    for strategy in (Strategy.FACTORY, Strategy.STATE_HOOKS, Strategy.REMOVE):
        (reason,) = reasons(applied(strategy, log=text))
        assert "the strategies file and ray do" in reason
    assert len(applied(Strategy.FILE, log=text).fixed) == 1


# --- remove ---------------------------------------------------------------------------------------------------------

REMOVED = [
    (
        """
        # why
        with self.lock:  # held
            # first
            self.n += 1
            text = '''
        kept as it is
        '''
            # last
        return text
        """,
        """
        # why
        # held
        # first
        self.n += 1
        text = '''
        kept as it is
        '''
        # last
        return text
        """,
    ),
    (
        """
        with self.lock, open("f") as f:
            return f.read()
        """,
        """
        with open("f") as f:
            return f.read()
        """,
    ),
    (
        """
        self.lock.acquire()
        try:
            self.n += 1
        finally:
            self.lock.release()
        """,
        """
        self.n += 1
        """,
    ),
    (
        """
        self.lock.acquire()
        try:
            self.n += 1
        except ValueError:
            self.n = 0
        finally:
            self.lock.release()
            print(self.n)
        """,
        """
        try:
            self.n += 1
        except ValueError:
            self.n = 0
        finally:
            print(self.n)
        """,
    ),
    ("with self.lock: self.n += 1\n", "self.n += 1\n"),
    ("if self.n:\n    self.lock.acquire()\n", "if self.n:\n    pass\n"),
    ("with self.lock:\n    with self.lock:\n        self.n += 1\n", "self.n += 1\n"),
]


def boxed(body: str, made: str = "self.lock = threading.RLock()\n        ") -> str:
    indented = "".join(f"        {line}\n" if line else "\n" for line in dedent(body).strip("\n").split("\n"))
    return (
        f"import threading\n\n\nclass Box:\n    def __init__(self, n=0):\n        {made}self.n = n\n\n"
        f"    def run(self):\n{indented}"
    )


@pytest.mark.parametrize(("before", "after"), REMOVED)
def test_every_block_and_call_of_a_removed_lock_goes(applied: Applied, before: str, after: str) -> None:
    report = applied(Strategy.REMOVE, verify=True, box=boxed(before))
    assert report.left == report.taken_back == ()
    assert text_of(report, "box") == boxed(after, made="")
    assert report.fixed[0].patch.notes == ("nothing keeps threads out any more where the lock did",)


def test_removal_takes_the_variable_of_a_script_and_what_its_function_did_with_it(applied: Applied) -> None:
    text = """
        import threading

        _lock = threading.Lock()


        def work(n):
            with _lock:
                return n


        if __name__ == "__main__":
            import ray

            ray.get(ray.remote(work).remote(1))
    """
    done = text_of(applied(Strategy.REMOVE, script=text), "script")
    assert "_lock" not in done
    assert "def work(n):\n    return n\n" in done


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("if self.lock.acquire(False):\n    self.n += 1", "line 10 does more with it"),
        ("self.lock.acquire(timeout=1)", "line 10 does more with it"),
        ("with self.lock as got:\n    return got", "line 10 does more with it"),
        ("return self.lock.locked()", "line 10 does more with it"),
        ("return threading.Condition(self.lock)", "line 10 does more with it"),
        ("return helper(self.lock)", "line 10 does more with it"),
        ("with self.lock:\n    return getattr(self, 'lock')", "it is named at box.py:11 as well"),
        ("with other.lock:\n    pass", "it is named at box.py:10 as well"),
        ("self.lock = None", "line 10 does more with it"),
    ],
)
def test_use_that_is_more_than_holding_it_keeps_the_lock(applied: Applied, body: str, reason: str) -> None:
    report = applied(Strategy.REMOVE, box=boxed(body))
    assert report.changes == ()
    assert all(reason in left for left in reasons(report)) and report.left


@pytest.mark.parametrize(
    "other",
    [
        "from box import Box\n\n\nclass Sub(Box):\n    def more(self):\n        with self.lock:\n            pass\n",
        "def use(box):\n    with box.lock:\n        pass\n",
        "NAMES = ['n', 'lock']\n",
    ],
)
def test_other_file_that_names_the_lock_keeps_it(applied: Applied, other: str) -> None:
    report = applied(Strategy.REMOVE, box=boxed("with self.lock:\n    self.n += 1"), other=other)
    assert report.changes == ()
    assert "it is named at other.py:" in reasons(report)[0]


def test_lock_of_the_same_name_in_another_class_is_no_obstacle_and_stays(applied: Applied) -> None:
    text = boxed("with self.lock:\n    self.n += 1") + dedent("""

        class Other:
            def __init__(self):
                self.lock = threading.Lock()  # fixpickle: strategy[factory]

            def run(self):
                with self.lock:
                    return 1
        """)
    done = text_of(applied(Strategy.REMOVE, box=text), "box")
    assert done.count("with self.lock:") == 1
    assert "_fixpickle_locks.Lock()" in done


def test_removal_takes_leave(tmp_path: Path) -> None:
    (tmp_path / "box.py").write_text(boxed("with self.lock:\n    self.n += 1"))
    settings = Settings(tmp_path, Path(sys.executable), strategy=Strategy.REMOVE, verify=False)
    report = run([tmp_path], settings, load_rules(), PORTS, fix=True)
    assert report.changes == ()
    assert reasons(report) == ["its fix can change behaviour; --unsafe-fixes applies it"]
