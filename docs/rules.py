"""Writes `docs/rules/`: a page for each built-in rule, and a list of them.

A page is the docstring of the rule's module, which is what `fixpickle explain` prints, then an example fixture of that
rule as a diff, and what fixpickle reports when it fixes that fixture. `make docs` runs this, and `tests/test_docs.py`
fails where a page is not what this would write. Some reports need a library: see `missing`.
"""

from __future__ import annotations

import ast
import difflib
import pkgutil
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixpickle.model import Safety
from fixpickle.registry import BUILT_IN, load_rules
from fixpickle.rule import Rule, page

TOP = Path(__file__).resolve().parent.parent
PAGES = TOP / "docs" / "rules"
FIXTURES = TOP / "tests" / "fixtures"

Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs the command line in a folder, with these arguments."""

_MARK = re.compile(r'  # (?:finds|left): .*?((?:\\n)?",?|)$', re.MULTILINE)  # what may follow ends a line in JSON
_HEAVY = re.compile(r"  # heavy: .*$", re.MULTILINE)
_NEEDED = re.compile(r"^# needs: python (\d+)\.(\d+)$", re.MULTILINE)
_ENDED = r"\1"
_REPORT = re.compile(r"On Python \d+\.\d+:\n\n```text\n.*?```\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """A fixture: the texts before and after, by path below its folder; equal where the rule edits nothing.

    `options` are what shows it on the command line.
    """

    where: Path
    before: Mapping[str, str]
    after: Mapping[str, str]
    options: tuple[str, ...] = ()


def built_in_rules() -> tuple[Rule, ...]:
    """The rules of the built-in pack, by name; those of other installed packs have their pages elsewhere."""
    return tuple(rule for rule in load_rules() if type(rule).__module__.startswith(f"{BUILT_IN}."))


def example_of(rule: Rule) -> Example:
    """The fixture `example` of a rule, else the first by name, of those that it changes.

    For a rule that edits nothing, of those that it reports; of one that is unsafe, `example.py` and how it is found
    without being measured. Raises LookupError where there is none.
    """
    folder = FIXTURES / rule.name.replace("-", "_")
    if rule.safety is Safety.UNSAFE:
        text = {"example.py": _HEAVY.sub("", (folder / "example.py").read_text("utf-8"))}
        return Example(folder / "example.py", text, text, ("--reach", "any"))
    cases = [path.with_name(path.name.replace(".fixed.py", ".py")) for path in folder.glob("*.fixed.py")]
    cases += [path.parent for path in folder.glob("*/after")]
    if rule.safety is Safety.MANUAL:
        cases = [path for path in folder.glob("*.py") if f"# left: {rule.name}:" in path.read_text("utf-8")]
    if not cases:
        raise LookupError(f"{folder} has no fixture for a page")
    case = min(cases, key=lambda path: (path.stem != "example", path.stem))
    if case.is_dir():
        return Example(case, _texts(case / "before"), _texts(case / "after"))
    fixed = case.with_name(f"{case.stem}.fixed.py")
    after = fixed if fixed.exists() else case
    return Example(case, {case.name: case.read_text("utf-8")}, {case.name: after.read_text("utf-8")})


def _texts(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".ipynb", ".toml"))
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def fixpickle(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, as its users start it."""
    command = [sys.executable, "-m", "fixpickle", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")


def report_of(example: Example, run: Run = fixpickle) -> str:
    """What fixpickle says when it fixes the example and proves it, on the Python that runs this.

    Raises RuntimeError where fixpickle cannot run.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for name, text in example.before.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        options = ["--dry-run", "--python", sys.executable, "--color", "never", *example.options, "."]
        done = run(folder, "apply", *options)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    said = "\n".join(done.stdout.splitlines()[:-1])  # the last line is the summary, with the seconds
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"On Python {version}:\n\n```text\n{said}\n```\n"


def missing(example: Example) -> list[str]:
    """The packages that the example imports and this interpreter does not have, by their top names, sorted; and the
    Python that it says it needs, where this one is older.

    Without them fixpickle would say other things of it than the page does.
    """
    nodes = [
        node
        for path, text in example.before.items()
        if not path.endswith(".toml")
        for node in ast.walk(ast.parse(text))
    ]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    own = {Path(name).parts[0].removesuffix(".py") for name in example.before}
    at_hand = {module.name for module in pkgutil.iter_modules()} | set(sys.stdlib_module_names)
    said = [(int(major), int(minor)) for text in example.before.values() for major, minor in _NEEDED.findall(text)]
    newer = {f"Python {major}.{minor}" for major, minor in said if sys.version_info < (major, minor)}
    return sorted(newer | ({name.partition(".")[0] for name in names} - own - at_hand))


def report_in(text: str) -> str:
    """The report that a page holds, or an empty string."""
    found = _REPORT.search(text)
    return found.group() if found else ""


def report_for(rule: Rule, example: Example) -> str:
    """The report for a rule's page: made anew, or the one on the page where this interpreter lacks what it needs.

    Raises RuntimeError where there is no page yet.
    """
    lacking, path = missing(example), PAGES / f"{rule.name}.md"
    if not lacking:
        return report_of(example)
    kept = report_in(path.read_text("utf-8")) if path.exists() else ""
    if not kept:
        raise RuntimeError(f"the page of {rule.name} has no report yet, and to print one needs {', '.join(lacking)}")
    sys.stderr.write(f"{path.name}: its report stays as it is, to print it needs {', '.join(lacking)}\n")
    return kept


def page_of(rule: Rule, example: Example, report: str) -> str:
    """One rule's page."""
    module = type(rule).__module__.replace(".", "/")
    fixture = example.where.relative_to(TOP).as_posix()
    return (
        f"<!-- Generated by docs/rules.py from codemods/{module}.py and {fixture}; do not edit. -->\n\n"
        f"{page(rule).strip()}\n\n## Example\n\n"
        f"{_shown(example)}\n{report}"
    )


def _shown(example: Example) -> str:
    if example.before == example.after:
        texts = "".join(f"```python\n{_MARK.sub(_ENDED, text)}```\n" for text in example.before.values())
        return f"{texts}\nWhat fixpickle reports, and why it changes nothing:\n"
    return (
        f"```diff\n{''.join(_diff(example))}```\n\n"
        "What fixpickle reports: why it believes that the value is pickled, what was exercised as proof, and what the\n"
        "same exercise ended in before the change.\n"
    )


def _diff(example: Example) -> Iterator[str]:
    for name in sorted({*example.before, *example.after}):
        if name.rpartition("/")[2].startswith("_fixpickle_"):
            continue  # the runtime module, the same for every fix
        old, new = (_lines(texts.get(name, "")) for texts in (example.before, example.after))
        heads = (name if name in example.before else "/dev/null"), (name if name in example.after else "/dev/null")
        yield from difflib.unified_diff(old, new, *heads)


def _lines(text: str) -> list[str]:
    return _MARK.sub(_ENDED, text).splitlines(keepends=True)


def list_of(rules: Sequence[Rule]) -> str:
    """The page that lists them."""
    rows = "".join(f"| [{rule.name}]({rule.name}.md) | {rule.safety.value} | {rule.summary} |\n" for rule in rules)
    return (
        "<!-- Generated by docs/rules.py; do not edit. -->\n\n# Rules\n\n"
        "`fixpickle rules` prints this list, `fixpickle explain RULE` the text of a page.\n\n"
        "| rule | safety | what it finds |\n|---|---|---|\n" + rows
    )


def main() -> None:
    """Write them all, and remove the pages of rules that are gone."""
    rules = built_in_rules()
    pages = {PAGES / "index.md": list_of(rules)}
    for rule in rules:
        example = example_of(rule)
        pages[PAGES / f"{rule.name}.md"] = page_of(rule, example, report_for(rule, example))
    PAGES.mkdir(exist_ok=True)
    for stale in set(PAGES.glob("*.md")) - pages.keys():
        stale.unlink()
    for path, text in pages.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
