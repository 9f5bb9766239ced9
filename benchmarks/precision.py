"""How often a finding is worth its line, on large packages: `python benchmarks/precision.py [--seed N] [--rewrite]`.

Downloads the wheels named in precision.toml, runs `fixpickle check` over each at default reach, samples sixty findings
of the rules that name things and writes docs/precision.md: each with the verdict that precision.toml has for it, and
how many of the whole have been judged. A verdict belongs to a package's version and to a file, a rule, a column and a
line of code; where either has changed, the finding counts as unjudged again. `--list` prints every finding without a
verdict, as entries for precision.toml;
`--again` takes the reports of the run before, as while verdicts are written.

`--rewrite` fixes a copy of each package without proof as well and compiles every file of it; with `--python PY`, an
interpreter that has the dependencies of some, their fixes are proved, and the rewritten package is imported by it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from precision_page import Finding, Heading, Package, Rewritten, Samples, page

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
SAMPLE = 60
NAMING = frozenset(
    [
        *("lambda-value", "local-function", "local-class"),
        *("mismatched-type-name", "unwrapped-decorator", "identity-sentinel"),
    ]
)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The packages to measure, by name and version, and what was judged of their findings, by key."""

    packages: dict[str, tuple[str, str]]
    judged: dict[tuple[str, ...], tuple[str, str]]
    title: str = "Precision"
    note: str = ""
    size: int = SAMPLE


def verdicts(name: str = "precision") -> Verdicts:
    """What that TOML file says. Raises ValueError where a verdict is none of the three words."""
    data = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    packages = {p["name"]: (p["version"], p["imports"]) for p in data["package"]}
    judged: dict[tuple[str, ...], tuple[str, str]] = {}
    for entry in data["judged"]:
        if entry["verdict"] not in ("right", "harmless", "wrong"):
            raise ValueError(f"{entry['file']}: no verdict is called {entry['verdict']}")
        version = packages[entry["package"]][0]
        for column, code in entry["at"]:
            key = (entry["package"], version, entry["file"], entry["rule"], str(column), code)
            judged[key] = (entry["verdict"], entry["reason"])
    return Verdicts(packages, judged, data.get("title", "Precision"), data.get("note", ""), data.get("sample", SAMPLE))


# --- the packages ---------------------------------------------------------------------------------------------------


def unpacked(name: str, version: str, work: Path) -> Path:
    """The folder of a package's wheel, downloaded where it is not there yet. Raises CalledProcessError, offline."""
    folder = work / f"{name}-{version}"
    if not folder.exists():
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(work / "wheels")]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{name}=={version}"], check=True)
        pattern = f"{name.replace('-', '_')}-{version}-*.whl"
        with zipfile.ZipFile(next((work / "wheels").glob(pattern))) as wheel:
            wheel.extractall(folder)
    return folder


def fixpickle(folder: Path, command: str, *options: str) -> dict[str, object]:
    """What a run over the folder reports. Raises RuntimeError, with what it printed, where it crashed."""
    asked = [sys.executable, "-m", "fixpickle", command, "--output-format", "json", *options, "."]
    done = subprocess.run(asked, cwd=folder, capture_output=True, encoding="utf-8")
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise RuntimeError(f"{folder.name}: {done.stderr}")
    report: dict[str, object] = json.loads(done.stdout)
    return report


def checked(name: str, work: Path, known: Verdicts, again: bool) -> Package:
    """A package's findings, each with its verdict where there is one."""
    version, _ = known.packages[name]
    folder = unpacked(name, version, work)
    kept = work / "reports" / f"{folder.name}.json"
    report = json.loads(kept.read_text("utf-8")) if again else fixpickle(folder, "check")
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(report), "utf-8")
    found = tuple(_finding(name, version, folder, entry, known) for entry in report["left"])
    return Package(name, version, int(str(report["files"])), float(str(report["seconds"])), found)


def _finding(name: str, version: str, folder: Path, entry: dict[str, object], known: Verdicts) -> Finding:
    path, line = str(entry["path"]), int(str(entry["line"]))
    code = (folder / path).read_text("utf-8", "replace").splitlines()[line - 1].strip()
    rule = str(entry["rule"])
    column = int(str(entry["column"]))
    verdict, reason = known.judged.get((name, version, path, rule, str(column), code), ("", ""))
    return Finding(name, path, line, column, rule, code, bool(entry["fixable"]), verdict, reason)


# --- the sample -----------------------------------------------------------------------------------------------------


