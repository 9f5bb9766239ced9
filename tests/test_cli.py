from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixpickle import __version__
from fixpickle.cli import main
from fixpickle.cli.terminal import in_color
from fixpickle.model import Color

BEFORE = """\
from multiprocessing import Pool


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)
"""


class Terminal:
    """Runs the command line in this process and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._monkeypatch.setattr(sys, "argv", ["fixpickle", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        self.out, self.err = self._capfd.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code


@pytest.fixture
def fixpickle(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Terminal:
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "VIRTUAL_ENV", "FIXPICKLE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return Terminal(monkeypatch, capfd)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "work.py").write_text(BEFORE)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *who, "commit", "-qm", "start"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(project: Path) -> dict[str, bytes]:
    own = {".git", ".fixpickle"}
    files = (path for path in project.rglob("*") if path.is_file() and not own & set(path.parts))
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def test_check_lists_what_it_found_and_exits_with_1(fixpickle: Terminal, project: Path) -> None:
    before = contents(project)
    assert fixpickle("check") == 1
    assert fixpickle.out.startswith("pkg/work.py:6:25: lambda-value: ")
    assert fixpickle.out.splitlines()[0].endswith("[*]")
    assert "1 finding (1 to fix with `fixpickle apply`), 0 skipped in 2 files" in fixpickle.out
    assert fixpickle.err == ""
    assert contents(project) == before
    assert fixpickle("check", "--exit-zero") == 0


def test_apply_writes_what_it_proved_and_then_nothing_is_left(fixpickle: Terminal, project: Path) -> None:
    assert fixpickle("apply", ".") == 0
    assert "[proved]" in fixpickle.out
    assert "1 fixed (1 proved, 0 unproved), 0 taken back, 0 left, 0 skipped in 2 files" in fixpickle.out
    after = contents(project)
    assert b"lambda" not in after["pkg/work.py"]
    assert fixpickle("check") == 0
    assert fixpickle("apply") == 0
    assert fixpickle("apply", "--diff") == 0 and fixpickle.out == ""
    assert contents(project) == after


def test_the_diff_is_a_patch_that_does_what_apply_does(fixpickle: Terminal, project: Path) -> None:
    before = contents(project)
    assert fixpickle("apply", "--diff", "pkg") == 1
    assert fixpickle.out.startswith("diff --git a/pkg/work.py b/pkg/work.py\n")
    assert "nothing was written" in fixpickle.err
    assert contents(project) == before
    subprocess.run(["git", "apply"], input=fixpickle.out.encode(), cwd=project, check=True)
    patched = contents(project)
    (project / "pkg" / "work.py").write_text(BEFORE)
    assert fixpickle("apply") == 0
    assert contents(project) == patched


def test_a_file_that_is_changed_while_a_run_reads_is_named_and_stays_as_it_is(
    fixpickle: Terminal, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(what: str, _done: int, _of: int) -> None:
        if what.startswith("looking"):
            (project / "pkg" / "work.py").write_text(BEFORE + "\n")

    monkeypatch.setattr("fixpickle.cli.flow.progress", lambda _stream, _quiet: meanwhile)
    assert fixpickle("apply") == 2
    assert fixpickle.err == f"fixpickle: {project}/pkg/work.py: changed on disk since it was read; run again\n"
    assert (project / "pkg" / "work.py").read_text() == BEFORE + "\n"


def test_a_dry_run_proves_and_writes_nothing(fixpickle: Terminal, project: Path) -> None:
    before = contents(project)
    assert fixpickle("apply", "--dry-run") == 1
    assert "[proved]" in fixpickle.out and "; nothing was written" in fixpickle.out
    assert contents(project) == before


def test_without_the_proof_a_fix_is_called_unproved(fixpickle: Terminal, project: Path) -> None:
    assert fixpickle("apply", "--no-verify", "--dry-run") == 1
    assert "[unproved]" in fixpickle.out


def test_the_json_report_has_a_schema(fixpickle: Terminal, project: Path) -> None:
    assert fixpickle("check", "--output-format", "json") == 1
    document = json.loads(fixpickle.out)
    assert document["schema"] == 1
    assert [item["rule"] for item in document["left"]] == ["lambda-value"]
    assert document["left"][0]["path"] == "pkg/work.py"
    assert fixpickle("apply", "--diff", "--output-format", "json") == 1
    assert json.loads(fixpickle.err)["changes"] == [{"path": "pkg/work.py", "new": False}]


def test_a_file_skipped_for_cause_makes_the_status_1(fixpickle: Terminal, project: Path) -> None:
    (project / "pkg" / "work.py").write_text("x = (\n")
    for command in ("check", "apply"):
        assert fixpickle(command) == 1
        assert "pkg/work.py:1: " in fixpickle.out and "[skipped]" in fixpickle.out
        assert fixpickle(command, "--exit-zero") == 0
        assert fixpickle(command, "--exclude", "work.py") == 0


def test_quiet_says_only_what_is_left_to_do(fixpickle: Terminal, project: Path) -> None:
    assert fixpickle("apply", "-q", "--dry-run") == 1
    assert fixpickle.out == ""
    (project / "broken.py").write_text("x = (\n")
    assert fixpickle("apply", "-q") == 1
    by = f"(for Python 3.{sys.version_info.minor}, which runs fixpickle)"
    assert fixpickle.out.splitlines() == [f"broken.py:1: syntax error: '(' was never closed {by} [skipped]"]


@pytest.mark.parametrize("option", [("--ignore", "lambda-value"), ("--select", "bare-lock, local-class")])
def test_rules_can_be_chosen_by_name(option: tuple[str, str], fixpickle: Terminal, project: Path) -> None:
    assert fixpickle("check", *option) == 0
    assert "0 findings" in fixpickle.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "no-such-folder"), "no-such-folder"),
        (("check", "--reach", "some"), "some"),
        (("apply", "--no-such-option"), "--no-such-option"),
        (("check", "--select", "lambda-valu"), "did you mean `lambda-value`?"),
        (("apply", "--python", "/no/such/python"), "/no/such/python: not a Python that can be run"),
        (("explain", "lamda-value"), "did you mean `lambda-value`?"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(
    arguments: tuple[str, ...], words: str, fixpickle: Terminal, project: Path
) -> None:
    assert fixpickle(*arguments) == 2
    assert words in fixpickle.err
    assert fixpickle.out == ""


def test_a_broken_configuration_is_one_line_and_exit_code_2(fixpickle: Terminal, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.fixpickle]\nreach = "boundary"\nunsafe = true\n')
    assert fixpickle("apply") == 2
    path = project / "pyproject.toml"
    assert fixpickle.err == f"fixpickle: {path}:3: unknown key `unsafe`; did you mean `unsafe-fixes`?\n"


def test_the_configuration_is_obeyed(fixpickle: Terminal, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.fixpickle]\nignore = ["lambda-value"]\n')
    assert fixpickle("check") == 0
    assert fixpickle("check", "--ignore", "bare-lock") == 1


def test_rules_are_listed_and_explained(fixpickle: Terminal) -> None:
    assert fixpickle("rules") == 0
    assert "lambda-value" in [line.split()[0] for line in fixpickle.out.splitlines()]
    assert fixpickle("rules", "--output-format", "json") == 0
    described = json.loads(fixpickle.out)
    assert described["schema"] == 1
    for rule in described["rules"]:
        assert rule["summary"] and rule["safety"] in ("safe", "unsafe", "manual")
        assert fixpickle("explain", rule["name"]) == 0
        assert fixpickle.out.startswith(f"# {rule['name']}\n")


def test_an_internal_error_is_one_line_and_exit_code_2(
    fixpickle: Terminal, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr("fixpickle.packs.BUILT_IN", "no_such_pack")
    assert fixpickle("check") == 2
    assert fixpickle.err.startswith("fixpickle: internal error: ModuleNotFoundError: No module named 'no_such_pack'")
    assert fixpickle.err.count("\n") == 1
    assert fixpickle("check", "-v") == 2
    assert "Traceback" in fixpickle.err


def test_colour_is_written_where_it_is_wanted(fixpickle: Terminal, project: Path) -> None:
    fixpickle("check")
    assert "\x1b" not in fixpickle.out
    fixpickle("check", "--color", "always")
    assert "\x1b[" in fixpickle.out


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("asked", "terminal", "environ", "want"),
    [
        (Color.AUTO, True, {}, True),
        (Color.AUTO, False, {}, False),
        (Color.AUTO, True, {"NO_COLOR": "0"}, False),
        (Color.AUTO, True, {"NO_COLOR": ""}, True),
        (Color.AUTO, True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (Color.AUTO, False, {"FORCE_COLOR": "1"}, True),
        (Color.AUTO, True, {"TERM": "dumb"}, False),
        (Color.ALWAYS, False, {"NO_COLOR": "1"}, True),
        (Color.NEVER, True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_follows_the_conventions(asked: Color, terminal: bool, environ: dict[str, str], want: bool) -> None:
    assert in_color(asked, Screen() if terminal else io.StringIO(), environ) is want


# --- in a process of its own ----------------------------------------------------------------------------------------


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env={**os.environ, **environ}, timeout=60
    )


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("-h",), ("apply", "--help")])
def test_version_and_help_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; from fixpickle.cli import main\n"
        f"sys.argv = ['fixpickle', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as exit_: code = exit_.code\n"
        "heavy = {'libcst', 'black', 'fixpickle.engine', 'fixpickle_codemods'} & set(sys.modules)\n"
        "if sys.argv[1] == '--version':\n"
        "    heavy |= {'tomllib', 'fixpickle.settings', 'fixpickle.model', 'fixpickle.cli.check'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert (__version__ in done.stdout) == (arguments == ("--version",))


def test_a_check_imports_neither_libcst_nor_black(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("import pickle\n\n\ndef send():\n    return pickle.dumps(lambda: 1)\n")
    code = (
        "import sys; from fixpickle.cli import main\n"
        f"sys.argv = ['fixpickle', 'check', '--no-cache', {str(tmp_path)!r}]\n"
        "try: main()\n"
        "except SystemExit as exit_: code = exit_.code\n"
        "heavy = {'libcst', 'black'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)"
    )
    done = python("-c", code)
    assert done.returncode == 1 and "lambda-value" in done.stdout, done.stderr


def test_the_exit_codes_are_in_the_help() -> None:
    done = python("-m", "fixpickle", "check", "--help")
    assert done.returncode == 0
    for line in ("0    nothing is left to do", "1    findings are left", "2    wrong usage", "130  interrupted"):
        assert line in done.stdout


def test_a_closed_pipe_ends_quietly(project: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "fixpickle", "check", "."], stdout=write_end, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write_end)
    assert done.stderr == b""
    assert done.returncode == 1


def test_a_name_the_terminal_cannot_show_does_not_stop_the_report(project: Path) -> None:
    (project / "pkg" / "naïve.py").write_text(BEFORE)
    done = python("-m", "fixpickle", "check", ".", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1, done.stderr
    assert "na\\xefve.py:6:25" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("module", ["typer", "fixpickle.cli.app", "fixpickle.cli.check", "fixpickle.engine"])
def test_an_interrupt_of_an_import_exits_with_130(tmp_path: Path, module: str) -> None:
    program = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "from fixpickle.cli import main\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv[1:] = ['check', '.']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "fixpickle: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_exits_with_130_and_writes_nothing(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    proving = tmp_path_factory.mktemp("signs") / "proving"
    (project / "pkg" / "__init__.py").write_text(f"open({str(proving)!r}, 'w').close()\nimport time; time.sleep(30)\n")
    before = contents(project)
    run = subprocess.Popen([sys.executable, "-m", "fixpickle", "apply", "."], stderr=subprocess.PIPE)
    while not proving.exists() and run.poll() is None:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=20)
    assert run.returncode == 130
    assert errors == b"fixpickle: interrupted\n"
    assert contents(project) == before


def test_a_path_that_does_not_exist_does_not_end_the_run_over_the_others(fixpickle: Terminal, tmp_path: Path) -> None:
    good, missing = tmp_path / "good.py", tmp_path / "nothere.py"
    good.write_text("x = 1\n")
    assert fixpickle("check", str(good), str(missing)) == 1
    assert "nothere.py: no such file or directory" in fixpickle.out
    assert fixpickle("check", str(missing)) == 2
    assert "nothere.py: no such file or directory" in fixpickle.err
