"""What a proof does once, though it is asked about often; and what it does not do at all."""

from __future__ import annotations

import ast
import importlib.util
import marshal
import multiprocessing
import os
import py_compile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixpickle import compiled
from fixpickle.check import check
from fixpickle.model import (
    ByExpression,
    ByReference,
    ByState,
    Evidence,
    Finding,
    Ground,
    Origin,
    Patch,
    Proved,
    Reach,
    Refuted,
    Span,
)
from fixpickle.runtime import locks
from fixpickle.verify.attempt import Attempt
from fixpickle.verify.child import exercise
from fixpickle.verify.exchange import Crossed, Failed, Trial
from fixpickle.verify.judge import Try, first, weaker
from fixpickle.verify.launch import Child
from fixpickle.verify.plan import Making, attempts

from .test_probe import ask, error, expression, last
from .test_prove import Tree, tree  # noqa: F401 - the fixture

PAIR = """\
import marshal
import threading


class Pair:
    def __init__(self):
        with open(NOTE, "a") as note:
            note.write("made\\n")
        self.lock = threading.Lock()
        self.rank = lambda row: row
"""
HOOKS = """
    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k != "lock"}

    def __setstate__(self, state):
        vars(self).update(state)
        self.lock = threading.Lock()
"""


def test_one_instance_answers_for_all_its_attributes(tree: Callable[..., Tree], tmp_path: Path) -> None:  # noqa: F811
    note = tmp_path / "note"
    text = f"NOTE = {str(note)!r}\n" + PAIR
    there = tree(m=text, rank="def same(row):\n    return row\n")
    lock = ByState("m", "Pair", "lock", "threading.Lock()", "threading.Lock()")
    rank = ByState("m", "Pair", "rank", "lambda row: row", "same")
    top, end = "import threading\n", "= lambda row: row\n"
    named = [("lambda row: row", "same"), (top, top + "from rank import same\n")]
    verdicts = there.prove(there.patch("m.py", [(end, end + HOOKS)], lock), there.patch("m.py", named, rank))
    assert [type(v) for v in verdicts] == [Proved, Proved]
    assert note.read_text() == "made\n" * 2  # once on each side


def made(manner: str, before: Trial, after: Trial) -> Try:
    subject = ByState("m", "Pair", "lock", "a", "b")
    return Try(replace(ATTEMPTS[manner], subject=subject), before, after)


ATTEMPTS = {
    manner: Attempt(0, number, ByState("m", "Pair", "lock", "a", "b"), manner)  # type: ignore[arg-type]
    for number, manner in enumerate(("factory", "constructor", "obvious", "part"), 1)
}
NOT_BUILT, NOT_DUMPED, THERE = Failed("build", "no"), Failed("dump", "no"), Crossed("")


@pytest.mark.parametrize(
    ("tries", "then"),
    [
        ([made("constructor", NOT_DUMPED, THERE)], []),
        ([made("factory", NOT_DUMPED, THERE), made("constructor", NOT_BUILT, NOT_BUILT)], []),
        ([made("constructor", NOT_DUMPED, NOT_DUMPED)], ["part"]),
        ([made("constructor", THERE, THERE)], ["part"]),
        ([made("constructor", NOT_BUILT, NOT_BUILT)], ["obvious", "part"]),
        ([made("constructor", NOT_BUILT, THERE)], []),
        ([made("constructor", NOT_BUILT, NOT_BUILT), made("obvious", NOT_DUMPED, NOT_DUMPED)], ["part"]),
    ],
)
def test_a_weaker_instance_is_made_where_no_stronger_one_decides(tries: Sequence[Try], then: Sequence[str]) -> None:
    tried = list(ATTEMPTS.values())
    assert [a.manner for a in first(tried)] == ["factory", "constructor"]
    assert [a.manner for a in weaker(tried, tries)] == list(then)


def test_what_another_subject_of_the_patch_decides_is_no_help() -> None:
    other = replace(ATTEMPTS["constructor"], subject=ByReference("m", "f", Origin("f", 1)), manner="")
    assert len(weaker(list(ATTEMPTS.values()), [Try(other, NOT_DUMPED, THERE)])) == 2


def test_the_value_of_an_attribute_is_tried_alone_where_no_instance_that_holds_it_decides() -> None:
    held, other = ByExpression("m", "a", "b"), ByExpression("m", "a", "c")
    alone = [Attempt(0, number, subject) for number, subject in enumerate((held, other), 5)]
    tried = [ATTEMPTS["constructor"], *alone]
    assert first(tried) == [ATTEMPTS["constructor"], alone[1]]
    assert weaker(tried, [made("constructor", NOT_DUMPED, THERE), Try(alone[1], NOT_DUMPED, THERE)]) == []
    for after in (NOT_DUMPED, NOT_BUILT):
        assert weaker(tried, [made("constructor", NOT_DUMPED, after), Try(alone[1], NOT_DUMPED, THERE)]) == [alone[0]]
    elsewhere = replace(alone[0], patch=1)
    assert first([ATTEMPTS["constructor"], elsewhere])[1:] == [elsewhere]


