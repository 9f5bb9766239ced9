from __future__ import annotations

import os
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from fixpickle.model import BoundaryEntry, Evidence, Refusal, Runtime, Settings
from fixpickle.settings import DECLARED, Options, load
from fixpickle.settings.interpreter import release_of

RULES = ("lambda-value", "local-class", "bare-lock")
NO_ENVIRONMENT: dict[str, str] = {"PATH": ""}
NOTHING = Options()


def settings(start: Path, options: Options = NOTHING, environ: dict[str, str] = NO_ENVIRONMENT) -> Settings:
    loaded = load([start], options, RULES, environ)
    assert isinstance(loaded, Settings), loaded
    return loaded


def refusal(start: Path, options: Options = NOTHING) -> Refusal:
    loaded = load([start], options, RULES, NO_ENVIRONMENT)
    assert isinstance(loaded, Refusal), loaded
    return loaded


def interpreter(folder: Path) -> Path:
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


FULL = """
[project]
name = "x"

[tool.fixpickle]
select = ["lambda-value", "bare-lock"]
ignore = ["bare-lock"]
exclude = ["docs/"]
reach = "boundary"
runtime = "package"
unsafe-fixes = true
verify = false
time-limit = 2
memory-limit = 512

quiet = ["pkg.pools.local_map"]

[tool.fixpickle.factories]
"pkg.Thing" = "pkg.testing:make_thing"

[[tool.fixpickle.boundaries]]
names = ["acme.enqueue", "acme.api.enqueue"]
params = [["0", "task"], ["1+", ""], ["*", ""]]
pickler = "cloudpickle"
by-value = true
needs = ["workers"]
quiet = { workers = ["0", "1"] }

[[tool.fixpickle.boundaries]]
names = ["acme.Pool.run"]
params = [["0", ""]]
receiver = "acme.Pool"

[[tool.fixpickle.boundaries]]
names = ["acme.task"]
params = [["", "payload"]]
decorator = true
"""


def test_every_key_of_the_table_reaches_the_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(FULL)
    got = settings(tmp_path)
    assert got == Settings(
        root=tmp_path,
        python=Path(sys.executable),
        release=sys.version_info[:2],
        select=frozenset({"lambda-value", "bare-lock"}),
        ignore=frozenset({"bare-lock"}),
        exclude=("docs/",),
        reach=Evidence.BOUNDARY,
        runtime=Runtime.PACKAGE,
        unsafe_fixes=True,
        verify=False,
        factories={"pkg.Thing": "pkg.testing:make_thing"},
        boundaries=(
            BoundaryEntry(
                names=("acme.enqueue", "acme.api.enqueue"),
                params=(("0", "task"), ("1+", ""), ("*", "")),
                pickler="cloudpickle",
                by_value=True,
                needs=("workers",),
                quiet={"workers": ("0", "1")},
            ),
            BoundaryEntry(names=("acme.Pool.run",), params=(("0", ""),), receiver="acme.Pool"),
            BoundaryEntry(names=("acme.task",), params=(("", "payload"),), decorator=True),
        ),
        quiet=frozenset({"pkg.pools.local_map"}),
        time_limit=2.0,
        memory_limit=512,
    )
    assert got.selects("lambda-value") and not got.selects("bare-lock") and not got.selects("local-class")


def test_every_setting_has_a_field_that_takes_it() -> None:
    own = {"root", "python", "release", "known", "only", "traced"}  # what a run finds out for itself
    assert {field.name for field in fields(Settings)} - own == {
        setting.field for setting in DECLARED if setting.field
    } - {"python"}


def test_without_configuration_the_defaults_hold(tmp_path: Path) -> None:
    (tmp_path / "setup.py").touch()
    (tmp_path / "sub").mkdir()
    expected = Settings(root=tmp_path, python=Path(sys.executable), release=sys.version_info[:2])
    assert settings(tmp_path / "sub") == expected


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(FULL)
    options = Options(
        {
            "select": frozenset({"local-class"}),
            "ignore": frozenset(),
            "reach": Evidence.ANY,
            "verify": True,
            "unsafe-fixes": False,
        }
    )
    got = settings(tmp_path, options)
    assert (got.select, got.ignore, got.reach) == (frozenset({"local-class"}), frozenset(), Evidence.ANY)
    assert got.verify and not got.unsafe_fixes
    assert got.runtime == "package"


