"""Every example: run it as it stands, let fixpickle fix a copy, run it again. `make demo` runs this file.

The exit code is 0 when every script failed before with the failure it is here to show and works after, and when
what fixpickle must leave alone was reported and is unchanged.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue import EXAMPLES, Example, Script
from running import Fixes, Run, fails, fix, read_report, run_script, works

HERE = Path(__file__).parent
WIDTH = 96
RUN_LIMIT = 90.0
FIX_LIMIT = 180.0
SYMPTOM_WIDTH = 46

# The line a traceback ends in, and its last frames, name an exception at their start.
ENDING = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Pool)\b")
RUNTIME = re.compile(r"\+\+\+ (?:b/)?(\S*_fixpickle_\w+\.py)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the closing table, and whether it is as it should be."""

    name: str
    before: str
    proved: str
    after: str
    good: bool


# --- what a person sees ---------------------------------------------------------------------------------------------


def say(text: str = "") -> None:
    for line in text.split("\n"):
        print(line if len(line) <= WIDTH else line[: WIDTH - 3] + "...", flush=True)


def show(command: str, lines: list[str], verdict: str) -> None:
    say(f"$ {command}")
    for line in lines:
        say(f"  {line}".rstrip())
    say(f"  -> {verdict}\n")


def excerpt(outcome: Run) -> list[str]:
    """The exceptions a traceback ends in, or else the last lines printed."""
    lines = [line for line in outcome.output.splitlines() if line.strip()]
    endings = [line for line in lines if ENDING.match(line)]
    return list(dict.fromkeys(endings))[-3:] if outcome.code != 0 and endings else lines[-4:]


def verdict(outcome: Run) -> str:
    ending = "stopped at the time limit" if outcome.code is None else f"exit code {outcome.code}"
    return f"{ending}, {outcome.seconds:.1f} s"


def shown_diff(diff: str) -> list[str]:
    """The lines of a diff, each runtime module that it brings along counted in one line."""
    shown: list[str] = []
    for part in re.split(r"(?m)^(?=diff --git )", diff):
        runtime = RUNTIME.search(part)
        if runtime is None:
            shown += part.splitlines()
        else:
            count = sum(line.startswith("+") for line in part.splitlines()) - 1
            shown.append(f"(new file {runtime[1]}, {count} lines: the runtime)")
    return shown


def command_line(script: Script) -> str:
    chosen = f"START_METHOD={script.start} " if script.start else ""
    return " && ".join(f"{chosen}python {' '.join(command)}" for command in script.commands)


# --- what is done ---------------------------------------------------------------------------------------------------


def attempt(script: Script, folder: Path) -> Run:
    outcome = run_script(script, folder, RUN_LIMIT)
    show(command_line(script), excerpt(outcome), verdict(outcome))
    return outcome


def fix_and_show(folder: Path) -> Fixes:
    """Show the proved diff of `folder`, then write it, and read what was done from the report for programs."""
    dry = fix([folder], folder, FIX_LIMIT, "--diff", "--quiet")
    show("fixpickle apply --diff .", shown_diff(dry.stdout), verdict(dry))
    wet = fix([folder], folder, FIX_LIMIT, "--output-format", "json")
    try:
        fixes, lines = read_report(wet), outcomes(json.loads(wet.stdout))
    except json.JSONDecodeError:
        sys.exit(f"fixpickle printed no report:\n{wet.output}")
    show("fixpickle apply .", lines, verdict(wet))
    return fixes


def outcomes(report: dict[str, Any]) -> list[str]:
    """What the report says of each finding, and how each fix was proved."""
    lines: list[str] = []
    for item in report["fixed"]:
        told = item["verdict"].get("how") or item["verdict"]["reason"]
        lines.append(f"{item['path']}:{item['line']} {item['rule']} fixed")
        lines += wrapped(f"{item['verdict']['kind']}: {told}")
    for item in report["left"]:
        lines.append(f"{item['path']}:{item['line']} {item['rule']} left as it is")
        lines += wrapped(f"{item['message']}: {item['reason']}")
    return lines


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - 2, initial_indent="    ", subsequent_indent="      ")


def row(script: Script, before: Run, after: Run, fixes: Fixes, touched: bool) -> Row:
    files = {Path(name).name for name in script.files}
    made = sum(name in files for name in fixes.made)
    proved = sum(name in files for name in fixes.proved)
    if script.left:
        reported = any(name in files for name in fixes.left)
        good = reported and not touched
        outcome = "was changed" if touched else "left, reported" if reported else "not reported"
    else:
        good = works(script, after) and 0 < proved == made - script.unproved
        outcome = f"yes, {after.seconds:.1f} s" if works(script, after) else "no"
    return Row(
        name=script.name,
        before=symptom(script, before),
        proved=f"{proved} of {made}" if made else "-",
        after=outcome,
        good=good and fails(script, before),
    )


def symptom(script: Script, outcome: Run) -> str:
    """The line of the output that shows what was to be shown, short enough for the table."""
    if not fails(script, outcome):
        return "did not fail as it should"
    line = next(line for line in outcome.output.splitlines() if script.symptom in line)
    line = re.sub(r"^(?:\w+\.)+(?=[A-Z])", "", line.strip())
    return line if len(line) <= SYMPTOM_WIDTH else line[: SYMPTOM_WIDTH - 3] + "..."


def show_example(example: Example, work: Path) -> list[Row]:
    say(f"{'=' * WIDTH}\n{example.folder}\n{'=' * WIDTH}\n")
    folder = Path(tempfile.mkdtemp(dir=work)) / example.folder  # two examples may share their scripts
    shutil.copytree(HERE / example.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pickle", "*.log"))
    before = [attempt(script, folder) for script in example.scripts]
    fixes = fix_and_show(folder)
    rows = []
    for script, earlier in zip(example.scripts, before, strict=True):
        changed = [name for name in script.files if not same(folder / name, HERE / example.folder / name)]
        after = attempt(script, folder)
        rows.append(row(script, earlier, after, fixes, bool(changed)))
    return rows


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def table(rows: list[Row]) -> str:
    cells = [("example", "failed before with", "proved", "runs now")]
    cells += [(r.name, r.before, r.proved, r.after) for r in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * min(WIDTH, max(map(len, lines))), *lines[1:]])


def main() -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fixpickle-demo-", ignore_cleanup_errors=True) as work:
        rows = [row for example in EXAMPLES if example.shown for row in show_example(example, Path(work))]
    say(table(rows))
    bad = [r.name for r in rows if not r.good]
    say(f"\n{len(rows) - len(bad)} of {len(rows)} as they should be, {time.monotonic() - started:.0f} s in all")
    if bad:
        sys.exit("not as they should be: " + ", ".join(bad))


if __name__ == "__main__":
    main()