def test_whether_a_module_can_be_imported_is_not_asked_beside_what_begins_with_that(
    tree: Callable[..., Tree],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    put = Child.ask

    def noted(child: Child, request: Any, *more: Any) -> Any:
        asked.extend(task["kind"] for task in request["tasks"])
        return put(child, request, *more)

    monkeypatch.setattr(Child, "ask", noted)
    there = tree(m=f"NOTE = {os.devnull!r}\n" + PAIR, n="import m\n")
    rank = ByReference("m", "same", Origin("<lambda>", 10))
    end = "= lambda row: row\n"
    edits = [(end, "= same\n\n\ndef same(row):\n    return row\n")]
    (verdict,) = there.prove(there.patch("m.py", edits, rank))
    assert isinstance(verdict, Proved) and "import" not in asked
    broken = there.patch("m.py", [*edits, ("import threading\n", "import threading\nimport missing\n")], rank)
    (verdict,) = there.prove(broken)
    assert isinstance(verdict, Refuted) and "No module named 'missing' when importing m" in verdict.reason
    assert "import" not in asked
    (verdict,) = there.prove(there.patch("n.py", [("import m\n", "import m\nimport missing\n")], rank))
    assert isinstance(verdict, Refuted) and "import" in asked


def test_bytecode_is_read_for_a_file_that_is_as_it_is_on_disk_and_for_no_other(tmp_path: Path) -> None:
    path, kept = tmp_path / "m.py", Path(importlib.util.cache_from_source(str(tmp_path / "m.py")))
    path.write_text("X = 2\n")
    stamp = path.stat()
    py_compile.compile(str(path), cfile=str(kept))
    path.write_text("X = 1\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # so the bytecode is taken for that of this text
    bytecode = kept.read_bytes()
    asked = expression("{2: len}[X]")
    assert last(ask(tmp_path, [asked], texts={str(path): "X = 1\n"}))["stage"] == "dumped"
    (tmp_path / "other").mkdir()
    answers = ask(tmp_path / "other", [asked], roots=[str(tmp_path)], texts={str(path): "X = 3\n"})
    assert error(answers) == "KeyError: 3"
    assert kept.read_bytes() == bytecode and list(kept.parent.iterdir()) == [kept]


def test_code_that_was_compiled_to_check_it_is_kept_for_the_proof(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    assert check({}, {path: "X = 1\n"}, ()) == ""
    code = compiled.code_of(str(path), "X = 1\n")
    assert code is not None
    assert marshal.loads(code).co_filename == str(path)
    assert compiled.code_of(str(path), "X = 2\n") is None
    names: dict[str, object] = {}
    exec(marshal.loads(code), names)
    assert names["X"] == 1


def test_no_more_code_is_kept_than_that_of_a_large_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_KEPT", {})
    monkeypatch.setattr(compiled, "_MOST", 2)
    for number in range(3):
        compiled.keep("m.py", f"X = {number}\n", compiled.compiled("m.py", ast.parse(f"X = {number}\n")))
    compiled.keep("m.py", "X = 3\n", compiled.Code(b"of another kind", "1.5"))
    assert compiled.code_of("m.py", "X = 3\n") is None
    assert [compiled.code_of("m.py", f"X = {number}\n") is None for number in range(3)] == [True, False, False]


class Mixed:
    """Its methods are those of two locks: acquiring it twice is possible after a release that frees the other."""

    def __init__(self) -> None:
        self.acquire, self.release = threading.Lock().acquire, threading.RLock().release


class Overridden(type(threading.RLock())):  # type: ignore[misc]
    def acquire(self, *given: Any) -> bool:
        return bool(super().acquire(*given))


def test_a_lock_behaves_as_the_interpreters_own_only_where_its_very_methods_acquire_and_release_it() -> None:
    plain, again = exercise._OWN
    for held, kind in [
        (threading.Lock(), plain),
        (threading.RLock(), again),
        (locks.Lock(), plain),
        (locks.RLock(), again),
        (threading.Condition(threading.Lock()), plain),
        (Mixed(), None),
        (Overridden(), None),
        (multiprocessing.Lock(), None),
    ]:
        assert exercise._own(held) is kind


def test_an_instance_is_used_where_a_constructor_or_a_factory_made_it() -> None:
    span = Span(0, 1, 1, 1)
    finding = Finding("some-rule", Path("/m.py"), span, "message", Reach(Evidence.STATE, ("chain",)))
    patch = Patch(finding, (), subjects=(ByState("m", "Pair", "lock", "a", "b"), ByReference("m", "f", Origin("f", 1))))
    making = Making({"m:Pair": "make:pair"}, used=True)
    tried = attempts([patch], making, Ground((Path("/"),)), ())
    told = {a.manner: a.used for a in tried}
    assert told == {"factory": True, "constructor": True, "obvious": True, "part": False, "": False}
