"""`apply --interactive`, at a real terminal and, for the ways through a session, with answers that are laid down."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from fixpickle.cli.interactive import Session, Talk
from fixpickle.cli.request import Allow
from fixpickle.model import (
    Change,
    Edit,
    Evidence,
    Finding,
    Fixed,
    Offer,
    Patch,
    Proved,
    Reach,
    RunReport,
    Span,
    Unproved,
)
from fixpickle.report import View

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="pexpect needs a POSIX terminal")

WORK = """\
from multiprocessing import Pool


def one(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)


def two(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 2, rows)


def three(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 3, rows)
"""
ASKED = r"fix \[[^]]*\]\? "


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work.py").write_text(WORK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spawn(*arguments: str, command: str = "", **environment: str) -> pexpect.spawn:
    """A terminal in which fixpickle runs, or a shell command with `fixpickle` in it."""
    words = [sys.executable, "-m", "fixpickle", "apply", "-i", *arguments]
    words = ["/bin/sh", "-c", command.replace("fixpickle", f"{sys.executable} -m fixpickle")] if command else words
    paths = os.pathsep.join(path for path in sys.path if path)
    env = {**os.environ, "PYTHONPATH": paths, "TERM": "xterm", "NO_COLOR": "1", **environment}
    return pexpect.spawn(words[0], words[1:], env=env, encoding="utf-8", timeout=60, dimensions=(50, 160))


def ended(terminal: pexpect.spawn) -> str:
    """What it said from here to its end."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return str(terminal.before).replace("\r\n", "\n")


def left(path: Path) -> list[str]:
    return [name for name, code in (("one", "row + 1"), ("two", "row + 2"), ("three", "row + 3"))
            if f"lambda row: {code}" in path.read_text()]  # fmt: skip


# --- at a terminal --------------------------------------------------------------------------------------------------


def test_a_fix_is_shown_with_its_verdict_and_only_what_was_accepted_is_written(project: Path) -> None:
    terminal = spawn("work.py")
    terminal.expect_exact("fix 1 of 3")
    terminal.expect(r"Apply this proved fix \[y,n,a,A,d,b,e,q,\?\]\? ")
    shown = terminal.before
    assert "work.py:6:25: lambda-value: " in shown and "[proved]" in shown
    assert "why     passed to multiprocessing.pool.Pool.map at line 6" in shown
    assert "proof   work._one_map by reference" in shown
    assert "before  " in shown
    assert "-        return pool.map(lambda row: row + 1, rows)" in shown
    assert "row + 2" not in shown
    terminal.sendline("y")
    terminal.expect_exact("fix 2 of 3")
    terminal.expect(ASKED)
    terminal.sendline("n")
    terminal.expect_exact("fix 3 of 3")
    terminal.expect(ASKED)
    terminal.sendline("y")
    said = ended(terminal)
    assert terminal.exitstatus == 1
    assert said.splitlines()[-4:] == [
        "`fixpickle undo 1` takes this back",
        "accepted   lambda-value at work.py:6",
        "accepted   lambda-value at work.py:16",
        "declined   lambda-value at work.py:11",
    ]
    assert left(project / "work.py") == ["two"]


def test_after_ctrl_c_nothing_is_written_and_the_session_can_be_resumed(project: Path) -> None:
    terminal = spawn("--no-verify", "work.py")
    for answer in ("n", "y"):
        terminal.expect(ASKED)
        terminal.sendline(answer)
    terminal.expect(ASKED)
    terminal.sendintr()
    assert "Nothing was written. --resume goes on from here." in ended(terminal)
    assert terminal.exitstatus == 130
    assert (project / "work.py").read_text() == WORK
    terminal = spawn("--no-verify", "--resume", "work.py")
    terminal.expect_exact("2 of 3 fixes were decided before and are not asked about again.")
    terminal.expect_exact("fix 3 of 3")
    terminal.expect(ASKED)
    terminal.sendline("y")
    ended(terminal)
    assert left(project / "work.py") == ["one"]


def test_q_asks_once_and_goes_on_with_what_was_accepted(project: Path) -> None:
    terminal = spawn("--no-verify", "work.py")
    for answer in ("y", "q"):
        terminal.expect(ASKED)
        terminal.sendline(answer)
    terminal.expect_exact("Write the one fix accepted so far, and leave the rest [y,n]? ")
    terminal.sendline("y")
    said = ended(terminal)
    assert "not asked  lambda-value at work.py:11" in said and "not asked  lambda-value at work.py:16" in said
    assert left(project / "work.py") == ["two", "three"]


