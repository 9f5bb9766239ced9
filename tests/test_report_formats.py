"""Formats for programs: each is what its reader's published rules say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from typer.testing import CliRunner

from fixpickle.cli.app import app
from fixpickle.model import (
    Carrier,
    Edit,
    Evidence,
    Finding,
    Fixed,
    Instance,
    Left,
    NewFile,
    Patch,
    Proved,
    Reach,
    Refusal,
    Refuted,
    RunReport,
    Span,
    TakenBack,
    Unproved,
)
from fixpickle.report import Format, View, render
from fixpickle.report.github import LIMIT
from fixpickle.report.json import SCHEMA
from fixpickle.report.markdown import LIMIT as ROOM
from fixpickle.source import apply_edits

ROOT = Path("/project")
VIEW = View(ROOT)
SCHEMAS = Path(__file__).parent / "schemas"


def finding(name: str, line: int, rule: str = "bare-lock") -> Finding:
    reach = Reach(Evidence.STATE, ("stored on self.lock of Shop at line 3",))
    return Finding(rule, ROOT / name, Span(10, 14, line, 5), f"a <lock> in `{name}`", reach, fingerprint=f"{line:016x}")


def patch(name: str, line: int) -> Patch:
    edits = (Edit(ROOT / name, 10, 14, "Lock"), Edit(ROOT / name, 0, 0, "import locks\n"))
    return Patch(finding(name, line), edits, (NewFile(ROOT / "locks.py", "X = 1\n"),), notes=("one | process",))


REPORT = RunReport(
    root=ROOT,
    files=4,
    fixed=(
        Fixed(patch("b c.py", 2), Proved("an instance", "TypeError: no `x`")),
        Fixed(patch("a.py", 7), Unproved("it needs an argument"), 2),
    ),
    taken_back=(TakenBack(patch("a.py", 3), Refuted("it hung\nfor 3 s", "TypeError")),),
    left=(Left(finding("d.py", 1, "lambda-value"), "bound, again: 50%"), Left(finding("d.py", 9), "")),
    skipped=(Refusal(ROOT / "e.py", "syntax error", 4),),
    carriers=(Carrier(Instance("shop", "Shop"), (finding("a.py", 7),), Refuted("Shop.a is a generator", "no")),),
)


@pytest.mark.parametrize("form", list(Format))
def test_every_format_ends_its_last_line_and_takes_an_empty_report(form: Format) -> None:
    for report in (REPORT, RunReport(ROOT, 0)):
        assert render(form, report, VIEW).endswith("\n")


def test_concise_is_one_line_for_each_finding() -> None:
    lines = render(Format.CONCISE, REPORT, VIEW).splitlines()
    assert [re.split(r":\d", line)[0] for line in lines[:-1]] == ["a.py", "a.py", "b c.py", "d.py", "d.py", "e.py"]
    assert "taken back: it hung" in lines[0] and lines[-2] == "e.py:4: skipped: syntax error"


def test_sarif_is_valid_and_its_regions_make_the_fix() -> None:
    log = json.loads(render(Format.SARIF, REPORT, VIEW))
    jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())).validate(log)
    (run,) = log["runs"]
    by_place = {
        (r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], r["level"]): r for r in run["results"]
    }
    (fix,) = by_place["b%20c.py", "note"]["fixes"]
    source, new = fix["artifactChanges"]
    edits = [
        Edit(ROOT, r["deletedRegion"]["charOffset"], sum(r["deletedRegion"].values()), r["insertedContent"]["text"])
        for r in source["replacements"]
    ]
    assert apply_edits("import me\nlock = 1\n", edits, "\n") == "import locks\nimport me\nLock = 1\n"
    assert new["artifactLocation"]["uri"] == "locks.py"
    assert "fixes" not in by_place["a.py", "warning"], "its edits are to a text that nobody has"
    assert run["invocations"][0]["executionSuccessful"] is False


def test_json_is_what_its_published_schema_says() -> None:
    schema = json.loads((Path(__file__).parent.parent / "docs" / "schemas" / f"report-{SCHEMA}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for report in (REPORT, RunReport(ROOT, 0)):
        jsonschema.Draft202012Validator(schema).validate(json.loads(render(Format.JSON, report, VIEW)))


def test_github_says_how_many_annotations_it_drops() -> None:
    many = replace(REPORT, left=tuple(Left(finding("d.py", n), "no") for n in range(1, LIMIT + 5)))
    lines = render(Format.GITHUB, many, VIEW).splitlines()
    # The unproved fix is a warning too.
    assert sum(line.startswith("::warning ") for line in lines) == LIMIT
    assert "5 annotations were dropped" in lines[-2]
    error = next(
        line for line in lines if line.startswith("::error file=a.py,line=3,col=5,title=fixpickle bare-lock::")
    )
    assert error.endswith("taken back: it hung%0Afor 3 s")
    assert any(line.endswith("left: no") for line in lines)


def test_github_escapes_what_would_end_a_property() -> None:
    odd = replace(REPORT, left=(Left(replace(finding("d.py", 1), path=ROOT / "a,b:c%.py"), "50%"),))
    assert "file=a%2Cb%3Ac%25.py," in render(Format.GITHUB, odd, VIEW)
    assert "left: 50%25" in render(Format.GITHUB, odd, VIEW)


def test_gitlab_has_what_its_report_format_requires() -> None:
    issues = json.loads(render(Format.GITLAB, REPORT, VIEW))
    assert len(issues) == 6
    for issue in issues:
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= issue.keys()
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == 6


def test_junit_counts_what_failed_and_passes_what_was_fixed() -> None:
    odd = replace(REPORT, skipped=(Refusal(ROOT / "e.py", "a\x00b\x1b", 1),))
    root = ElementTree.fromstring(render(Format.JUNIT, odd, VIEW).encode())
    found = {s.get("name"): (s.get("tests"), s.get("failures"), s.get("errors")) for s in root}
    assert found == {
        "a.py": ("2", "0", "1"),
        "b c.py": ("1", "0", "0"),
        "d.py": ("2", "2", "0"),
        "e.py": ("1", "0", "1"),
    }


def test_markdown_escapes_what_it_quotes_and_folds_each_rule() -> None:
    text = render(Format.MARKDOWN, REPORT, replace(VIEW, command="fixpickle apply a`b"))
    assert "a &#60;lock&#62; in `b c.py`" in text
    assert "before: `` TypeError: no `x` ``" in text
    assert "To run it again: `` fixpickle apply a`b ``" in text
    assert "`shop.Shop` does not cross yet: Shop.a is a generator" in text
    assert "| bare-lock | 1 | 1 | 1 |  | 1 |" in text
    folds = re.findall(r"<details( open)?><summary><b>([\w-]+)</b>: ([^<]+)</summary>\n\n- ", text)
    assert folds == [
        (" open", "bare-lock", "1 proved, 1 unproved, 1 taken back, 1 found"),
        ("", "lambda-value", "1 left"),
    ]
    assert text.count("</details>") == 2
    mention = render(Format.MARKDOWN, replace(REPORT, skipped=(Refusal(ROOT / "e.py", "@joe, see #12 & *go*"),)), VIEW)
    assert "&#64;joe, see &#35;12 &#38; \\*go\\*" in mention


@pytest.mark.parametrize("number", [260, 900])
def test_markdown_counts_what_does_not_fit_and_closes_every_fold(number: int) -> None:
    left = [Left(finding("d.py", n, f"rule-{n % 7}"), "no " * 60) for n in range(1, number)]
    text = render(Format.MARKDOWN, replace(REPORT, left=tuple(left)), VIEW)
    assert 60_000 < len(text) <= ROOM
    assert text.count("<details") == text.count("</details>") > 0
    dropped = int(re.findall(r"\n(\d+) more entries did not fit", text)[0])
    shown = sum(line.startswith("- ") for line in text.splitlines())
    assert dropped + shown == number - 1 + 5


def test_several_reports_are_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.py").write_text("KEY = lambda x: x\n")
    asked = [
        "check",
        "m.py",
        "--output",
        "sarif=out.sarif",
        "--output",
        "markdown=out.md",
        "--output-format",
        "concise",
    ]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 1 and result.output.startswith("m.py:1:7: lambda-value: ")
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"
    assert "<summary><b>lambda-value</b>: 1 found</summary>\n\n- **found**" in (tmp_path / "out.md").read_text()


@pytest.mark.parametrize("value", ["sarif", "yaml=x", "json="])
def test_an_output_that_is_no_format_and_file_is_a_usage_error(value: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--output", value])
    assert result.exit_code == 2 and "is not a list of FORMAT=FILE" in " ".join(result.output.split())