def test_the_closest_file_with_our_table_wins(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.fixpickle]\nreach = "any"\n')
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nfixpickle = 1\n")
    assert settings(inner).reach is Evidence.ANY
    assert settings(inner).root == tmp_path
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.fixpickle]\nreach = "boundary"\n')
    assert settings(inner).reach is Evidence.BOUNDARY
    (tmp_path / "a" / "fixpickle.toml").write_text('reach = "state"\n')
    assert (settings(inner).reach, settings(inner).root) == (Evidence.STATE, tmp_path / "a")


def test_the_search_starts_at_what_all_paths_share(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.py").touch()
        (tmp_path / name / "fixpickle.toml").write_text("unsafe-fixes = true\n")
    both = load([tmp_path / "a", tmp_path / "b" / "m.py"], NOTHING, RULES, NO_ENVIRONMENT)
    one = load([tmp_path / "a" / "m.py"], NOTHING, RULES, NO_ENVIRONMENT)
    assert isinstance(both, Settings) and not both.unsafe_fixes
    assert isinstance(one, Settings) and one.unsafe_fixes


def test_a_broken_pyproject_that_is_not_about_us_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    assert settings(tmp_path).reach is Evidence.STATE


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[tool.fixpickle]\nreach = \n", 2, "not valid TOML"),
        ("[tool.fixpickle\n", 1, "not valid TOML"),
        (
            '[tool.fixpickle]\nreach = "any"\nunsafe_fixes = true\n',
            3,
            "unknown key `unsafe_fixes`; did you mean `unsafe-fixes`?",
        ),
        ("[tool.fixpickle]\nqqq = 1\n", 2, "unknown key `qqq`"),
        ('[tool.fixpickle]\nreach = "some"\n', 2, "`reach` must be one of traced, boundary, state, any"),
        ('[tool.fixpickle]\nselect = "lambda-value"\n', 2, "`select` must be a list of rule names"),
        ("[tool.fixpickle]\nverify = 1\n", 2, "`verify` must be true or false"),
        ("[tool.fixpickle]\ntime-limit = 0\n", 2, "`time-limit` must be a number of seconds above 0"),
        ("[tool.fixpickle]\ntime-limit = nan\n", 2, "`time-limit` must be"),
        ("[tool.fixpickle]\nmemory-limit = 1.5\n", 2, "`memory-limit` must be"),
        ("[tool.fixpickle.factories]\na = 1\n", 1, "`factories` must be a table"),
        ("[tool]\nfixpickle = 3\n", 0, "must be a table"),
        (
            '[tool.fixpickle]\nselect = [\n  "lambda-valu",\n]\n',
            2,
            "`select`: no rule is named `lambda-valu`; did you mean `lambda-value`?",
        ),
    ],
)
def test_a_broken_configuration_is_refused_with_its_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    got = refusal(tmp_path)
    assert words in got.reason
    assert (got.path, got.line) == (path, line)


ONE = '[[tool.fixpickle.boundaries]]\nnames = ["a.b"]\nparams = [["0", "x"]]\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "[tool.fixpickle]\nboundaries = 1\n",
            2,
            "`boundaries` must be tables, written as [[tool.fixpickle.boundaries]]",
        ),
        ("[tool.fixpickle]\nquiet = 'a.b'\n", 2, "`quiet` must be a list of names of calls"),
        (ONE + "reciever = 'a.B'\n", 4, "unknown key `reciever`; did you mean `receiver`?"),
        (ONE + "by_value = true\n", 4, "unknown key `by_value`; did you mean `by-value`?"),
        (ONE + "pickler = 'cloudpikle'\n", 4, "pickle, cloudpickle, dill, deepcopy; did you mean `cloudpickle`?"),
        (ONE + "pickler = 3\n", 4, "`pickler` must be one of"),
        (ONE + "decorator = 'yes'\n", 4, "`decorator` must be true or false"),
        (ONE + "needs = 'workers'\n", 4, "`needs` must be a list of keywords"),
        (ONE + "quiet = { n = 1 }\n", 4, "`quiet` must be a table of keyword = list of constants"),
        (ONE + "[tool.fixpickle.boundaries.quiet]\nn = 1\n", 4, "`quiet` must be a table"),
        (ONE + "decorator = true\nreceiver = 'a.B'\n", 5, "`receiver` is for methods"),
        (ONE + ONE + "names = 1\n".replace("names", "nmaes"), 7, "unknown key `nmaes`; did you mean `names`?"),
        ("[[tool.fixpickle.boundaries]]\nnames = ['a.b']\n", 1, "a boundary needs `params`"),
        ("[[tool.fixpickle.boundaries]]\nparams = [['0', '']]\n", 1, "a boundary needs `names`"),
        (ONE + "[[tool.fixpickle.boundaries]]\nnames = ['a b']\nparams = [['0', '']]\n", 5, "`names` must be a list"),
        ("[[tool.fixpickle.boundaries]]\nnames = []\nparams = [['0', '']]\n", 2, "`names` must be a list"),
        ("[[tool.fixpickle.boundaries]]\nnames = ['a.b']\nparams = ['0']\n", 3, "`params` must be a list of pairs"),
        ("[[tool.fixpickle.boundaries]]\nnames = ['a.b']\nparams = [['x', 'y']]\n", 3, "`params` must be a list"),
        ("[[tool.fixpickle.boundaries]]\nnames = ['a.b']\nparams = [['', '']]\n", 3, "`params` must be a list"),
    ],
)
def test_a_broken_boundary_is_refused_with_its_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    got = refusal(tmp_path)
    assert words in got.reason
    assert (got.path, got.line) == (path, line)