def test_every_other_key_does_at_a_terminal_what_its_help_says(project: Path) -> None:
    other = "from multiprocessing import Pool\n\n\ndef four(rows):\n    def inner(row):\n        return row\n\n"
    other += "    with Pool(2) as pool:\n        pool.map(lambda row: row + 4, rows)\n"
    other += "        pool.map(lambda row: row + 5, rows)\n        return pool.map(inner, rows)\n"
    (project / "a_first.py").write_text(other)
    terminal = spawn("--no-verify", ".")

    def answer(place: str, key: str) -> None:
        terminal.expect_exact(place)
        terminal.expect(ASKED)
        terminal.sendline(key)

    answer("a_first.py:5:5: local-function", "?")
    terminal.expect_exact("Ctrl-C ends the run, and nothing is written.")
    terminal.expect(ASKED)
    terminal.sendline("b")
    terminal.expect_exact("This is the first one that was asked in this round.")
    terminal.expect(ASKED)
    terminal.sendline("n")
    answer("a_first.py:9:18: lambda-value", "a")  # and with it all other lambdas: nothing is left to ask
    said = ended(terminal)
    assert said.count("accepted   lambda-value") == 5 and "declined   local-function at a_first.py:5" in said
    (project / "work.py").write_text(WORK)
    (project / "a_first.py").write_text(other)
    terminal = spawn("--no-verify", ".")
    answer("a_first.py:5:5: local-function", "d")
    answer("work.py:6:25: lambda-value", "n")
    answer("work.py:11:25: lambda-value", "b")
    answer("work.py:6:25: lambda-value", "A")
    said = ended(terminal)
    assert said.count("accepted   lambda-value at work.py") == 3 and said.count("declined   ") == 3
    assert (project / "a_first.py").read_text() == other and left(project / "work.py") == []


def test_e_opens_the_written_file_in_the_editor(project: Path) -> None:
    editor = project / "editor.sh"
    editor.write_text('#!/bin/sh\necho "# by hand" >> "$2"\necho "$1" > told\n')
    editor.chmod(0o755)
    terminal = spawn("--no-verify", "work.py", VISUAL=f"{editor} --wait")
    for answer in ("e", "q"):
        terminal.expect(ASKED)
        terminal.sendline(answer)
    terminal.expect_exact("[y,n]? ")
    terminal.sendline("y")
    assert "What you changed in the editor is not proved" in ended(terminal)
    assert left(project / "work.py") == ["two", "three"]
    assert (project / "work.py").read_text().endswith("# by hand\n")
    assert (project / "told").read_text() == "--wait\n"


def test_with_diff_the_patch_holds_what_was_accepted_and_nothing_is_written(project: Path) -> None:
    terminal = spawn(command="fixpickle apply -i --diff --no-verify work.py > accepted.patch")
    for answer in ("n", "y", "e", "n"):
        terminal.expect(ASKED)
        terminal.sendline(answer)
    assert "declined   lambda-value at work.py:16" in ended(terminal)
    patch = (project / "accepted.patch").read_text()
    assert "-        return pool.map(lambda row: row + 2, rows)" in patch
    assert "-        return pool.map(lambda row: row + 1, rows)" not in patch
    assert (project / "work.py").read_text() == WORK


@pytest.mark.parametrize("arguments", [("-i",), ("-i", "--diff"), ("--resume",)])
def test_without_a_terminal_it_is_an_error_and_no_hang(arguments: tuple[str, ...], project: Path) -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", "fixpickle", "apply", *arguments, "work.py"],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--interactive" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
    assert (project / "work.py").read_text() == WORK


def test_files_that_no_commit_holds_are_named_before_the_first_question(project: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    terminal = spawn("--no-verify", "work.py")
    said = ended(terminal)
    assert terminal.exitstatus == 2
    assert "work.py (untracked)" in said and "Apply this" not in said


def test_the_session_in_the_documentation_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parent.parent / "docs" / "review.md").read_text("utf-8")
    page = page.partition("\n## Fix by fix\n")[2]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work.py").write_text(page.partition("```python\n")[2].partition("```")[0])
    terminal = spawn("work.py", TERM="dumb")
    said = ""
    for answer in ("n", "y"):
        terminal.expect(ASKED)
        said += terminal.before + terminal.after
        terminal.sendline(answer)
    said = (said + ended(terminal)).replace("\r\n", "\n")
    assert steady(said) == steady(page.partition("```text\n")[2].partition("```")[0])


def steady(said: str) -> list[str]:
    """Without what differs from run to run, or between versions of Python."""
    return [re.sub(r"\d+\.\d s$", "", line) for line in said.strip().split("\n") if "    before  " not in line]


# --- ways through a session -----------------------------------------------------------------------------------------


class Script:
    """Answers laid down beforehand, and what was said meanwhile."""

    def __init__(self, answers: Iterable[str]) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.said = ""

    def ask(self, question: str) -> str:
        self.said += question
        return f"{next(self._answers)}\n"

    def say(self, text: str) -> None:
        self.said += text

    def over(self) -> bool:
        return next(self._answers, None) is None


def offer(root: Path, rule: str, name: str, number: int, proved: bool = True) -> Offer:
    path = root / name
    finding = Finding(rule, path, Span(number, number + 1, number, 1), "message", Reach(Evidence.STATE, ("chain",)),
                      fingerprint=f"{rule}/{name}/{number}")  # fmt: skip
    verdict = Proved("how", "before") if proved else Unproved("why")
    return Offer(Fixed(Patch(finding, (Edit(path, 0, 0, "x"),)), verdict), (Change(path, "old\n", f"new {number}\n"),))


