"""What fixtures cannot show of exception-arguments: what the survey reads, real pools, and every version of Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from fixpickle.check import check
from fixpickle.engine import Ports, run
from fixpickle.model import Edit, Evidence, Finding, Patch, Proved, Reach, Settings, Source, Span
from fixpickle.project import Project
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.source import read
from fixpickle.survey import Facts, survey
from fixpickle.survey.initialisers import ExceptionFacts, Form, Handed, Place
from fixpickle.testing import settle
from fixpickle.verify import examine, prove

RULES = {rule.name: rule for rule in load_rules()}
VERSIONS = [f"python3.{minor}" for minor in range(8, 15)]


def surveyed(text: str) -> Facts:
    found = survey(Source(Path("/m.py"), dedent(text), "utf-8", "\n", False, "", "m", Path("/")))
    assert isinstance(found, Facts), found
    return found


def the_class(body: str, bases: str = "Exception") -> ExceptionFacts:
    """The facts of one class with that `__init__`."""
    lines = dedent(body).strip("\n").replace("\n", "\n    ")
    (found,) = surveyed(f"class Error({bases}):\n    {lines}\n").exceptions
    return found


def handed(body: str) -> tuple[Handed | None, ...]:
    found = the_class(body).initialiser
    assert found is not None and found.readable
    return found.handed


def messages(text: str, reach: Evidence = Evidence.ANY) -> list[str]:
    """What the rule says of a file."""
    facts = surveyed(text)
    rule = RULES["exception-arguments"]
    return [f.message for f in rule.find(Project([facts]), facts) if reach.admits(f.reach.evidence)]


# --- the survey -----------------------------------------------------------------------------------------------------


def test_parameters_come_with_their_kinds_and_whether_they_are_needed():
    found = the_class("def __init__(self, a, /, b: int = 1, *rest, c, d: 'str' = '', **more): pass").initialiser
    assert found is not None
    assert [(p.name, p.place, p.required, p.annotation) for p in found.parameters] == [
        ("a", Place.POSITIONAL, True, ""),
        ("b", Place.POSITIONAL, False, "int"),
        ("rest", Place.REST, False, ""),
        ("c", Place.KEYWORD, True, ""),
        ("d", Place.KEYWORD, False, "str"),
        ("more", Place.KEYWORDS, False, ""),
    ]


@pytest.mark.parametrize(
    ("call", "target"),
    [
        ("super().__init__(a)", "super"),
        ("super(Error, self).__init__(a)", "super"),
        ("Exception.__init__(self, a)", "builtins.Exception"),
        ("self.args = (a,)", "args"),
    ],
)
def test_every_way_to_hand_a_value_on_is_read(call: str, target: str):
    (one,) = handed(f"def __init__(self, a):\n    {call}")
    assert one is not None
    assert (one.target, [v.form for v in one.values], one.complete) == (target, [Form.SAME], True)


def test_whose_constructor_another_super_calls_is_not_known():
    (one,) = handed("def __init__(self, a):\n    super(Exception, self).__init__(a)")
    assert one is not None and one.target == "?"


def test_a_constructor_that_hands_nothing_on_leaves_args_alone():
    assert handed("def __init__(self, a):\n    self.a = a") == (None,)


def test_both_ways_of_a_branch_are_kept_and_one_that_raises_is_not():
    body = """
        def __init__(self, a):
            if a:
                super().__init__(a)
            elif a is None:
                raise ValueError
    """
    found = handed(body)
    assert [one and one.target for one in found] == ["super", None]


@pytest.mark.parametrize(
    ("expression", "form", "whole"),
    [
        ("a", Form.SAME, ""),
        ("str(a)", Form.EITHER, ""),
        ("a or 'x'", Form.EITHER, ""),
        ("f'{a}'", Form.MADE, ""),
        ("f'{a}!'", Form.MADE, "a"),
        ("f'{a:>9}!'", Form.MADE, ""),
        ("'%s!' % a", Form.MADE, "a"),
        ("'%d!' % a", Form.MADE, ""),
        ("'%s %s' % a", Form.MADE, ""),
        ("'%(a)s %(b)s' % {'a': a, 'b': b}", Form.MADE, "ab"),
        ("'{}: {b}'.format(a, b=b)", Form.MADE, "ab"),
        ("'{:>4}'.format(a)", Form.MADE, ""),
        ("_('no %s') % a", Form.MADE, "a"),
        ("'no ' + a", Form.MADE, "a"),
        ("a + b", Form.MADE, ""),
        ("'none: ' + ', '.join(sorted(a))", Form.MADE, "a"),
        ("', '.join(str(x) for x in a)", Form.MADE, "a"),
        ("', '.join(x for x in a if x)", Form.MADE, ""),
        ("''.join(a)", Form.MADE, ""),
        ("repr(a)", Form.MADE, "a"),
        ("a.strip()", Form.MADE, ""),
        ("self.render(a)", Form.OPEN, ""),
        ("other(self)", Form.OPEN, ""),
    ],
)
def test_an_expression_is_read_for_what_stands_in_it_unshortened(expression: str, form: Form, whole: str):
    (one,) = handed(f"def __init__(self, a, b):\n    super().__init__({expression})")
    assert one is not None
    (value,) = one.values
    assert (value.form, value.whole) == (form, frozenset(whole))


def test_names_and_attributes_are_followed_as_they_are_bound():
    body = """
        def __init__(self, a):
            self.a = a
            text = f"no {self.a}"
            text += "!"
            super().__init__(text, self.kind)
    """
    (one,) = handed(body)
    assert one is not None
    assert one.values[0].whole == {"a"}
    assert one.values[1].form is Form.OPEN


def test_what_a_loop_or_a_spread_hands_on_is_not_known():
    assert not any(
        one.complete
        for body in (
            "def __init__(self, a):\n    for b in a:\n        super().__init__(b)",
            "def __init__(self, a):\n    given = (a,)\n    super().__init__(*given)",
            "def __init__(self, *a):\n    a = a[1:]\n    super().__init__(*a)",
        )
        for one in handed(body)
        if one is not None
    )


def test_what_is_sure_to_be_read_of_a_parameter_is_told_from_what_may_be():
    body = """
        def __init__(self, a, b, **more):
            self.x = a.status if a else b.status
            self.y = b and b.text
            self.z = more["needed"] + more.get("other", 0)
            if a:
                self.q = a.code
    """
    found = the_class(body).initialiser
    assert found is not None
    assert found.demands == ()
    assert found.keys == ("needed",)


@pytest.mark.parametrize(
    ("member", "obstacle"),
    [
        ("__slots__ = ('a',)", "slots"),
        ("def __new__(cls, *a): ...", "`__new__`"),
        ("def __setattr__(self, n, v): ...", "`__setattr__`"),
    ],
)
def test_what_an_instance_without_init_may_lack_is_named(member: str, obstacle: str):
    (said,) = the_class(f"{member}\ndef __init__(self, a): pass").obstacles
    assert obstacle in said


def test_empty_slots_are_no_obstacle():
    assert the_class("__slots__ = ()\ndef __init__(self, a): pass").obstacles == ()


def test_classes_that_cannot_be_exceptions_are_not_read():
    (found,) = surveyed("class A(dict):\n    def __init__(self, a):\n        super().__init__(a=a)\n").exceptions
    assert found.initialiser is not None and not found.initialiser.readable


def test_what_is_raised_is_counted():
    facts = surveyed(
        "def f(a):\n    raise E(1, b=2)\n\n\ndef g(a):\n    raise E(*a)\n\n\nclass E(Exception):\n    pass\n"
    )
    assert [(r.symbol, r.count, r.keywords, r.line) for r in facts.raised] == [
        ("m.E", 1, ("b",), 2),
        ("m.E", -1, (), 6),
    ]


# --- what is told ---------------------------------------------------------------------------------------------------


def test_a_private_class_is_reported_only_where_everything_is():
    text = 'class _Skip(Exception):\n    def __init__(self, a, b):\n        super().__init__(f"{a}{b}")\n'
    assert messages(text, Evidence.STATE) == []
    assert len(messages(text, Evidence.ANY)) == 1
    public = "\n\nclass Skip(_Skip):\n    pass\n"
    assert len(messages(text + public, Evidence.STATE)) == 1


@pytest.mark.parametrize(
    ("above", "count"),
    [
        ("class Above(Exception):{}", 1),
        ("class Above(Exception):{}  # fixpickle: ignore[exception-arguments]", 2),
        ("import copyreg\n\n\nclass Above(Exception):{}\n\n\ncopyreg.pickle(Above, print)", 1),
        ("class Above(Exception):\n    __slots__ = 'x'{}", 2),
    ],
)
def test_a_class_speaks_for_those_that_derive_from_it_only_where_it_gets_the_remedy(above: str, count: int):
    """A suppressed one and one that is refused leave the others as broken as they were."""
    init = "\n    def __init__(self, a, b):\n        super().__init__(a)\n"
    below = '\n\nclass Below(Above):\n    def __init__(self, c):\n        super().__init__(f"no {c}", 1)\n'
    head, _, tail = above.partition("{}")
    text = head + init + tail + below if "\n" in tail else head + tail + init + below
    assert len(messages(text)) == count


def test_the_message_says_what_goes_wrong():
    text = """
        class Short(Exception):
            def __init__(self, a, b, c):
                super().__init__(a)

        class Long(Exception):
            def __init__(self):
                super().__init__("text")

        class Twice(Exception):
            def __init__(self, a, b=None):
                super().__init__("%s!" % a)

        class Less(Exception):
            def __init__(self, a, b=None):
                super().__init__("%s!" % b)

        class Keys(Exception):
            def __init__(self, **given):
                self.a = given.pop("a")
                super().__init__("text")
    """
    assert messages(text) == [
        "Short cannot be loaded: its __init__ needs `b`, `c` as well, and is called with 1 value",
        "Long cannot be loaded: its __init__ takes 0 values, and is called with 1 value",
        "Twice is altered when loaded: its __init__ makes its message again from the message, which it is given as `a`",
        "Less is altered when loaded: its __init__ makes its message again, without `b`",
        "Keys cannot be loaded: its __init__ needs `a` by name, and is called with `args` alone",
    ]


# --- the check of a change ------------------------------------------------------------------------------------------


def test_an_insertion_is_about_the_statement_it_stands_in_and_no_other():
    text = "class A:\n    x = 1\n\n\nclass B:\n    x = 1"
    source = Source(Path("/m.py"), text, "utf-8", "\n", False, "", "m", Path("/"))
    reach, span = Reach(Evidence.STATE, ()), Span(0, 5, 1, 1)

    def reason(at: int, new: str) -> str:
        patch = Patch(Finding("r", source.path, span, "", reach), (Edit(source.path, at, at, ""),))
        return check({source.path: source}, {source.path: new}, [patch])

    assert reason(18, text.replace("1\n", "1\n    y = 2\n", 1)) == ""
    assert reason(len(text), text + "\n    y = 2") == ""
    assert "line 5" in reason(18, text + "\n    y = 2")
    assert "line 1" in reason(21, text.replace("1\n", "2\n", 1))


# --- for real -------------------------------------------------------------------------------------------------------

ERRORS = """\
class QuotaError(Exception):
    def __init__(self, user, *, limit):
        super().__init__(f"{user} is over {limit}")
        self.user = user


