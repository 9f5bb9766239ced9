"""Configuration as a person meets it: what counts, where it comes from, and what the command line makes of it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from fixpickle.cli import main
from fixpickle.model import Evidence, Format, Refusal, Settings
from fixpickle.settings import DECLARED, Options, load, resolve

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RULES = ("lambda-value", "local-class", "bare-lock")
NOTHING = Options()
SCHEMA = json.loads((Path(__file__).parent.parent / "docs" / "schemas" / "fixpickle.json").read_text("utf-8"))

BEFORE = """\
from multiprocessing import Pool


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)
"""
AFTER = """\
from multiprocessing import Pool


def _run_map(row):
    return row + 1


def run(rows):
    with Pool(2) as pool:
        return pool.map(_run_map, rows)
"""


def settings(start: Path, options: Options = NOTHING, **environ: str) -> Settings:
    loaded = load([start], options, RULES, {"PATH": "", **environ})
    assert isinstance(loaded, Settings), loaded
    return loaded


def refusal(start: Path, options: Options = NOTHING) -> Refusal:
    loaded = load([start], options, RULES, {"PATH": ""})
    assert isinstance(loaded, Refusal), loaded
    return loaded


@dataclass(frozen=True)
class Done:
    """What a command said."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Terminal:
    """Runs the command line in this process, in a folder, and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._monkeypatch, self._said = monkeypatch, capfdbinary

    def __call__(self, folder: Path, *words: str, stdin: bytes = b"", **environ: str) -> Done:
        with self._monkeypatch.context() as patch, pytest.raises(SystemExit) as exit_:
            patch.chdir(folder)
            patch.setattr(sys, "argv", ["fixpickle", *words])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "FIXPICKLE_OUTPUT_FORMAT"):
                patch.delenv(name, raising=False)
            for name, value in environ.items():
                patch.setenv(name, value)
            main()
        out, err = self._said.readouterr()
        assert isinstance(exit_.value.code, int)
        return Done(exit_.value.code, out, err)


@pytest.fixture
def fixpickle(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Terminal:
    return Terminal(monkeypatch, capfdbinary)


# --- which place counts ---------------------------------------------------------------------------------------------


def test_in_one_folder_the_hidden_file_of_our_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.fixpickle]\nreach = "any"\n')
    assert settings(tmp_path).reach is Evidence.ANY
    (tmp_path / "fixpickle.toml").write_text('reach = "boundary"\n')
    assert settings(tmp_path).reach is Evidence.BOUNDARY
    (tmp_path / ".fixpickle.toml").write_text('reach = "state"\n')
    assert settings(tmp_path).reach is Evidence.STATE


def test_a_file_goes_on_from_the_one_that_it_extends(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "most.toml").write_text('reach = "any"\ntime-limit = 5\nignore = ["bare-lock"]\n')
    (tmp_path / "shared" / "base.toml").write_text('extend = "most.toml"\nbaseline = "known.json"\ntime-limit = 6\n')
    (tmp_path / "fixpickle.toml").write_text('extend = "shared/base.toml"\nmemory-limit = 7\n')
    got = settings(tmp_path)
    assert (got.reach, got.time_limit, got.memory_limit) == (Evidence.ANY, 6.0, 7)
    assert got.ignore == frozenset({"bare-lock"})
    assert got.baseline == tmp_path / "shared" / "known.json"
    assert got.root == tmp_path


@pytest.mark.parametrize(
    ("base", "words"),
    [
        (None, "`extend`: "),
        ('extend = "fixpickle.toml"\n', "`extend` comes back to"),
        ("reach = 3\n", "`reach` must be one of"),
    ],
)
def test_what_is_wrong_with_an_extended_file_is_blamed_on_a_line(base: str | None, words: str, tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_text('\nextend = "base.toml"\n')
    if base is not None:
        (tmp_path / "base.toml").write_text(base)
    got = refusal(tmp_path)
    assert words in got.reason
    blamed = "fixpickle.toml" if base is None else "base.toml"
    assert (got.path.name, got.line) == (blamed, 2 if base is None else 1)


def test_a_list_is_added_to_and_a_new_one_starts_afresh(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        'select = ["lambda-value"]\nextend-select = ["local-class"]\nexclude = ["a/"]\nextend-exclude = ["b/"]\n'
    )
    (tmp_path / "fixpickle.toml").write_text('extend = "base.toml"\nextend-select = ["bare-lock"]\n')
    got = settings(tmp_path)
    assert got.select == frozenset(RULES) and got.exclude == ("a/", "b/")
    (tmp_path / "fixpickle.toml").write_text('extend = "base.toml"\nselect = ["bare-lock"]\nexclude = ["c/"]\n')
    got = settings(tmp_path)
    assert got.select == frozenset({"bare-lock"}) and got.exclude == ("c/",)
    more = Options({"extend-select": frozenset({"local-class"}), "extend-exclude": ("d/",)})
    got = settings(tmp_path, more)
    assert got.select == frozenset({"bare-lock", "local-class"}) and got.exclude == ("c/", "d/")


def test_nothing_selected_and_all_selected_are_every_rule(tmp_path: Path) -> None:
    for said in ({}, {"select": frozenset({"ALL"})}, {"extend-select": frozenset({"bare-lock"})}):
        got = settings(tmp_path, Options(said))
        assert all(got.selects(rule) for rule in RULES)
    none = settings(tmp_path, Options({"ignore": frozenset({"ALL"})}))
    assert not any(none.selects(rule) for rule in RULES)


def test_config_names_a_file_or_says_a_value(tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_text('reach = "any"\nmemory-limit = 7\n')
    other = tmp_path / "other" / "strict.toml"
    other.parent.mkdir()
    other.write_text('reach = "boundary"\nbaseline = "known.json"\n')
    got = settings(tmp_path, Options(config=(str(other), "time-limit = 3")))
    assert (got.reach, got.time_limit, got.memory_limit) == (Evidence.BOUNDARY, 3.0, 4096)
    assert got.baseline == other.parent / "known.json"
    assert settings(tmp_path, Options(isolated=True)).reach is Evidence.STATE
    said = settings(tmp_path, Options({"reach": Evidence.STATE}, config=('reach = "boundary"',)))
    assert said.reach is Evidence.STATE and said.memory_limit == 7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(config=("nowhere.toml",)), "no such configuration file"),
        (Options(config=("reach = [",)), "neither a file nor KEY = VALUE"),
        (Options(config=("reach = 3",)), "`reach` must be one of"),
        (Options(config=("reech = 3",)), "did you mean `reach`?"),
        (Options(config=("a.toml", "b.toml")), "there can be one configuration file"),
        (Options(config=("a.toml",), isolated=True), "there can be one configuration file"),
    ],
)
def test_a_wrong_config_option_is_refused(options: Options, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, options).reason


def test_the_environment_chooses_a_format_and_options_win_over_it(tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_text('output-format = "json"\n')
    assert settings(tmp_path).output_format is Format.JSON
    assert settings(tmp_path, FIXPICKLE_OUTPUT_FORMAT="sarif").output_format is Format.SARIF
    assert settings(tmp_path, FIXPICKLE_OUTPUT_FORMAT="").output_format is Format.JSON
    asked = Options({"output-format": Format.GITHUB})
    assert settings(tmp_path, asked, FIXPICKLE_OUTPUT_FORMAT="sarif").output_format is Format.GITHUB
    wrong = load([tmp_path], Options(), RULES, {"PATH": "", "FIXPICKLE_OUTPUT_FORMAT": "sarf"})
    assert isinstance(wrong, Refusal) and wrong.path == Path("FIXPICKLE_OUTPUT_FORMAT")


@pytest.mark.parametrize("asked", ["0.1.0", ">=0.1", ">=0.1,<1", "~=0.1"])
def test_a_version_that_may_read_the_file_does(asked: str, tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_text(f'required-version = "{asked}"\n')
    settings(tmp_path)


@pytest.mark.parametrize(("asked", "words"), [(">=7", "asks for >=7"), ("9.9", "asks for ==9.9"), ("new", "a version")])
def test_another_version_reads_nothing_else(asked: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_text(f'key-of-tomorrow = 1\nrequired-version = "{asked}"\n')
    got = refusal(tmp_path)
    assert words in got.reason and got.line == 2


def test_paths_of_reports_count_from_the_place_that_says_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "fixpickle.toml").write_text('output = ["sarif=out/a.sarif"]\n')
    monkeypatch.chdir(tmp_path / "sub")
    assert settings(tmp_path).output == ((Format.SARIF, tmp_path / "out" / "a.sarif"),)
    asked = Options({"output": ((Format.JSON, "b.json"),)})
    assert settings(tmp_path, asked).output == ((Format.JSON, tmp_path / "sub" / "b.json"),)


# --- show, validate, and the schema ---------------------------------------------------------------------------------


def test_show_says_where_each_value_comes_from_and_is_toml(fixpickle: Terminal, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('# shared\nselect = ["lambda-value"]\n')
    (tmp_path / "pyproject.toml").write_text(
        '[tool.other]\nreach = "x"\n\n[tool.fixpickle]\nextend = "base.toml"\nextend-select = [\n  "bare-lock",\n]\n'
        'output = ["sarif=o.sarif"]\n[tool.fixpickle.per-file-ignores]\n"tests/**" = ["ALL"]\n'
        '[[tool.fixpickle.boundaries]]\nnames = ["a.b"]\nparams = [["0", "x"]]\nquiet = { n = ["1"] }\n'
    )
    words = ("config", "show", "--reach", "any", "--config", "time-limit = 9", "--no-verify")
    done = fixpickle(tmp_path, *words, FIXPICKLE_OUTPUT_FORMAT="concise")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    for line in (
        "# .: base.toml, pyproject.toml",
        'select = ["lambda-value"]  # base.toml:2',
        'extend-select = ["bare-lock"]  # pyproject.toml:6',
        'per-file-ignores = { "tests/**" = ["ALL"] }  # pyproject.toml:10',
        'reach = "any"  # command line',
        "verify = false  # command line",
        "time-limit = 9.0  # --config",
        'output-format = "concise"  # FIXPICKLE_OUTPUT_FORMAT',
        'runtime = "vendor"  # default',
        "# quiet is not set",
    ):
        assert line in lines, "\n".join(lines)
    said = tomllib.loads(done.stdout.decode())
    assert said["boundaries"] == [
        {"names": ["a.b"], "params": [["0", "x"]], "pickler": "pickle", "quiet": {"n": ["1"]}}
    ]
    jsonschema.validate({key: value for key, value in said.items() if key != "output"}, SCHEMA)
    # What it prints is a configuration: read again, it says the same.
    (tmp_path / "again.toml").write_bytes(done.stdout)
    again = fixpickle(tmp_path, "config", "show", "--config", "again.toml")
    assert {k: v for k, v in tomllib.loads(again.stdout.decode()).items() if k != "extend"} == {
        k: v for k, v in said.items() if k != "extend"
    }


def test_every_setting_is_shown(fixpickle: Terminal, tmp_path: Path) -> None:
    out = fixpickle(tmp_path, "config", "show").stdout.decode()
    shown = [line.removeprefix("# ").split(" ")[0] for line in out.splitlines()[1:]]
    assert shown == [setting.key for setting in DECLARED]


def test_validate_names_everything_that_is_wrong(fixpickle: Terminal, tmp_path: Path) -> None:
    assert fixpickle(tmp_path, "config", "validate").stdout == b"no configuration file\n"
    path = tmp_path / "fixpickle.toml"
    path.write_text('reach = "any"\n')
    done = fixpickle(tmp_path, "config", "validate")
    assert (done.returncode, done.stdout) == (0, b"fixpickle.toml: valid\n")
    path.write_text('reech = "any"\nverify = 1\n\n[per-file-ignores]\n"a" = ["bare-lok"]\n')
    done = fixpickle(tmp_path, "config", "validate")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == [
        f"fixpickle: {path}:1: unknown key `reech`; did you mean `reach`?",
        f"fixpickle: {path}:2: `verify` must be true or false",
        f"fixpickle: {path}:4: `per-file-ignores`: no rule is named `bare-lok`; did you mean `bare-lock`?",
    ]
    path.write_text('python = "no/such"\n')
    assert b"not a Python that can be run" in fixpickle(tmp_path, "config", "validate").stderr


GOOD = [
    'select = ["ALL"]\nper-file-ignores = { "a" = ["bare-lock"] }\n',
    'output = ["json=x"]\ncolor = "never"\nexit-zero = true\ntime-limit = 2.5\nmemory-limit = 5\n',
    'factories = { "a:B" = "c:d" }\nquiet = ["a.b"]\nextend-exclude = ["x/"]\nrequired-version = ">=0.1"\n',
    '[[boundaries]]\nnames = ["a.b"]\nparams = [["0", "x"]]\npickler = "dill"\nby-value = true\nneeds = ["n"]\n',
]
BAD = [
    "reech = 1\n",
    'select = "bare-lock"\n',
    'reach = "some"\n',
    "verify = 1\n",
    "time-limit = 0\n",
    "memory-limit = 1.5\n",
    'output = ["csv=x"]\n',
    'output = ["json="]\n',
    'per-file-ignores = { "a" = "bare-lock" }\n',
    "factories = { a = 1 }\n",
    '[[boundaries]]\nnames = ["a.b"]\n',
    '[[boundaries]]\nnames = ["a b"]\nparams = [["0", "x"]]\n',
    '[[boundaries]]\nnames = ["a.b"]\nparams = [["0"]]\n',
    'python = ""\n',
]


@pytest.mark.parametrize("text", [*GOOD, *BAD])
def test_the_schema_and_the_reader_agree(text: str, tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    accepted = jsonschema.Draft7Validator(SCHEMA).is_valid(tomllib.loads(text))
    (tmp_path / "fixpickle.toml").write_text(text)
    read = resolve([tmp_path], Options(), RULES, {"PATH": ""})
    assert accepted is (text in GOOD)
    assert accepted is not isinstance(read, Refusal), read


# --- files ----------------------------------------------------------------------------------------------------------


def test_rules_are_ignored_by_file(fixpickle: Terminal, tmp_path: Path) -> None:
    for name in ("a.py", "tests/b.py", "tests/deep/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BEFORE)
    found = {
        '{ "tests/**" = ["lambda-value"] }': ["a.py"],
        '{ "tests/" = ["ALL"] }': ["a.py"],
        '{ "!tests/" = ["lambda-value"] }': ["tests/b.py", "tests/deep/c.py"],
        '{ "b.py" = ["lambda-value"], "/a.py" = ["lambda-value"] }': ["tests/deep/c.py"],
        '{ "tests/**" = ["bare-lock"] }': ["a.py", "tests/b.py", "tests/deep/c.py"],
    }
    for table, want in found.items():
        said = ("--config", f"per-file-ignores = {table}")
        done = fixpickle(tmp_path, "check", "--output-format", "json", *said, ".")
        report = json.loads(done.stdout)
        assert sorted(one["path"] for one in report["left"]) == want, table
        assert len(report["suppressed"]) == 3 - len(want)


def test_show_files_names_what_would_be_read(fixpickle: Terminal, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("out.py\n")
    for name in ("a.py", "out.py", "sub/b.py", "sub/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("def broken(:\n")
    for command in ("check", "apply"):
        done = fixpickle(tmp_path, command, "--show-files")
        assert (done.returncode, done.stdout.decode().split()) == (0, ["a.py", "sub/b.py"])
    wide = fixpickle(tmp_path, "check", "--show-files", "--no-respect-gitignore", "--exclude", "sub/")
    assert wide.stdout.decode().split() == ["a.py", "out.py"]


def test_arguments_come_from_a_file(fixpickle: Terminal, tmp_path: Path) -> None:
    (tmp_path / "two words.py").write_text("x = 1\n")
    (tmp_path / "more.txt").write_text("two words.py\n--show-files\n")
    assert fixpickle(tmp_path, "check", "@more.txt").stdout == b"two words.py\n"
    done = fixpickle(tmp_path, "check", "@missing.txt")
    assert done.returncode == 2 and b"missing.txt" in done.stderr
    (tmp_path / "@own.py").write_text("x = 1\n")
    assert fixpickle(tmp_path, "check", "--show-files", "@own.py").stdout == b"@own.py\n"


# --- the filter -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_filter_prints_the_fixed_file_and_the_proof_is_of_what_came_in(
    newline: str, fixpickle: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    on_disk = tmp_path / "pkg" / "jobs.py"
    on_disk.write_text("raise SystemExit('this is not what came in')\n")
    came, goes = (text.replace("\n", newline).encode() for text in (BEFORE, AFTER))
    done = fixpickle(tmp_path, "apply", "-", "--stdin-filename", "pkg/jobs.py", stdin=came)
    assert done.stdout == goes, done.stderr
    assert done.returncode == 0
    assert b"pkg/jobs.py:6:25: lambda-value" in done.stderr and b"1 proved" in done.stderr
    assert on_disk.read_text().startswith("raise")
    assert {path.name for path in tmp_path.rglob("*")} == {"pkg", "__init__.py", "jobs.py"}


def test_a_filter_gives_back_what_it_cannot_fix(fixpickle: Terminal, tmp_path: Path) -> None:
    for text in (b"def broken(:\r\n", b"x = 1", b"\xef\xbb\xbfx = 1\n", b"\xff\n"):
        done = fixpickle(tmp_path, "apply", "-", stdin=text)
        assert done.stdout == text
        assert done.returncode == (0 if b"x" in text else 1)
    lock = b"import pickle, threading\nclass A:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
    lock += b"def ship():\n    return pickle.dumps(A())\n"
    done = fixpickle(tmp_path, "apply", "-", "--no-verify", stdin=lock)
    assert (done.returncode, done.stdout) == (1, lock)
    assert b"its fix needs another file, _fixpickle_locks.py" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_filter_checks_and_shows_the_patch(fixpickle: Terminal, tmp_path: Path) -> None:
    came = BEFORE.encode()
    done = fixpickle(tmp_path, "check", "-", "--stdin-filename", "new.py", stdin=came)
    assert done.returncode == 1 and done.stdout.startswith(b"new.py:6:25: lambda-value")
    done = fixpickle(tmp_path, "apply", "--diff", "--no-verify", "-", "--stdin-filename", "new.py", stdin=came)
    assert done.returncode == 1 and done.stdout.startswith(b"diff --git a/new.py b/new.py\n")
    assert fixpickle(tmp_path, "apply", "-i", "-", stdin=came).returncode == 2
    assert fixpickle(tmp_path, "apply", "-", "new.py", stdin=came).returncode == 2
    assert fixpickle(tmp_path, "check", "--stdin-filename", "new.py", stdin=came).returncode == 2


# --- the shell ------------------------------------------------------------------------------------------------------


def test_the_shell_learns_the_commands(tmp_path: Path) -> None:
    def said(**environ: str) -> list[bytes]:
        command = [sys.executable, "-m", "fixpickle"]
        done = subprocess.run(command, capture_output=True, env={**os.environ, **environ}, timeout=60)
        return done.stdout.split()

    asked = {"_FIXPICKLE_COMPLETE": "complete_bash", "COMP_WORDS": "fixpickle con", "COMP_CWORD": "1"}
    assert said(**asked) == [b"config"]
    assert said(**{**asked, "COMP_WORDS": "fixpickle check --respect", "COMP_CWORD": "2"}) == [b"--respect-gitignore"]
    script = [sys.executable, "-m", "fixpickle", "--show-completion", "bash"]
    # Without a shell among its ancestors, as under a service, there is none to detect: it is named.
    environ = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(script, capture_output=True, env=environ, timeout=60)
    assert b"_FIXPICKLE_COMPLETE=complete_bash" in shown.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("command", ["rules", "check --help"])
def test_a_reader_that_stops_early_is_no_error(command: str, tmp_path: Path) -> None:
    line = f"set -o pipefail; {sys.executable} -m fixpickle {command} | true"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.stderr == b""


def test_colour_comes_from_the_configuration_and_the_environment(fixpickle: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BEFORE)
    assert b"\x1b[" not in fixpickle(tmp_path, "check").stdout
    assert b"\x1b[" in fixpickle(tmp_path, "check", FORCE_COLOR="1").stdout
    assert b"\x1b[" in fixpickle(tmp_path, "check", CLICOLOR_FORCE="1").stdout
    assert b"\x1b[" not in fixpickle(tmp_path, "check", FORCE_COLOR="1", NO_COLOR="1").stdout
    (tmp_path / "fixpickle.toml").write_text('color = "always"\nexit-zero = true\n')
    done = fixpickle(tmp_path, "check", NO_COLOR="1")
    assert b"\x1b[" in done.stdout and done.returncode == 0
    done = fixpickle(tmp_path, "check", "--color", "never", "--no-exit-zero")
    assert b"\x1b[" not in done.stdout and done.returncode == 1
