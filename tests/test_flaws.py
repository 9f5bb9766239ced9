"""Flaws in hooks, as the class' own body shows them."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import pytest

from fixpickle.model import Source
from fixpickle.survey import Facts, survey
from fixpickle.survey.facts import ClassFacts, Flaw, Harm


def surveyed(text: str) -> ClassFacts:
    code = textwrap.dedent(text)
    digest = hashlib.sha256(code.encode()).hexdigest()
    source = Source(Path("/p/held.py"), code, "utf-8", "\n", False, digest, "held", Path("/p"))
    facts = survey(source)
    assert isinstance(facts, Facts)
    return facts.classes[-1]


def flaws(text: str) -> list[Flaw]:
    return list(surveyed(text).flaws)


def looked_up(body: str, before: str = "") -> list[tuple[Harm, tuple[str, ...]]]:
    """What is found of a `__getattr__` with that body, in a class that sets `self.held` and `self.other`."""
    text = f"class C:\n{before}    def __init__(self):\n        self.held = self.other = 1\n"
    text += "    def __getattr__(self, name):\n" + textwrap.indent(textwrap.dedent(body), " " * 8)
    return [(f.harm, f.names) for f in flaws(text)]


@pytest.mark.parametrize(
    "body",
    [
        "return getattr(self.held, name)",
        "x = self.held\nreturn x[name]",
        "if name in self.held:\n    return 1\nraise AttributeError(name)",
        "try:\n    return self.held[name]\nexcept KeyError:\n    raise AttributeError(name)",
        "if name == 'other':\n    return 1\nreturn getattr(self.held, name)",
        "if name.startswith('get_'):\n    raise AttributeError(name)\nreturn getattr(self.held, name)",
        "if hasattr(self, 'held'):\n    return 1\nraise AttributeError(name)",
        "return getattr(getattr(self, 'held'), name)",
    ],
)
def test_attribute_that_an_empty_instance_lacks_is_asked_for_without_end(body: str) -> None:
    assert looked_up(body) == [(Harm.ENDLESS, ("held",))]


@pytest.mark.parametrize(
    "body",
    [
        "if name[0] == '_':\n    raise AttributeError(name)\nreturn getattr(self.held, name)",
        "if name[-2:] == '__' or name == 'x':\n    raise AttributeError(name)\nreturn getattr(self.held, name)",
        "if not name.startswith('_'):\n    raise AttributeError(name)\nreturn getattr(self.held, name)",
        "if name == 'held':\n    raise AttributeError(name)\nreturn getattr(self.held, name)",
        "if name in {'held', 'other'}:\n    return None\nreturn getattr(self.held, name)",
        "if known(name):\n    return getattr(self.held, name)\nraise AttributeError(name)",
        "return known(name) and getattr(self.held, name)",
        "return self.__dict__.get('held')",
        "self.load()\nreturn getattr(self.held, name)",
        "try:\n    return getattr(self.held, name)\nexcept:\n    raise AttributeError(name)",
        "if name.startswith(('_', 'x')):\n    raise AttributeError(name)\nreturn getattr(self.held, name)",
        "return lambda: self.held",
        "return super().__getattr__(name)",
    ],
)
def test_lookup_that_ends_is_left_alone(body: str) -> None:
    assert [harm for harm, _ in looked_up(body) if harm is Harm.ENDLESS] == []


def test_attribute_that_the_class_has_ends_the_lookup() -> None:
    assert looked_up("return getattr(self.held, name)", before="    held = None\n") == []
    assert looked_up("return getattr(self.held, name)", before="    held: int\n") == [(Harm.ENDLESS, ("held",))]


def test_asking_for_one_attribute_may_lead_to_another_and_back() -> None:
    body = "if name == 'held':\n    return self.other\nreturn getattr(self.held, name)"
    assert looked_up(body) == [(Harm.ENDLESS, ("other", "held"))]


def test_attribute_that_a_mixin_only_reads_may_be_a_property_elsewhere() -> None:
    assert flaws("class Mixin:\n def __getattr__(self, n):\n  return self.args[n]") == []


def test_private_attributes_are_named_as_stored() -> None:
    (flaw,) = flaws(
        "class _P:\n def f(self):\n  self.__x = 1\n def __getattr__(self, n):\n  return getattr(self.__x, n)"
    )
    assert flaw.names == ("_P__x",)


def test_answers_are_told_as_they_are_written() -> None:
    found = flaws("class D(dict):\n    def __getattr__(self, key):\n        return self[key]\n")
    assert [(f.harm, f.code) for f in found] == [(Harm.ANSWERING, "raises KeyError from `self[key]`")]


def made(body: str) -> list[tuple[Harm, tuple[str, ...]]]:
    text = "class C:\n    def __getstate__(self):\n" + textwrap.indent(textwrap.dedent(body), " " * 8)
    return [(f.harm, f.names) for f in flaws(text)]


def test_state_that_is_not_returned_is_told_with_what_it_leaves_out() -> None:
    assert made("state = self.__dict__.copy()\nstate.pop('a')\ndel state['b']") == [(Harm.SILENT, ("a", "b"))]


@pytest.mark.parametrize(
    "body",
    [
        "state = self.__dict__\nstate['a'] = None\nreturn state",
        "self.a = None\nreturn self.__dict__",
        "del self.a\nreturn self.__dict__.copy()",
        "vars(self).pop('a', None)\nreturn vars(self)",
        "if self.a:\n    del self.__dict__['a']\nreturn self.__dict__",
    ],
)
def test_instance_that_is_changed_is_told(body: str) -> None:
    assert made(body) == [(Harm.DAMAGE, ("a",))]


@pytest.mark.parametrize(
    "body",
    [
        "self.a = 1\nreturn self.__dict__",
        "self.a = None\nreturn {'b': 1}",
        "other.a = None\nreturn self.__dict__",
        "a, self.a = self.a, None\nreturn self.__dict__",
        "self.a = None\nself.save()\nreturn self.__dict__",
        "d = self.__dict__.copy()\nd['a'] = None\nreturn d",
        "d = self.__dict__\nreturn d",
    ],
)
def test_instance_that_is_not_damaged_is_left_alone(body: str) -> None:
    assert made(body) == []


def test_hook_that_hands_everything_on_keeps_no_lock_back() -> None:
    whole = "class C(dict):\n    def __reduce__(self):\n        return f, (), (self.__dict__.copy(), list(self))\n"
    part = whole.replace("self.__dict__.copy()", "self.a")
    assert (surveyed(whole).hooks, surveyed(part).hooks) == ((), ("__reduce__",))
