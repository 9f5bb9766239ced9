"""The house as it is planned: who imports whom, values that are frozen, one name in five places, short functions."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pickle
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path

import msgspec
import pytest

import fixpickle.model
import fixpickle.survey.facts
from fixpickle.cache.codec import dump, load
from fixpickle.cache.trees import Tree
from fixpickle.model import Settings
from fixpickle.registry import load_rules
from fixpickle.rule import Rule
from fixpickle.survey.facts import Facts

ROOT = Path(__file__).parent.parent
SOURCE, PACK = ROOT / "src" / "fixpickle", ROOT / "codemods" / "fixpickle_codemods"
FILES = sorted([*SOURCE.rglob("*.py"), *PACK.rglob("*.py")])
# Values, and the package under whose name everybody imports them.
VALUES = (fixpickle.model, fixpickle.survey.facts)
WORDS = [
    (values, importlib.import_module(f"{values.__name__}.{path.stem}"))
    for values in VALUES
    for path in sorted(Path(str(values.__file__)).parent.glob("*.py"))
    if path.stem != "__init__"
]

# The parts, and the parts of fixpickle each may import besides itself. The entry points may import anything.
MAY_IMPORT = {
    "model": set[str](),
    "collector": set[str](),
    "notebook": set[str](),
    "source": {"model", "notebook"},
    "discover": {"model"},
    "boundaries": {"model"},
    "settings": {"model", "boundaries", "__version__"},
    "survey": {"collector", "model", "notebook"},
    "write": {"model", "source"},
    "compiled": set[str](),
    "check": {"model", "compiled", "workers"},
    "claims": {"model"},
    "sightings": {"model"},
    "link": {"model", "survey"},
    "project": {"model", "sightings", "survey", "link"},
    "layout": {"project", "survey"},
    "carriers": {"model", "project"},
    "shelf": {"model", "source"},
    "shadows": {"model", "source", "survey"},
    "standing": {"model", "sightings", "project", "shelf", "source", "survey", "workers"},
    "tidying": {"rewrite", "workers"},
    "rewrite": {"model", "survey"},
    "rule": {"model", "survey", "project", "rewrite"},
    "packs": set[str](),
    "cache": {"model", "source", "survey", "packs"},
    "registry": {"rule", "packs"},
    "fixpickle_codemods": {"model", "notebook", "survey", "project", "layout", "rewrite", "rule"},
    "reading": {"model", "discover", "source", "survey", "project", "shelf", "standing", "workers", "cache"},
    "finding": {"model", "notebook", "discover", "sightings", "rule", "project", "survey", "standing"},
    "engine": {"collector", "model", "rule", "project", "standing", "reading", "finding", "carriers", "check", "claims"}
    | {"cache", "shadows", "workers"},
    "verify": {"model", "compiled"},
    "report": {"model", "notebook", "__version__"},
    "trace": {"model"},
    "baseline": {"model"},
    "journal": {"model"},
    "store": {"model", "journal"},
    "workers": set[str](),
    "runtime": set[str](),
}
# Run by their path, in the user's interpreter.
CHILDREN = sorted(
    [
        *(SOURCE / "verify" / f"{name}.py" for name in ("probe", "faults", "leaves", "origins", "whose")),
        *(SOURCE / "verify" / "child").glob("*.py"),
        *(SOURCE / "trace" / "recorder").glob("*.py"),
        SOURCE / "trace" / "hook" / "sitecustomize.py",
    ]
)
ENTRY_POINTS = {"api", "cli", "testing", "__main__", "fixpickle"}

# Other packages, and the only files that may import them.
OUTSIDE = {
    "libcst": {"rewrite", "fixpickle_codemods"},
    "black": {"rewrite/style.py", "rewrite/form.py"},
    "msgspec": {"cache", "model/sources.py", "notebook", "survey/facts/fact.py"},
    "typer": {"cli"},
    "click": {"cli"},
    "pathspec": {"discover"},
    "packaging": {"settings"},
    "jinja2": {"report/html.py"},
    "markupsafe": {"report/html.py"},
    "pygments": {"report/sides.py"},
    "tomllib": {"settings", "survey", "rewrite/form.py"},  # third-party to Python 3.10, and not imported there
    "tomli": {"rewrite/form.py", "settings", "survey/catalogue.py", "survey/moved.py"},
    "joblib": {"runtime", "verify/child/workers.py"},
    "sklearn": {"runtime", "verify/child/workers.py"},
    "pandas": {"runtime", "verify/child/workers.py"},
    "numpy": {"runtime", "verify/child/workers.py"},
    "filelock": {"runtime"},
    "ray": {"runtime", "workers/cluster.py"},
    "tpcp": {"runtime"},
    "cloudpickle": {"verify/child/picklers.py"},
}


def part(path: Path) -> str:
    """The part of the house a file belongs to: `survey`, `model`, `fixpickle_codemods`."""
    if path.is_relative_to(PACK):
        return PACK.name
    first = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "fixpickle" if first == "__init__" else first


def place(path: Path) -> str:
    return path.relative_to(PACK.parent if path.is_relative_to(PACK) else SOURCE).as_posix()


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every dotted name that a file imports, anywhere in it; `from a import b` counts as `a.b`."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # In the user's interpreter the children's folder goes by another name.
            assert not node.level or path in CHILDREN, f"{place(path)}: relative import"
            above = ".".join(("fixpickle", *path.relative_to(SOURCE).parts[: -node.level])) if node.level else ""
            home = ".".join(filter(None, (above, node.module)))
            yield from (f"{home}.{alias.name}" for alias in node.names)


every_file = pytest.mark.parametrize("path", FILES, ids=place)
every_rule = pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.name)


# --- who may import whom --------------------------------------------------------------------------------------------


@every_file
def test_a_part_imports_only_the_parts_it_may(path: Path) -> None:
    own = part(path)
    if own in ENTRY_POINTS:
        return
    for name in imports(path):
        if name.startswith("fixpickle."):
            assert name.split(".")[1] in MAY_IMPORT[own] | {own}, f"{place(path)} imports {name}"


def test_every_part_is_on_the_plan() -> None:
    assert {part(path) for path in FILES} == MAY_IMPORT.keys() | ENTRY_POINTS


@every_file
def test_other_packages_are_imported_only_where_they_are_wrapped(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        if top in ("fixpickle", PACK.name) or top in sys.stdlib_module_names:
            continue
        assert OUTSIDE.get(top, set()) & {part(path), place(path)}, f"{place(path)} imports {name}"


@every_file
def test_rules_import_no_other_rule(path: Path) -> None:
    for name in imports(path):
        if name.startswith(f"{PACK.name}."):
            assert part(path) == PACK.name, f"{place(path)} knows a rule"
            assert name.split(".")[1].startswith("_"), f"{place(path)} imports {name}"


@every_file
def test_no_process_of_ours_runs_user_code(path: Path) -> None:
    if path in CHILDREN or path.name == "testing.py" or part(path) == "runtime":
        return
    assert "pickle" not in set(imports(path))
    dynamic = [name for name in imports(path) if name.split(".")[0] in ("importlib", "runpy")]
    allowed = {
        "importlib",
        "importlib.util.find_spec",  # of packs, which are packages at the top: finding one imports nothing
        "importlib.metadata.entry_points",
        "importlib.resources.files",
        "importlib.metadata.version",
    }
    assert set(dynamic) <= allowed
    # Rule packs are found by their entry points; commands, formats of a report and words by their own names.
    named = ("registry.py", "report/__init__.py", "model/__init__.py", "cli/app.py")
    assert "importlib" not in dynamic or place(path) in named


@pytest.mark.parametrize("child", CHILDREN, ids=place)
def test_nobody_imports_a_child_and_it_needs_the_standard_library_alone(child: Path) -> None:
    name = "fixpickle." + place(child).removesuffix(".py").replace("/", ".")
    others = [path for path in FILES if path not in CHILDREN]
    assert not [path for path in others if any((one + ".").startswith(name + ".") for one in imports(path))]
    houses = ("fixpickle.verify.", "fixpickle.trace.recorder.")
    tops = {name.split(".")[0] for name in imports(child) if not name.startswith(houses)}
    # Those packages are what it pickles with, and it does without them.
    assert tops - set(sys.stdlib_module_names) <= {"cloudpickle", "joblib", "numpy", "pandas", "sklearn"}


# --- values ---------------------------------------------------------------------------------------------------------


def _values() -> list[type]:
    found = [v for _, m in WORDS for v in vars(m).values() if inspect.isclass(v) and v.__module__ == m.__name__]
    return sorted(set(found), key=lambda v: v.__qualname__)


@pytest.mark.parametrize("value", _values(), ids=lambda v: v.__name__)
def test_every_word_is_frozen_and_pickles(value: type) -> None:
    assert issubclass(value, (Enum, msgspec.Struct)) or dataclasses.is_dataclass(value)
    if issubclass(value, msgspec.Struct):
        assert value.__struct_config__.frozen
    elif dataclasses.is_dataclass(value):
        assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert "__slots__" in vars(value)
    made = sample(value)
    assert pickle.loads(pickle.dumps(made)) == made


@pytest.mark.parametrize(("values", "part"), WORDS, ids=lambda module: module.__name__)
def test_every_word_is_found_under_the_name_of_its_package(values: types.ModuleType, part: types.ModuleType) -> None:
    tree = ast.parse(inspect.getsource(part))
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    own |= {t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)}
    assert own
    for name in own:
        if not name.startswith("_"):
            assert getattr(values, name) is getattr(part, name)


@pytest.mark.parametrize("kind", [Facts, Tree, Settings], ids=lambda kind: kind.__name__)
def test_what_the_cache_keeps_comes_back_with_every_field(kind: type) -> None:
    full = sample(kind)
    assert load(kind, dump(full)) == full


def sample(kind: object, depth: int = 0) -> object:
    """Some value of a type with every field filled, down to the depth at which types that hold themselves must end."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return sample(arguments[0], depth)
    if origin is tuple:
        kinds = [k for k in arguments if k is not Ellipsis]
        return tuple(sample(k, depth + 1) for k in kinds) if depth < 2 or len(kinds) == len(arguments) else ()
    if origin is frozenset:
        return frozenset({sample(arguments[0], depth + 1)})
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {sample(arguments[0], depth + 1): sample(arguments[1], depth + 1)}
    assert isinstance(kind, type), kind
    if issubclass(kind, Enum):
        return next(iter(kind))
    if dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct):
        return kind(**{name: sample(hint, depth + 1) for name, hint in typing.get_type_hints(kind).items()})
    return kind("some") if issubclass(kind, (str, Path)) else kind()


# --- one name in five places ----------------------------------------------------------------------------------------


@every_rule
def test_a_rule_has_one_name_in_five_places(rule: Rule) -> None:
    module = inspect.getmodule(type(rule))
    assert module is not None and module.__file__ is not None
    words = rule.name.split("-")
    assert Path(module.__file__).name == "_".join(words) + ".py"
    assert type(rule).__name__ == "".join(word.title() for word in words)
    assert module.RULE is rule
    assert (ROOT / "tests" / "fixtures" / "_".join(words)).is_dir()
    assert (ROOT / "docs" / "rules" / f"{rule.name}.md").is_file()
    assert fixpickle.model.Settings(ROOT, ROOT, select=frozenset({rule.name})).selects(rule.name)


@every_rule
def test_a_rule_says_what_it_does_under_its_name(rule: Rule) -> None:
    module = inspect.getmodule(type(rule))
    assert module is not None and (module.__doc__ or "").startswith(f"# {rule.name}\n")
    assert rule.summary and not rule.summary.endswith(".")


# --- size -----------------------------------------------------------------------------------------------------------


@every_file
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 45, f"{place(path)}:{node.lineno} {node.name} has {length} lines"