class Unpaid(QuotaError, KeyError):
    def __init__(self):
        super().__init__("ann", limit=0)


class NoSuchUser(LookupError):
    def __init__(self, name):
        super().__init__(f"no such user: {name}")
"""
POOL = """\
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import errors


def work(number):
    if number == 0:
        raise errors.QuotaError("ann", limit=5)
    if number == 1:
        raise errors.NoSuchUser("bob")
    return number


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        for task in [pool.submit(work, number) for number in (1, 0, 2)]:
            error = task.exception()
            print(type(error).__name__, error or task.result(), type(getattr(error, "__cause__", None)).__name__)
"""
TRIPS = """\
import copy, pickle, sys
import errors

for made in (errors.QuotaError("ann", limit=5), errors.Unpaid(), errors.NoSuchUser("bob")):
    made.args += ("later",)
    made.seen = [1]
    if hasattr(made, "add_note"):
        made.add_note("a note")
    copies = [copy.copy(made), copy.deepcopy(made)]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copies += [pickle.loads(dumps(made, protocol)) for dumps in (pickle.dumps, pickle._dumps)]
    for one in copies:
        assert type(one) is type(made) and one.args == made.args and vars(one) == vars(made), one
        assert str(one) == str(made) and pickle.dumps(one) == pickle.dumps(pickle.loads(pickle.dumps(one)))
