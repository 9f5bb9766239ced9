"""Objects that are left as they are: found with `--reach any` alone, each with the reason."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import pytest

from fixpickle.model import Evidence, Finding, Safety, Source
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.survey import Facts, survey

RULES = [rule for rule in load_rules() if rule.name in ("bare-lock", "bare-primitive")]


def found(text: str) -> list[Finding]:
    code = "import threading\n" + textwrap.dedent(text)
    digest = hashlib.sha256(code.encode()).hexdigest()
    facts = survey(Source(Path("/p/kept.py"), code, "utf-8", "\n", False, digest, "kept", Path("/p")))
    assert isinstance(facts, Facts)
    return [f for rule in RULES for f in rule.find(Project([facts]), facts)]


def kept(line: str, *, base: str = "", imports: str = "", body: str = "pass") -> str:
    """A class with a lock and that line in its constructor."""
    method = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    constructor = f"    def __init__(self):\n        self.lock = threading.Lock()\n        {line}"
    return f"{imports}\nclass Kept({base}):\n{constructor}\n{method}\n"


ID = "self.seen = {}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (kept("pass", base="socketserver.ThreadingTCPServer", imports="import socketserver"), "it is a socketserver"),
        (
            kept("self.s = HTTPServer(('', 0), None)", imports="from http.server import HTTPServer"),
            "HTTPServer in self.s",
        ),
        (kept("self.t = threading.Thread(target=print)"), "it keeps a threading.Thread in self.t"),
        (kept("self.t = [threading.Thread() for _ in range(3)]"), "it keeps a threading.Thread in self.t"),
        (kept("self.t = {n: threading.Thread() for n in 'ab'}"), "it keeps a threading.Thread in self.t"),
        (kept("self.plan = sched.scheduler()", imports="import sched"), "it keeps a sched.scheduler in self.plan"),
        (kept("self.root = tkinter.Tk()", imports="import tkinter"), "its module drives a display (tkinter)"),
        (kept("pass", body="def __reduce__(self):\n    raise TypeError"), "Kept.__reduce__ raises on purpose"),
        (
            kept("pass", body="def __getstate__(self):\n    'No.'\n    raise TypeError('no')"),
            "Kept.__getstate__ raises",
        ),
        (kept(ID, body="def add(self, x):\n    self.seen[id(x)] = x"), "self.seen of Kept is keyed by id()"),
        (kept(ID, body="def get(self, x):\n    return self.seen.get(id(x))"), "self.seen of Kept is keyed by id()"),
        (
            kept(ID, body="def __contains__(self, x):\n    return id(x) in self.seen"),
            "self.seen of Kept is keyed by id()",
        ),
        (kept(ID, body="def add(self, x):\n    k = id(x)\n    self.seen[k] = x"), "self.seen of Kept is keyed by id()"),
        (kept(ID, body="def add(self, x, n):\n    self.seen[id(x), n] = x"), "self.seen of Kept is keyed by id()"),
        (kept("self.seen = {id(x): x for x in []}"), "self.seen of Kept is keyed by id()"),
    ],
)
def test_what_belongs_to_one_process_is_named_where_anything_is_asked_for(text: str, reason: str) -> None:
    (finding,) = found(text)
    assert finding.reach.evidence is Evidence.ANY
    assert finding.safety is Safety.MANUAL
    assert reason in finding.reason


@pytest.mark.parametrize(
    "text",
    [
        kept("self.t = []"),
        kept(ID, body="def add(self, x, id):\n    self.seen[id(x)] = x"),
        kept(ID, body="def add(self, x):\n    self.seen['x'] = id(x)"),
        kept(ID, body="def add(self, x):\n    seen = {}\n    seen[id(x)] = x"),
        kept(ID, body="def add(self, x):\n    return self.seen.get('x', id(x))"),
        kept("pass", body="def __setstate__(self, state):\n    raise TypeError"),
    ],
)
def test_what_only_looks_like_it_is_fixed_as_before(text: str) -> None:
    (finding,) = found(text)
    assert (finding.reach.evidence, finding.reason) == (Evidence.STATE, "")


def test_a_hook_that_leaves_the_keys_out_makes_them_harmless() -> None:
    body = """
        def __getstate__(self):
            state = self.__dict__.copy()
            state["seen"] = {}
            return state

        def get(self, x):
            return self.seen.get(id(x))
    """
    (finding,) = found(kept(ID, body=body))
    assert finding.reason == ""


def test_a_lock_of_a_base_stays_for_the_keys_of_a_class_below_it() -> None:
    below = "class Below(Kept):\n    def get(self, x):\n        return self.memo.get(id(x))\n"
    (finding,) = found(kept("pass") + below)
    assert finding.reason == "self.memo of Below is keyed by id(), which means nothing in another process"


def test_a_hook_that_raises_in_a_base_is_not_asked_where_the_class_has_its_own() -> None:
    base = "class Base:\n    def __reduce__(self):\n        raise TypeError\n\n"
    own = "def __reduce__(self):\n    return Kept, ()"
    assert found(base + kept("pass", base="Base", body=own)) == []