def session(root: Path, script: Script, resume: bool = False, ends: str = "Report") -> Session:
    return Session(Talk(script.say, script.ask), View(root), root, resume, Allow(dirty=True), ends)


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ("n y n y", [False, True, False, True]),
        ("a n n", [True, False, True, False]),
        ("A", [True, True, True, True]),
        ("d y y", [False, False, True, True]),
        ("y d n n", [True, False, False, False]),
        ("y q y", [True, False, False, False]),
        ("y q n n n n", [True, False, False, False]),
        ("q", [False, False, False, False]),
    ],
)
def test_an_answer_decides_one_fix_its_rule_its_file_or_all(answers: str, wanted: list[bool], tmp_path: Path) -> None:
    script = Script(answers.split())
    offers = [offer(tmp_path, r, f, n) for n, (r, f) in enumerate([("p", "a"), ("q", "a"), ("p", "b"), ("q", "b")], 1)]
    assert session(tmp_path, script)(offers) == wanted
    assert script.over()


def test_b_goes_back_within_the_round_and_no_further(tmp_path: Path) -> None:
    script = Script(["b", "y", "y", "b", "b", "n", "y", "n"])
    assert session(tmp_path, script)([offer(tmp_path, "p", "a.py", n) for n in (1, 2, 3)]) == [False, True, False]
    assert script.over()
    assert "This is the first one that was asked in this round." in script.said


def test_going_back_takes_the_answer_for_a_whole_rule_back(tmp_path: Path) -> None:
    script = Script(["a", "b", "n", "n", "y"])
    offers = [offer(tmp_path, rule, "a.py", n) for n, rule in enumerate(["p", "q", "p"], 1)]
    assert session(tmp_path, script)(offers) == [False, False, True]
    assert script.over()


def test_all_of_a_rule_said_at_a_proved_fix_does_not_take_unproved_ones_along(tmp_path: Path) -> None:
    offers = [offer(tmp_path, "p", "a.py", 1), offer(tmp_path, "p", "a.py", 2, proved=False)]
    script = Script(["a", "n"])
    assert session(tmp_path, script)(offers) == [True, False]
    assert "Apply this unproved fix" in script.said
    assert session(tmp_path, Script(["A"]))(offers[::-1]) == [True, True]


def test_answers_for_many_hold_in_later_rounds_and_single_ones_do_not(tmp_path: Path) -> None:
    script = Script(["a", "d", "y"])
    talk = session(tmp_path, script)
    assert talk([offer(tmp_path, "p", "a.py", 1), offer(tmp_path, "q", "b.py", 2)]) == [True, False]
    later = [offer(tmp_path, "p", "a.py", 3), offer(tmp_path, "q", "b.py", 4), offer(tmp_path, "q", "a.py", 5)]
    assert talk(later) == [True, False, True]
    assert script.over()


def test_an_accepted_fix_that_is_another_one_by_now_is_asked_about_again(tmp_path: Path) -> None:
    first, second = offer(tmp_path, "p", "a.py", 1), offer(tmp_path, "p", "a.py", 2)
    assert session(tmp_path, Script("yn"))([first, second]) == [True, False]
    changed = Offer(first.fixed, (Change(tmp_path / "a.py", "old\n", "newer\n"),))
    script = Script("n")
    assert session(tmp_path, script, resume=True)([changed, second]) == [False, False]
    assert script.over()
    # The last answer counts.
    assert session(tmp_path, Script(""), resume=True)([first, second]) == [False, False]


def test_what_was_stopped_before_it_was_asked_is_asked_when_resumed(tmp_path: Path) -> None:
    offers = [offer(tmp_path, "p", "a.py", n) for n in (1, 2)]
    assert session(tmp_path, Script("nq"))(offers) == [False, False]
    assert session(tmp_path, Script("y"), resume=True)(offers) == [False, True]


def test_what_was_written_is_forgotten_and_what_was_lost_is_said(tmp_path: Path) -> None:
    script = Script("yyn")
    talk = session(tmp_path, script, ends="Write")
    offers = [offer(tmp_path, "p", "a.py", n) for n in (1, 2, 3)]
    talk(offers)
    talk.close(RunReport(tmp_path, 1, fixed=(offers[0].fixed,), written=True))
    assert "accepted   p at a.py:1\naccepted   p at a.py:2, but it could not be kept\ndeclined" in script.said
    # The second one still waits, and is still accepted.
    assert session(tmp_path, Script("n"), resume=True)(offers) == [False, True, False]


def test_code_cannot_move_the_cursor(tmp_path: Path) -> None:
    one = offer(tmp_path, "p", "a.py", 1)
    script = Script("y")
    session(tmp_path, script)([Offer(one.fixed, (Change(tmp_path / "a.py", "", "x = '\x1b[2J\u202e'\n"),))])
    assert "+x = '\\x1b[2J\\u202e'\n" in script.said