print("all arrived")
"""


def write(folder: Path) -> None:
    (folder / "errors.py").write_text(ERRORS)
    (folder / "pool.py").write_text(POOL)
    (folder / "trips.py").write_text(TRIPS)


def fix(folder: Path) -> None:
    settings = Settings(root=folder, python=Path(sys.executable), select=frozenset({"exception-arguments"}))
    ports = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda what, done, total: None)
    report = run([folder / "errors.py"], settings, load_rules(), ports, fix=True)
    assert [type(f.verdict) for f in report.fixed] == [Proved, Proved]
    for change in report.changes:
        change.path.write_text(change.new)


def said(folder: Path, script: str, python: str = sys.executable) -> str:
    done = subprocess.run([python, script], cwd=folder, capture_output=True, text=True, timeout=120)
    return done.stdout if done.returncode == 0 else done.stderr


def test_a_pool_that_one_exception_breaks_gives_every_result_after_the_fix(tmp_path: Path):
    write(tmp_path)
    before = said(tmp_path, "pool.py").splitlines()
    assert before[0] == "NoSuchUser no such user: no such user: bob _RemoteTraceback"
    assert [line.split()[0] for line in before[1:]] == ["BrokenProcessPool", "BrokenProcessPool"]
    fix(tmp_path)
    assert said(tmp_path, "pool.py").splitlines() == [
        "NoSuchUser no such user: bob _RemoteTraceback",
        "QuotaError ann is over 5 _RemoteTraceback",
        "NoneType 2 NoneType",
    ]


def test_what_is_written_holds_for_every_protocol_copy_and_version_of_python(tmp_path: Path):
    write(tmp_path)
    fix(tmp_path)
    for python in [sys.executable, *filter(None, map(shutil.which, VERSIONS))]:
        if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            assert said(tmp_path, "trips.py", python) == "all arrived\n"


def test_an_altered_exception_is_proved_by_what_arrived_before(tmp_path: Path):
    write(tmp_path)
    settings = Settings(root=tmp_path, python=Path(sys.executable), select=frozenset({"exception-arguments"}))
    ports = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda what, done, total: None)
    report = run([tmp_path / "errors.py"], settings, load_rules(), ports, fix=True)
    (verdict,) = [f.verdict for f in report.fixed if "NoSuchUser" in f.patch.finding.message]
    assert verdict == Proved(
        "the value of NoSuchUser('name')",
        "message NoSuchUser: no such user: name arrives as NoSuchUser: no such user: no such user: name",
    )


def test_without_proof_the_same_text_is_written(tmp_path: Path):
    write(tmp_path)
    source = read(tmp_path / "errors.py", explicit=True)
    assert isinstance(source, Source)
    settings = Settings(root=tmp_path, python=Path(sys.executable), select=frozenset({"exception-arguments"}))
    ports = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda what, done, total: None)
    texts = [
        run([source.path], replace(settings, verify=verify), load_rules(), ports, fix=True).changes[0].new
        for verify in (True, False)
    ]
    assert texts[0] == texts[1] and texts[0].count("__reduce__") == 2


STANDS_IN = """\
try:
    from json import JSONDecodeError as Forbidden
