"""The GitHub Action: its steps run by bash, in order, with the environment that the runner gives them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

TOP = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((TOP / "action.yml").read_text("utf-8"))
FOUND = "KEY = lambda row: row\n"

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="the steps are run by bash")


class Runner:
    """What of GitHub's runner a composite action sees. `outputs` are those of its steps, as `step.name`."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.temp, self._files = folder / "work", folder / "temp", folder / "files"
        for path in (self.workspace, self.temp, self._files):
            path.mkdir()
        self.outputs: dict[str, str] = {}
        self.summary = ""
        self.said = ""

    def run(self, *, without: str = "", **inputs: str) -> int:
        """The action with these inputs; the exit code of the step that ends it."""
        given = {name: str(value.get("default", "")) for name, value in ACTION["inputs"].items()}
        given.update({name.replace("_", "-"): value for name, value in inputs.items()})
        for step in ACTION["runs"]["steps"]:
            if step["id"] == without:
                continue
            code = self._step(step, given)
            if code:
                return code
        return 0

    def _step(self, step: dict[str, object], inputs: dict[str, str]) -> int:
        assert step["shell"] == "bash"
        script = self._files / "step.sh"
        script.write_text(self._expanded(str(step["run"]), inputs))
        output, summary = self._files / "output", self._files / "summary"
        for file in (output, summary):
            file.write_text("")
        wanted = step["env"]
        assert isinstance(wanted, dict)
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "VIRTUAL_ENV"))},
            **{name: self._expanded(str(value), inputs) for name, value in wanted.items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(command, cwd=self.workspace, env=env, capture_output=True, text=True)
        self.said += done.stdout + done.stderr
        self.summary += summary.read_text()
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[f"{step['id']}.{name}"] = value
        return done.returncode

    @staticmethod
    def _expanded(text: str, inputs: dict[str, str]) -> str:
        values = {**{f"inputs.{name}": value for name, value in inputs.items()}, "github.action_path": str(TOP)}
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: values[match[1]], text)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path)
    (made.workspace / "m.py").write_text(FOUND)
    return made


@pytest.fixture
def installed(runner: Runner) -> Runner:
    """A runner on which the first step has been: its environment is ours."""
    if not (Path(sys.prefix) / "bin" / "fixpickle").exists():
        pytest.skip("fixpickle is not installed in this environment")
    (runner.temp / "fixpickle").symlink_to(sys.prefix)
    return runner


def test_findings_are_annotations_a_summary_a_page_and_a_failed_step(installed: Runner) -> None:
    assert installed.run(without="install") == 1
    assert "::warning file=m.py,line=1,col=7,title=fixpickle lambda-value::" in installed.said
    assert installed.summary.startswith("## fixpickle\n") and "`fixpickle check .`" in installed.summary
    assert installed.outputs["run.exit-code"] == "1"
    assert Path(installed.outputs["run.report"]).read_text().startswith("<!doctype html>")


def test_with_nothing_to_find_it_passes(installed: Runner) -> None:
    (installed.workspace / "m.py").write_text("x = 1\n")
    assert installed.run(without="install") == 0
    assert installed.outputs["run.exit-code"] == "0" and "::" not in installed.said


def test_arguments_are_words_and_are_not_run(installed: Runner) -> None:
    (installed.workspace / "two words.py").write_text(FOUND)
    args, src = "check --select 'lambda-value' $(touch owned) ; touch owned", "'two words.py' `touch owned`"
    assert installed.run(without="install", args=args, src=src) == 1
    assert not list(installed.workspace.glob("owned*"))
    installed.said = ""
    assert installed.run(without="install", args="check --ignore bare-lock", src="'two words.py'") == 1
    assert installed.said.count("::warning file=two words.py,") == 1


def test_wrong_usage_fails_the_step_and_says_why(installed: Runner) -> None:
    assert installed.run(without="install", args="check --select no-such-rule") == 2
    assert "no rule is named `no-such-rule`" in installed.said and installed.outputs["run.exit-code"] == "2"


def test_every_expression_is_handed_over_in_the_environment() -> None:
    """An expression in a script would be run: that is how workflows are injected into."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    names = {name for step in ACTION["runs"]["steps"] for name in re.findall(r"inputs\.([\w-]+)", str(step["env"]))}
    assert names == set(ACTION["inputs"])


# --- which version --------------------------------------------------------------------------------------------------


def requirement(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, str(TOP / "action" / "requirement.py"), "/action", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("", "/action"), ("0.1.0", "fixpickle==0.1.0"), (">=0.1,<2", "fixpickle>=0.1,<2"), (" ~=0.1 ", "fixpickle~=0.1")],
)
def test_a_version_is_asked_of_pip(version: str, wanted: str) -> None:
    assert requirement(version, "") == (0, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("black==24.1\nfixpickle==0.1.0  # the fixer\n", "fixpickle==0.1.0"),
        ("fixpickle[html] >=0.1,<0.2 ; python_version>'3.9'\n", "fixpickle>=0.1,<0.2"),
        ("fixpickle==0.1.0 \\\n  --hash=sha256:abc\n", "fixpickle==0.1.0"),
        ('[project]\nname = "fixpickle-user"\ndependencies = ["fixpickle>=0.1"]\n', "fixpickle>=0.1"),
        ("[dependency-groups]\ndev = ['black', 'fixpickle ~= 0.1.2']\n", "fixpickle~= 0.1.2"),
    ],
)
def test_a_file_says_which_version(text: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    assert requirement("", str(tmp_path / "file")) == (0, wanted)


@pytest.mark.parametrize(
    "text", ["", "fixpickle\n", "my-fixpickle==1\n", '"fixpickle-plugin==1"\n', "# fixpickle==1\n"]
)
def test_a_file_that_says_none_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    code, said = requirement("", str(tmp_path / "file"))
    assert code == 1 and "names no version of fixpickle" in said


@pytest.mark.parametrize(
    "arguments", [("0.1", "file"), ("0.1; touch owned", ""), ("", "no/such/file"), ("@ git+x", "")]
)
def test_what_is_no_version_is_an_error(arguments: tuple[str, str]) -> None:
    code, said = requirement(*arguments)
    assert code == 1 and said.startswith("fixpickle: ")


@pytest.mark.slow
def test_the_whole_action_from_its_installation_on(runner: Runner) -> None:
    code = runner.run(args="apply --diff")
    assert code == 1, runner.said
    assert "fixpickle 0." in runner.said and "::notice file=m.py,line=1" in runner.said
    assert "+def KEY(row):" in runner.said
    assert "lambda-value</b>: 1 proved" in runner.summary