def test_a_boundary_in_a_file_of_our_own_is_written_without_the_tables_name(tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_text('[[boundaries]]\nnames = ["a.b"]\nparams = [["0", "x"]]\nkind = 1\n')
    assert (refusal(tmp_path).line, refusal(tmp_path).reason) == (4, "unknown key `kind`")
    (tmp_path / "fixpickle.toml").write_text('[[boundaries]]\nnames = ["a.b"]\nparams = [["0", "x"]]\n')
    assert settings(tmp_path).boundaries == (BoundaryEntry(("a.b",), (("0", "x"),)),)


def test_a_configuration_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "fixpickle.toml").write_bytes(b'reach = "any"\nexclude = ["\xff"]\n')
    assert refusal(tmp_path).line == 2


def test_an_unknown_rule_on_the_command_line_is_refused_with_the_closest_name(tmp_path: Path) -> None:
    assert "did you mean `bare-lock`?" in refusal(tmp_path, Options({"ignore": frozenset({"bare_lock"})})).reason
    assert "did you mean" not in refusal(tmp_path, Options({"select": frozenset({"zzz"})})).reason


def test_the_active_environment_comes_before_that_of_the_project(tmp_path: Path) -> None:
    active, own = interpreter(tmp_path / "active"), interpreter(tmp_path / "project" / "venv")
    start = tmp_path / "project" / "src"
    start.mkdir()
    (tmp_path / "project" / "setup.py").touch()
    assert settings(start).python == own
    assert settings(start, environ={"VIRTUAL_ENV": str(tmp_path / "active")}).python == active
    assert settings(start, environ={"VIRTUAL_ENV": str(tmp_path / "gone")}).python == own
    # The environment that pre-commit makes for the hook is not the project's.
    hook = {"VIRTUAL_ENV": sys.prefix, "PRE_COMMIT": "1"}
    assert settings(start, environ=hook).python == own
    assert settings(start, environ={**hook, "VIRTUAL_ENV": str(tmp_path / "active")}).python == active


def test_a_python_is_taken_by_path_by_name_or_by_environment(tmp_path: Path) -> None:
    python = interpreter(tmp_path / "env")
    assert settings(tmp_path, Options({"python": str(python)})).python == python
    assert settings(tmp_path, Options({"python": str(tmp_path / "env")})).python == python
    assert settings(tmp_path, Options({"python": "python"}), {"PATH": str(python.parent)}).python == python
    (tmp_path / "fixpickle.toml").write_text('python = "env/bin/python"\n')
    assert settings(tmp_path).python == python


def test_a_python_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "python"
    plain.touch(mode=0o644)
    for name in (str(plain), str(tmp_path / "missing"), "no-such-python"):
        assert refusal(tmp_path, Options({"python": name})).reason == "not a Python that can be run"


@pytest.mark.parametrize(
    "said", ["version = 3.14.0\n", "version_info = 3.14.2.final.0\n", "home = /usr\nversion=3.14\n"]
)
def test_the_release_of_an_environment_is_read_where_it_says_so(said: str, tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text(said)
    assert release_of(interpreter(tmp_path)) == (3, 14)


def test_the_release_of_an_interpreter_is_in_its_name_or_is_not_known(tmp_path: Path) -> None:
    named = tmp_path / "python3.13"
    named.touch()
    (tmp_path / "python").symlink_to(named)
    (tmp_path / "pypy").touch()
    assert [release_of(tmp_path / name) for name in (named.name, "python", "pypy")] == [(3, 13), (3, 13), ()]
    assert release_of(Path(sys.executable)) == sys.version_info[:2]