except ImportError:

    class Forbidden(ValueError):
        def __init__(self, name, place):
            self.name, self.place = name, place
            super().__init__(f"{name} is forbidden")
"""


def test_the_class_of_a_library_is_not_taken_for_the_one_that_stands_in_for_it(tmp_path: Path) -> None:
    settled = settle({"errors.py": STANDS_IN.encode()}, tmp_path, verify=True)
    assert settled.report.taken_back == ()
    assert [type(one.verdict).__name__ for one in settled.report.fixed] == ["Unproved"]
    assert b"def __reduce__(self)" in settled.files["errors.py"]


@pytest.mark.parametrize(
    ("given", "said"), [("'ada', action='read'", ["`action` by name"]), ("*who, action='read'", []), ("**who", [])]
)
def test_what_is_given_by_name_counts_where_the_other_arguments_are_known(given: str, said: list[str]) -> None:
    found = messages(f"""
        class Denied(Exception):
            def __init__(self, user, action):
                self.user = user

        def check(who):
            raise Denied({given})
        """)
    assert [words in message for message, words in zip(found, said, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(("body", "reason"), [(" user: str", "its class stands on one line"), ("\n    user: str", "")])
def test_a_class_on_one_line_is_left(body: str, reason: str) -> None:
    text = f"from dataclasses import dataclass\n\n\n@dataclass\nclass Denied(Exception):{body}\n\n\n"
    facts = surveyed(text + "def check(who):\n    raise Denied(user=who)\n")
    (found,) = RULES["exception-arguments"].find(Project([facts]), facts)
    assert found.reason == reason
