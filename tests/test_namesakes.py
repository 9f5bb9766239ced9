"""Modules that share a name: each folder of scripts has its own `utils.py`, and a script means the one beside it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixpickle import api, project
from fixpickle.link import namesakes
from fixpickle.model import Proved, RunReport, Source, Unproved
from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.survey import Facts, survey

MAIN = """\
from utils import run


def work(k):
    return run(lambda x: x + k, [1, 2])


if __name__ == "__main__":
    print(work(3))
"""
RUN = """\
from concurrent.futures import {0}


def run(f, xs):
    with {0}(1) as pool:
        return list(pool.map(f, xs))
"""
PROCESSES, THREADS = RUN.format("ProcessPoolExecutor"), RUN.format("ThreadPoolExecutor")


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


def checked(root: Path, files: Mapping[str, str]) -> list[str]:
    """The files in which something is found."""
    write(root, files)
    return [str(one.finding.path.relative_to(root)) for one in api.check([root]).left]


def fixed(root: Path, files: Mapping[str, str]) -> RunReport:
    write(root, files)
    return api.fix([root], {"python": sys.executable})


def test_a_script_calls_the_function_beside_it(tmp_path: Path) -> None:
    files = {"a/main.py": MAIN, "a/utils.py": THREADS, "b/main.py": MAIN, "b/utils.py": PROCESSES}
    assert checked(tmp_path, files) == ["b/main.py"]


def test_what_leads_to_a_shared_name_is_read_in_its_own_folder(tmp_path: Path) -> None:
    through = "from utils import run\n\n\ndef every(f):\n    return run(f, [1])\n"
    main = "from one import every\n\n\ndef work():\n    return every(lambda x: x)\n"
    files = {"a/main.py": main, "a/one.py": through, "a/utils.py": PROCESSES, "b/utils.py": THREADS}
    assert checked(tmp_path, files) == ["a/main.py"]


def test_few_files_of_a_root_are_read_by_themselves_and_few_such_roots_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path, {f"{name}/main.py": MAIN, f"{name}/utils.py": PROCESSES})
    sources = [read(path) for path in sorted(tmp_path.glob("*/*.py"))]
    files = [found for one in sources if isinstance(one, Source) and isinstance(found := survey(one), Facts)]
    monkeypatch.setattr(project, "_ROOTS", 2)
    whole = Project(files)
    seen = [whole.seen_from(facts) for facts in files]
    assert [one.root for one in seen] == [facts.root for facts in files]
    assert seen[0] is seen[1] and whole.seen_from(files[-1]) is seen[-1]
    assert whole.seen_from(files[0]) is not seen[0]  # made again: two others were asked for since
    monkeypatch.setattr(namesakes, "_MOST", 1)
    whole = Project(files)
    assert all(whole.seen_from(facts) is whole for facts in files)


def test_a_package_is_found_from_every_folder(tmp_path: Path) -> None:
    main = MAIN.replace("utils", "shared.utils")
    files = {"a/main.py": main, "b/main.py": main, "shared/__init__.py": "", "shared/utils.py": PROCESSES}
    assert checked(tmp_path, files) == ["a/main.py", "b/main.py"]


def test_a_package_is_still_shipped_by_scripts_that_share_a_name(tmp_path: Path) -> None:
    kept = "import threading\n\n\nclass _Kept:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
    ships = "import pickle\n\nfrom kept.things import _Kept\n\nprint(pickle.dumps(_Kept()))\n"
    files = {"kept/__init__.py": "", "kept/things.py": kept, "a/main.py": ships, "b/main.py": "print(1)\n"}
    assert checked(tmp_path, files) == ["kept/things.py"]


def test_each_is_proved_in_its_own_folder(tmp_path: Path) -> None:
    broken = "import not_installed_anywhere as k\n" + MAIN.replace("def work(k)", "def work()").replace("work(3)", "1")
    files = {"a/main.py": MAIN, "a/utils.py": PROCESSES, "b/main.py": broken, "b/utils.py": PROCESSES}
    report = fixed(tmp_path, files)
    verdicts = {one.patch.finding.path.parent.name: one.verdict for one in report.fixed}
    assert isinstance(verdicts["a"], Proved) and not report.taken_back
    assert isinstance(verdicts["b"], Unproved) and "not_installed_anywhere" in verdicts["b"].reason


def test_the_fixed_scripts_run(tmp_path: Path) -> None:
    files = {"a/main.py": MAIN, "a/utils.py": PROCESSES, "b/main.py": MAIN.replace("+", "*"), "b/utils.py": PROCESSES}
    changes = {c.path.relative_to(tmp_path).as_posix(): c.new for c in fixed(tmp_path, files).changes}
    assert "return x + k" in changes["a/main.py"] and "return x * k" in changes["b/main.py"]