def sample(findings: Sequence[Finding], seed: int, size: int = SAMPLE) -> list[Finding]:
    """That many of the findings, all at random."""
    return _shuffled(findings, seed)[:size]


def spread_sample(findings: Sequence[Finding], seed: int, size: int = SAMPLE) -> list[Finding]:
    """One finding of each rule and of each package that has any, then as many more at random as make `size`."""
    order = _shuffled(findings, seed)
    first = {id(f): f for f in _firsts(order)}
    rest = [f for f in order if id(f) not in first]
    return [*first.values(), *rest][:size]


def _shuffled(findings: Sequence[Finding], seed: int) -> list[Finding]:
    order = list(findings)
    random.Random(seed).shuffle(order)
    return order


def _firsts(order: Iterable[Finding]) -> Iterator[Finding]:
    rules, packages = set[str](), set[str]()
    for finding in order:
        if finding.rule not in rules or finding.package not in packages:
            rules.add(finding.rule)
            packages.add(finding.package)
            yield finding


# --- rewriting ------------------------------------------------------------------------------------------------------


def rewritten(name: str, work: Path, known: Verdicts, python: str) -> Rewritten:
    """A package's copy after its fixes: what became of them, whether all files compile, and the package imports."""
    version, module = known.packages[name]
    source, copy = unpacked(name, version, work), work / "rewritten" / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    before = _imports(copy, module, python)
    proof = ["--python", python] if before else ["--no-verify"]
    report = fixpickle(copy, "apply", *proof)
    fixed: list[dict[str, dict[str, str]]] = report["fixed"]  # type: ignore[assignment]
    by_verdict = Counter(one["verdict"]["kind"] for one in fixed)
    by_verdict["taken back"] = len(report["taken_back"])  # type: ignore[arg-type]
    by_verdict["left"] = len(report["left"])  # type: ignore[arg-type]
    compiled = subprocess.run([sys.executable, "-m", "compileall", "-q", "."], cwd=copy, stdout=subprocess.DEVNULL)
    return Rewritten(
        name,
        int(str(report["files"])),
        by_verdict,
        float(str(report["seconds"])),
        compiled.returncode == 0,
        _imports(copy, module, python) if before else None,
    )


def _imports(folder: Path, module: str, python: str) -> bool:
    """Whether that interpreter can import the package from the folder."""
    if not python:
        return False
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import {module}"
    return subprocess.run([python, "-c", code], cwd=folder.parent, capture_output=True).returncode == 0


# --- the command ----------------------------------------------------------------------------------------------------


def main() -> int:
    """Measures, and writes the page. The exit code is 1 where the sample has a wrong or an unjudged finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("precision-work"), help="where the wheels are unpacked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--set", default="precision", help="the TOML file with packages and verdicts, and the page's name"
    )
    parser.add_argument("--list", action="store_true", help="print findings without a verdict, write nothing")
    parser.add_argument("--again", action="store_true", help="take the reports of the run before")
    parser.add_argument("--rewrite", nargs="*", metavar="PACKAGE", help="fix a copy of these too, or of all")
    parser.add_argument("--python", default="", help="an interpreter that has the dependencies of the packages")
    options = parser.parse_args()
    known, work = verdicts(options.set), options.work.resolve()
    packages = [checked(name, work, known, options.again) for name in known.packages]
    found = [f for p in packages for f in p.findings]
    if options.list:
        print(*(_entry(f) for f in found if not f.verdict), sep="\n")
        return 0
    named = [f for f in found if f.rule in NAMING]
    drawn, others = sample(named, options.seed, known.size), [f for f in found if f.rule not in NAMING]
    copied = [] if options.rewrite is None else options.rewrite or known.packages
    after = [rewritten(name, work, known, options.python) for name in copied]
    samples = Samples(drawn, spread_sample(named, options.seed, known.size), others, sample(others, options.seed))
    text = page(packages, samples, after, Heading(known.title, options.set, options.seed, known.note))
    (DOCS / f"{options.set.replace('_', '-')}.md").write_text(text, "utf-8")
    return int(any(f.verdict in ("", "wrong") for f in drawn))


def _entry(finding: Finding) -> str:
    place = f"# line {finding.line}{'' if finding.fixable else ', reported only'}"
    key = f'package = "{finding.package}"\nfile = "{finding.file}"\nrule = "{finding.rule}"'
    at = f"at = [[{finding.column}, {json.dumps(finding.code)}]]"
    return f'[[judged]]\n{place}\n{key}\n{at}\nverdict = ""\nreason = ""\n'


if __name__ == "__main__":
    sys.exit(main())
