"""The harness for rule authors: fixtures on disk, the engine run over them, and a real crossing between interpreters.

A fixture is `<case>.py` in a folder named after its rule, with `<case>.fixed.py` beside it where it changes; a case of
several files is a folder `<case>/before` and, where it changes, `<case>/after`. What is expected is marked on the line
where a finding starts: `# finds: rule` for one that is fixed, `# left: rule: words of the reason` for one that is not.
A changed case defines `subject()`, which gives the object to pickle, and `behave(obj)`, which gives a value that shows
how it behaves, in the file itself or, for several files, in a file `probe.py`; `PICKLER = "cloudpickle"` pickles with
that, functions of the module by value. A case that has nothing to cross says why in a comment `# no subject: why`.
"""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fixpickle.engine import Ports, run
from fixpickle.model import Finding, Patch, Refusal, RunReport, Safety, Settings, Source
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.report.diff import unified
from fixpickle.rewrite.style import tidy
from fixpickle.rule import NotebookRule, Rule, Workshop
from fixpickle.shelf import Shelf
from fixpickle.source import encode, read
from fixpickle.standing import Standing
from fixpickle.survey import Facts, survey
from fixpickle.verify import examine, prove

Files = Mapping[str, bytes]
"""File contents by their path below a folder, with `/`."""

RUNTIME = re.compile(r"\b_fixpickle_\w+")
_MARK = re.compile(r"#\s*(finds|left):\s*([\w-]+)(?::[ \t]*([^#\r\n]*))?")
_IN_JSON = re.compile(r'(?:\\n)?",?$')  # what ends a line of code where a notebook holds it
_PORTS = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda what, done, total: None)


@dataclass(frozen=True, slots=True, eq=False)
class Fixture:
    """One case of one rule. `after` is `before` where nothing may change; `probe` names the module to exercise."""

    rule: str
    case: str
    before: Files
    after: Files
    probe: str

    @property
    def changes(self) -> bool:
        return self.before != self.after

    @property
    def crosses(self) -> bool:
        """Whether there is something to pickle; a changed case without says so."""
        return self.changes and not any(b"# no subject:" in data for data in self.before.values())

    def __str__(self) -> str:
        return f"{self.rule}-{self.case}"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What is expected, or was found, on a line. `reason` is empty for a finding that is fixed."""

    path: str
    line: int
    rule: str
    reason: str = ""

    def meets(self, found: Mark) -> bool:
        """Whether `found` is what this mark says; the words of a reason may be any part of it."""
        same = (self.path, self.line, self.rule) == (found.path, found.line, found.rule)
        return same and bool(self.reason) == bool(found.reason) and self.reason in found.reason


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What a run did: its report, every file as it would then be, new ones included, and the patch as printed."""

    report: RunReport
    files: Files
    diff: bytes

    def left(self) -> list[Mark]:
        """The findings that are left, at their lines in `files`."""
        return sorted(_mark(x.finding, self.report.root, x.reason or "found") for x in self.report.left)


@dataclass(frozen=True, slots=True)
class Crossing:
    """What became of a subject. `error` is empty where it crossed; `here` and `there` are what `behave` gave.

    They are None where it was not reached: `subject()` itself raised, or the parcel could not be loaded.
    """

    error: str
    here: object
    there: object = None


# --- fixtures -------------------------------------------------------------------------------------------------------


def fixtures(root: Path) -> tuple[Fixture, ...]:
    """Every fixture below `root`, which holds one folder for each rule."""
    folders = sorted(f for f in root.iterdir() if f.is_dir())
    return tuple(fixture for folder in folders for fixture in _of_rule(folder))


def _of_rule(folder: Path) -> Iterator[Fixture]:
    rule = folder.name.replace("_", "-")
    for path in sorted(folder.iterdir()):
        if path.is_dir() and (path / "before").is_dir():
            before = _files(path / "before")
            after = _files(path / "after") if (path / "after").is_dir() else before
            yield Fixture(rule, path.name, before, after, "probe")
        elif path.suffix == ".py" and not path.name.endswith(".fixed.py"):
            before = {path.name: path.read_bytes()}
            fixed = path.with_suffix(".fixed.py")
            after = {path.name: fixed.read_bytes()} if fixed.exists() else before
            yield Fixture(rule, path.stem, before, after, path.stem)


def _files(folder: Path) -> dict[str, bytes]:
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def marks(files: Files) -> list[Mark]:
    """What the comments in `files` say is to be found."""
    found: list[Mark] = []
    for path, data in files.items():
        for number, line in enumerate(data.decode("utf-8-sig").split("\n"), 1):
            line = _IN_JSON.sub("", line) if path.endswith(".ipynb") else line
            for kind, rule, words in _MARK.findall(line):
                found.append(Mark(path, number, rule, words.strip() if kind == "left" else ""))
    return sorted(found)


def without_runtime(files: Files) -> dict[str, bytes]:
    """The files without the runtime modules a fix brings along, which fixtures do not repeat."""
    return {path: data for path, data in files.items() if not RUNTIME.match(path.rpartition("/")[2])}


