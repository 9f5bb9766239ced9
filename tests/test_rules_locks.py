"""What fixtures cannot show of bare-lock, bare-primitive and stateless-delayed: settings, other libraries, old ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from fixpickle.model import Edit, Finding, Patch, Refusal, Settings, Source, WorkerState
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.rewrite import import_line
from fixpickle.rule import Workshop
from fixpickle.source import apply_edits, read
from fixpickle.survey import Facts, survey

RULES = {rule.name: rule for rule in load_rules()}
KEPT = """
    import threading

    class Kept:
        def __init__(self):
            self.lock = threading.Lock()
"""
PAIR = """
    import sklearn
    from joblib import Parallel, delayed

    def run(f, numbers):
        return Parallel(n_jobs=2)(delayed(f)(x) for x in numbers)
"""


@pytest.fixture
def shop(tmp_path: Path):
    """A workshop over files, given by their paths below an empty folder."""

    def make(files: dict[str, str], **settings: object) -> Workshop:
        sources: dict[Path, Source] = {}
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"))
            source = read(path, explicit=True)
            assert isinstance(source, Source)
            sources[path] = source
        facts = {path: found for path, source in sources.items() if isinstance(found := survey(source), Facts)}
        chosen = replace(Settings(root=tmp_path, python=Path(sys.executable)), **settings)
        return Workshop(Project(facts.values()), sources, chosen, facts)

    return make


def found(shop: Workshop, rule: str) -> list[Finding]:
    return [f for facts in shop.project.files for f in RULES[rule].find(shop.project, facts)]


def fixed(shop: Workshop, rule: str) -> tuple[str, Patch]:
    """The text of the file with the one finding of the rule, once fixed, and the patch."""
    (finding,) = found(shop, rule)
    patch = RULES[rule].fix(finding, shop)
    assert isinstance(patch, Patch), patch
    return apply_edits(shop.sources[finding.path].text, patch.edits, "\n"), patch


# --- where the runtime comes from -----------------------------------------------------------------------------------


def test_as_a_dependency_the_runtime_is_imported_and_no_file_comes_along(shop):
    text, patch = fixed(shop({"kept.py": KEPT}, runtime="package"), "bare-lock")
    assert "from fixpickle.runtime import locks as _fixpickle_locks\n" in text
    assert "self.lock = _fixpickle_locks.Lock()" in text
    assert patch.new_files == ()


def test_as_a_dependency_the_pair_is_imported_by_its_names(shop):
    text, patch = fixed(shop({"run.py": PAIR.replace("import sklearn", "")}, runtime="package"), "stateless-delayed")
    assert "from fixpickle.runtime.parallel import Parallel, delayed\n" in text
    assert patch.new_files == ()


def test_the_dependency_that_a_file_already_imports_is_used(shop):
    header = "    from fixpickle.runtime import locks\n"
    text, patch = fixed(shop({"kept.py": header + KEPT}, runtime="package"), "bare-lock")
    assert "self.lock = locks.Lock()" in text
    assert len(patch.edits) == 1


def test_an_import_inside_a_function_is_no_import_of_the_module(shop):
    late = "\n    def other():\n        import _fixpickle_locks\n        return _fixpickle_locks\n"
    made = shop({"kept.py": KEPT + late})
    (finding,) = found(made, "bare-lock")
    refusal = RULES["bare-lock"].fix(finding, made)
    assert isinstance(refusal, Refusal)
    assert "already used" in refusal.reason


def test_a_file_of_a_namespace_package_imports_as_it_does_already(shop):
    made = shop({"space/kept.py": "    from . import other\n" + KEPT, "space/other.py": ""})
    text, patch = fixed(made, "bare-lock")
    assert "from . import _fixpickle_locks\n" in text
    assert [new.path.parent.name for new in patch.new_files] == ["space"]


@pytest.mark.parametrize(
    "user",
    ["from space.kept import Kept", "from space import kept", "import space.kept as kept", "import space.kept"],
)
def test_a_file_that_is_imported_from_a_namespace_package_is_refused(shop, user):
    made = shop({"space/kept.py": KEPT, "main.py": user})
    (finding,) = found(made, "bare-lock")
    refusal = RULES["bare-lock"].fix(finding, made)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "main.py imports it as space.kept, and space has no __init__.py"


def test_nothing_is_found_in_the_runtime_that_was_copied(shop):
    source = Path(__file__).parent.parent / "src" / "fixpickle" / "runtime" / "parallel.py"
    assert found(shop({"_fixpickle_parallel.py": source.read_text()}), "bare-lock") == []


# --- libraries that are not installed here --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("import attr", "lock = attr.ib(factory=Lock)"),
        ("import attrs", "lock = attrs.field(factory=Lock)"),
        ("import attr", "lock = attr.ib(default=attr.Factory(Lock))"),
        ("from attrs import field", "lock: object = field(init=False, factory=lambda: Lock())"),
        ("from pydantic import PrivateAttr", "_lock = PrivateAttr(default_factory=Lock)"),
    ],
)
def test_fields_of_other_libraries_are_kept_on_instances(shop, header, field):
    text = f"    from threading import Lock\n    {header}\n\n    class Job:\n        {field}\n"
    after, _ = fixed(shop({"job.py": text}), "bare-lock")
    assert f"class Job:\n    {field.replace('Lock', '_fixpickle_locks.Lock')}\n" in after


def test_instances_of_a_local_class_carry_a_lock_only_where_they_are_shipped_by_value(shop):
    body = """
        import threading, cloudpickle

        def local(x):
            class Gate:
                def __init__(self):
                    self.lock = threading.Lock()
            return {0}
    """
    assert found(shop({"local.py": body.format("x")}), "bare-lock") == []
    (finding,) = found(shop({"local.py": body.format("cloudpickle.dumps(Gate())")}), "bare-lock")
    assert finding.reach.pickler == "cloudpickle"


# --- the pair -------------------------------------------------------------------------------------------------------


def interpreter(folder: Path, *modules: str) -> Path:
    """The path of an interpreter that has a scikit-learn with those modules, and nothing behind it."""
    utils = folder / "lib" / "python3.9" / "site-packages" / "sklearn" / "utils"
    utils.mkdir(parents=True)
    for name in modules:
        (utils / name).write_text("class Parallel:\n    pass\n" if name == "parallel.py" else "")
    return folder / "bin" / "python"


def test_projects_that_use_scikit_learn_get_its_pair(shop, tmp_path):
    python = interpreter(tmp_path / "venv", "parallel.py", "fixes.py")
    text, patch = fixed(shop({"run.py": PAIR}, python=python), "stateless-delayed")
    assert "from sklearn.utils.parallel import Parallel, delayed\n" in text
    assert patch.new_files == ()
    assert [s.state for s in patch.subjects if isinstance(s, WorkerState)] == ["sklearn"]
    assert any("1.3" in note for note in patch.notes)


def test_a_scikit_learn_without_the_pair_is_passed_over(shop, tmp_path):
    python = interpreter(tmp_path / "venv", "fixes.py")
    text, patch = fixed(shop({"run.py": PAIR}, python=python), "stateless-delayed")
    assert "from _fixpickle_parallel import Parallel, delayed\n" in text
    assert [s.state for s in patch.subjects if isinstance(s, WorkerState)] == ["decimal"]


def test_a_name_spelled_out_brings_one_import_of_both(shop):
    text = """
        import joblib

        def run(f, numbers):
            return joblib.Parallel(n_jobs=2)(joblib.delayed(f)(x) for x in numbers)
    """
    after, _ = fixed(shop({"run.py": text}), "stateless-delayed")
    assert after.count("import") == 2
    assert "from _fixpickle_parallel import Parallel, delayed\n" in after
    assert "return Parallel(n_jobs=2)(delayed(f)(x) for x in numbers)" in after


def test_an_import_decided_on_inside_a_function_is_refused(shop):
    text = """
        def run(f, numbers):
            try:
                from joblib import Parallel, delayed
            except ImportError:
                return [f(x) for x in numbers]
            return Parallel(n_jobs=2)(delayed(f)(x) for x in numbers)
    """
    made = shop({"run.py": text})
    (finding,) = found(made, "stateless-delayed")
    refusal = RULES["stateless-delayed"].fix(finding, made)
    assert isinstance(refusal, Refusal)
    assert refusal.line == 3


# --- where an import goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "after"),
    [
        ("", "import os", "import os\n"),
        ("# a comment", "import os", "# a comment\nimport os\n"),
        ('"""doc"""', "import os", '"""doc"""\n\nimport os\n'),
        ("x = 1\n", "import os", "import os\n\nx = 1\n"),
        ("#!/bin/python\nx = 1\n", "import os", "#!/bin/python\nimport os\n\nx = 1\n"),
        ("# about x\nx = 1\n", "import os", "import os\n\n# about x\nx = 1\n"),
        ("# coding: utf-8\nx = 1\n", "import os", "# coding: utf-8\nimport os\n\nx = 1\n"),
        ("import sys\n", "import os", "import os\nimport sys\n"),
        ("import sys", "import os", "import os\nimport sys"),
        ("import os", "import sys", "import os\nimport sys\n"),
        ("import abc\nimport zlib\n", "import os", "import abc\nimport os\nimport zlib\n"),
        ("import zlib\nimport abc\n", "import os", "import zlib\nimport abc\nimport os\n"),
        ("# about it all\nimport zlib\n", "import os", "# about it all\nimport os\nimport zlib\n"),
        (
            "import zlib\nfrom typing import Any\n",
            "from re import sub",
            "import zlib\nfrom re import sub\nfrom typing import Any\n",
        ),
        (
            "import abc\nfrom os import sep\nimport zlib\n",
            "import re",
            "import abc\nfrom os import sep\nimport re\nimport zlib\n",
        ),
        ("from .b import c\n", "from .a import x", "from .b import c\nfrom .a import x\n"),
        ("import numpy\n", "import os", "import os\n\nimport numpy\n"),
        ("import os,sys\n", "from . import x", "import os,sys\n\nfrom . import x\n"),
        ("from .a import b\n", "from . import x", "from .a import b\nfrom . import x\n"),
        ("import os  # why\n", "import re", "import os  # why\nimport re\n"),
        ("from os import (\n    sep,\n)\n", "import re", "import re\nfrom os import (\n    sep,\n)\n"),
        ("import os; import sys\n", "import re", "import re\n\nimport os; import sys\n"),
        ("def f():\n    pass\n", "import re", "import re\n\n\ndef f():\n    pass\n"),
        (
            "from __future__ import annotations; import os\n",
            "import re",
            "from __future__ import annotations; import re; import os\n",
        ),
        (
            "from __future__ import annotations; x = 1\n",
            "import re",
            "from __future__ import annotations; import re; x = 1\n",
        ),
        ('"""doc"""; x = 1\n', "import re", '"""doc"""; import re; x = 1\n'),
    ],
)
def test_an_import_stands_with_its_kind_and_behind_what_must_come_first(shop, text, line, after):
    made = shop({"module.py": ""})
    (path,) = made.sources
    source = replace(made.sources[path], text=text)
    facts = survey(source)
    assert isinstance(facts, Facts)
    edit = import_line(facts, source, line)
    assert isinstance(edit, Edit)
    result = apply_edits(text, [edit], "\n")
    compile(result, "module.py", "exec")
    assert result == after


# --- fields of attrs, which is not installed where the fixtures run --------------------------------------------------

ATTRS = """
    import attr
    import attrs
    from threading import Lock

    @attr.s
    class Old:
        first = attr.ib(default=attr.Factory(Lock))
        second = attr.ib(factory=Lock, repr=False)
        third = attr.ib(default=attr.Factory(lambda self: Lock(), takes_self=True))
        fourth = attr.ib()
        kind = attr.ib(default=Lock)

        @fourth.default
        def _fourth(self):
            return Lock()

    @attrs.define
    class New:
        first: Lock = attrs.field(factory=Lock)
        second: Lock = attrs.Factory(Lock)
        third: Lock = attrs.field(factory=lambda: Lock())
        kind: type = attrs.field(default=Lock)
"""


def test_every_spelling_of_a_default_of_attrs_is_found_and_a_type_that_is_the_default_is_not(shop):
    named = {f.message.split()[2] for f in found(shop({"fields.py": ATTRS}), "bare-lock")}
    old = {f"Old.{name}" for name in ("first", "second", "third", "fourth")}
    assert named == old | {f"New.{name}" for name in ("first", "second", "third")}
