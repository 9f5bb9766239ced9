"""Whether a check finds what reports name that failed to pickle: `python benchmarks/recall.py [--clones FOLDER]`.

recall.toml lists reports: a repository, a commit that has the fault, and the file and object that the error names. Each
commit's Python files are put into a folder, `fixpickle check` runs over them at default reach, and docs/recall.md says
whether a finding in that file names the object, and whether it offers a fix. Without `--clones`, git clones what is
needed; FOLDER holds git directories as owner/name. Nothing that is cloned is run.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "recall.md"
MARK = "<!-- measured -->\n"
HEAD = "| report | commit | named by its error | found | what a fix makes of it |\n|---|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A report, and where the code it is about is; `missed` is the reason why nothing finds it, where nothing does.

    `at_sight` is "found" or "missed" for those that were looked at once before anything was mended for them.
    """

    repository: str
    commit: str
    report: str
    file: str
    object: str
    missed: str = ""
    at_sight: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The findings in a case's file that name its object, and their reasons against a fix."""

    count: int
    reasons: tuple[str, ...]


def cases() -> list[Case]:
    """The reports of recall.toml, in its order."""
    return [Case(**entry) for entry in tomllib.loads((HERE / "recall.toml").read_text("utf-8"))["case"]]


def unpacked(case: Case, clones: Path | None, work: Path) -> Path:
    """A folder with the Python files of the commit. Raises CalledProcessError where git does not have them."""
    place = clones / case.repository if clones else work / "clones" / case.repository
    if not place.exists():
        url = f"https://github.com/{case.repository}"
        subprocess.run(["git", "clone", "--quiet", "--bare", url, str(place)], check=True)
    folder = work / case.repository / case.commit
    folder.mkdir(parents=True)
    asked = ["git", f"--git-dir={place}", "archive", case.commit, "--", "*.py"]
    archive = subprocess.run(asked, capture_output=True, check=False).stdout  # a partial clone may lack other files
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def looked_for(case: Case, folder: Path) -> Found:
    """What a check says of a case. Raises RuntimeError, with what it printed, where it crashed."""
    asked = [sys.executable, "-m", "fixpickle", "check", "--output-format", "json", "."]
    done = subprocess.run(asked, cwd=folder, capture_output=True, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{case.repository}: {done.stderr}")
    left = json.loads(done.stdout)["left"]
    named = [f for f in left if f["path"] == case.file and case.object in f["message"]]
    return Found(len(named), tuple(dict.fromkeys(str(f["reason"]) for f in named)))


def row(case: Case, found: Found) -> str:
    """A line of the table."""
    link = f"[{case.repository} {case.report}](https://github.com/{case.repository}/{case.report})"
    made = "; ".join(f"left: {r}" if r else "a fix is offered" for r in found.reasons) or f"missed: {case.missed}"
    cells = (link, case.commit[:7], f"`{case.object}` in {case.file}", "yes" if found.count else "**no**", made)
    return f"| {' | '.join(cells)} |\n"


def main() -> int:
    """Write the page's table. 1 where what recall.toml calls missed is found, or another one is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=Path, help="where git directories are, as owner/name")
    clones = parser.parse_args().clones
    wrong, rows, hits, offered = [], [], 0, 0
    with tempfile.TemporaryDirectory() as work:
        for case in cases():
            found = looked_for(case, unpacked(case, clones, Path(work)))
            print(f"{case.repository}: {found.count} {found.reasons}", file=sys.stderr, flush=True)
            rows.append(row(case, found))
            hits += found.count > 0
            offered += "" in found.reasons
            if bool(found.count) is bool(case.missed):
                wrong.append(case.repository)
    fresh = [case.at_sight for case in cases() if case.at_sight]
    words = (
        f"{hits} of {len(rows)} are found; of these, a fix is offered for {offered}. Of the last {len(fresh)}, "
        f"{fresh.count('found')} were found at first sight, before anything was mended for them.\n\n"
    )
    PAGE.write_text(PAGE.read_text("utf-8").partition(MARK)[0] + MARK + "\n" + words + HEAD + "".join(rows), "utf-8")
    for name in wrong:
        print(f"{name}: recall.toml says otherwise", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