def mismatch(expected: list[Mark], found: list[Mark]) -> str:
    """The first mark that has no finding, or finding that has no mark; empty where they agree."""
    unmet = list(found)
    for mark in expected:
        meeting = next((f for f in unmet if mark.meets(f)), None)
        if meeting is None:
            return f"marked but not found: {mark}; found: {found}"
        unmet.remove(meeting)
    return f"found but not marked: {unmet[0]}" if unmet else ""


# --- the engine -----------------------------------------------------------------------------------------------------


@cache
def _rules() -> tuple[Rule, ...]:
    """All rules, looked up once: for that the metadata of every installed package is read."""
    return load_rules()


def write(files: Files, folder: Path) -> None:
    """Puts the files below the folder."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def find(files: Files, folder: Path) -> list[Mark]:
    """What all rules find in `files`, put below `folder`, at default reach."""
    write(files, folder)
    settings = Settings(root=folder, python=Path(sys.executable))
    report = run([folder], settings, _rules(), _PORTS, fix=False)
    return sorted(_mark(x.finding, folder, x.reason) for x in report.left)


def settle(files: Files, folder: Path, *, verify: bool = False) -> Settled:
    """All rules run over `files`, put below `folder`, under default settings. Nothing there is changed."""
    write(files, folder)
    settings = Settings(root=folder, python=Path(sys.executable), verify=verify)
    report = run([folder], settings, _rules(), _PORTS, fix=True)
    after = dict(files)
    sources: dict[Path, Source] = {}
    for change in report.changes:
        source = read(change.path, explicit=True) if change.old is not None else None
        if isinstance(source, Source):
            sources[change.path] = source
        data = encode(change.new, source) if isinstance(source, Source) else change.new.encode()
        assert not isinstance(data, Refusal), data
        after[change.path.relative_to(folder).as_posix()] = data
    return Settled(report, after, unified(report.changes, folder, sources))


def patches(files: Files, folder: Path) -> tuple[Standing, list[Patch]]:
    """Every fix that any rule offers for `files`, put below `folder`, whatever its reach, and what they stand on."""
    write(files, folder)
    read_in = [read(folder / path, explicit=True) for path in files if path.endswith((".py", ".ipynb"))]
    sources = {s.path: s for s in read_in if isinstance(s, Source)}
    surveyed = {path: survey(source) for path, source in sources.items()}
    facts = {path: found for path, found in surveyed.items() if isinstance(found, Facts)}
    settings = Settings(root=folder, python=Path(sys.executable))
    shop = Workshop(Project(facts.values()), sources, settings, facts)
    made = [
        rule.fix(finding, shop)
        for one in shop.project.files
        for rule in _rules()
        if isinstance(rule, NotebookRule) or not one.cells
        for finding in rule.find(shop.project, one)
        if finding.fixable and finding.safety is not Safety.MANUAL
    ]
    return Standing(Shelf(sources), Shelf(sources), facts, shop.project), [p for p in made if isinstance(p, Patch)]


def _mark(finding: Finding, root: Path, reason: str) -> Mark:
    return Mark(finding.path.relative_to(root).as_posix(), finding.span.line, finding.rule, reason)


# --- crossing -------------------------------------------------------------------------------------------------------

# Run in a fresh interpreter, in the folder of the files. Standard library alone, but for the module it exercises.
_CHILD = """
import importlib, pickle, sys
mode, name, parcel = sys.argv[1:]
module = importlib.import_module(name)
pickler = pickle
if getattr(module, "PICKLER", "pickle") == "cloudpickle":
    import cloudpickle as pickler
    pickler.register_pickle_by_value(module)
if mode == "load":
    with open(parcel, "rb") as file:
        data = file.read()
    try:
        obj = pickle.loads(data)
    except Exception as error:
        answer = (f"{type(error).__name__}: {error}", None)
    else:
        answer = ("", module.behave(obj))
else:
    obj = None
    try:
        obj = module.subject()
        with open(parcel, "wb") as file:
            file.write(pickler.dumps(obj))
    except Exception as error:
        answer = (f"{type(error).__name__}: {error}", None if obj is None else module.behave(obj))
    else:
        answer = ("", module.behave(obj))
sys.stdout.flush()
with open(parcel + "." + mode, "wb") as file:
    pickle.dump(answer, file)
"""


def cross(files: Files, probe: str, folder: Path, python: str = sys.executable) -> Crossing:
    """`subject()` of the module `probe`, pickled in one fresh interpreter and loaded in another.

    Raises CalledProcessError where an interpreter fails otherwise than in pickling or loading.
    """
    write(files, folder)
    error, here = _child(python, "dump", probe, folder)
    if error:
        return Crossing(error, here)
    error, there = _child(python, "load", probe, folder)
    return Crossing(error, here, there)


def _child(python: str, mode: str, probe: str, folder: Path) -> tuple[str, object]:
    parcel = folder / "parcel.pickle"
    command = [python, "-c", _CHILD, mode, probe, str(parcel)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    error, shown = pickle.loads(Path(f"{parcel}.{mode}").read_bytes())
    return str(error), shown
