"""# mismatched-type-name

A type that is made by a call and bound at module level under another name than the one it was given:

    Point = namedtuple("P", "x y")
    _state = enum.Enum("State", "idle running")

Pickle stores an instance by its type's own name, and the module has no such name:

    PicklingError: Can't pickle <class 'module.P'>: attribute lookup P on module failed

## What it becomes

The module gets the type's own name as well, as a second name of the same type, on the line below:

    Point = namedtuple("P", "x y")
    P = Point  # pickle stores instances under this name

Nothing that exists changes: `repr`, `__name__`, and pickles that name the type either way.

A nested class whose name begins with two underscores is an attribute of its class under another, mangled name. It is
told that name by the one attribute that pickle reads:

    class Registry:
        class __Entry:
            __qualname__ = "Registry._Registry__Entry"  # for pickle

From Python 3.15 pickle finds it by itself (gh-77188); there the fix is not needed, and the proof says so.

## What it leaves alone

Types whose two names agree, types that are given `module=` or `qualname=`, what is bound inside a function, and names
that the module has already for the same type. In a package: types with a private name that are only called, and whose
instances nothing public keeps and no function returns; nested classes of private classes that nothing public inherits
from, keeps or returns.

## When it refuses

The name it was given is bound to something else in the module, or is no identifier. The name the type is bound to is
bound more than once, so the second name could lead to another type. A class whose body sets `__qualname__` or
`__module__` to what leads nowhere, or copies it from another class, is reported: its author meant something by it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixpickle.model import ByExpression, Edit, Evidence, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import attached_start, below_statement, line_start
from fixpickle.rule import Workshop
from fixpickle.survey.facts import BoundCall, ClassFacts, Facts
from fixpickle.survey.made_types import TYPE_FACTORIES
from fixpickle.survey.mangling import mangled

_COMMENT = "# pickle stores instances under this name"


class MismatchedTypeName:
    """A type whose own name is not the name it is bound to."""

    name = "mismatched-type-name"
    summary = "instances of a type made under another name than the one it is bound to cannot be pickled"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every type of the module that its own name does not lead to."""
        for made in facts.bound_calls:
            is_type = made.callee in TYPE_FACTORIES and made.given and made.arguments > 1
            if not is_type or made.name == made.given or _names_itself(facts, made):
                continue
            reason = _reason(facts, made)
            # Members of an Enum are had without a call.
            called = "Enum" not in made.callee and "Flag" not in made.callee
            quiet = called and project.exposure.kept_back(facts, made.name, made.instances)
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=made.span,
                message=f"the type `{made.name}` is called `{made.given}`, which its module does not have",
                reach=_reach(facts, made.given, quiet),
                safety=Safety.MANUAL if reason else Safety.SAFE,
                reason=reason,
            )
        yield from self._feigned(project, facts)
        for cls in facts.classes:
            if cls.mangled is not None and not cls.hooks:
                yield Finding(
                    rule=self.name,
                    path=facts.path,
                    span=cls.mangled,
                    message=f"the class {cls.name} is called `{cls.name}`, and bound to `{_mangled(cls.name)}`",
                    reach=_reach(facts, cls.name, not project.exposure.held(facts, cls.name.rpartition(".")[0])),
                )

    def _feigned(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Classes that say they are called otherwise, or stand elsewhere, than pickle could find them."""
        for cls in facts.classes:
            if cls.feigned is None or cls.hooks or _is_found(project, facts, cls):
                continue
            attribute, said, span = cls.feigned
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=span,
                message=f"the class `{cls.name}` sets its `{attribute}` to {said}",
                reach=Reach(Evidence.STATE, (f"instances are stored under what {attribute} says",)),
                safety=Safety.MANUAL,
                reason=f"its `{attribute}` is set by hand, and pickle finds no such class there",
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The type's own name, bound on the line below."""
        facts, text = shop.facts[finding.path], shop.sources[finding.path].text
        cls = next((c for c in facts.classes if c.mangled == finding.span), None)
        if cls is not None:
            return _told(finding, cls.name, facts, text)
        made = next(t for t in facts.bound_calls if t.span == finding.span)
        lines = [f"{made.given} = {made.name}  {_COMMENT}"]
        if made.callee == "dataclasses.make_dataclass":
            lines.append(f"{made.name}.__module__ = __name__  # before Python 3.12 it would be `types`")
        edit = below_statement(finding.path, text, made.span, lines)
        # By the name that is stored: where only a part of the module runs, it is the part that binds it.
        return Patch(finding, (edit,), subjects=(ByExpression(facts.module, made.name, made.given),))


def _reach(facts: Facts, name: str, quiet: bool) -> Reach:
    evidence = Evidence.ANY if quiet else Evidence.STATE
    return Reach(evidence, (f"instances are stored as {facts.module}.{name}",))


def _is_found(project: Project, facts: Facts, cls: ClassFacts) -> bool:
    """Whether pickle would find the class where it says that it is, as far as the project tells."""
    assert cls.feigned is not None
    attribute, said, _ = cls.feigned
    if attribute == "__qualname__":
        bound = any(said.partition(".")[0] in s.binds for s in facts.statements) and "__qualname__" not in said
        return said == cls.name or ("." in cls.name and said == _mangled(cls.name)) or bound
    if said in ("__name__", facts.module):
        return True
    there = [f for f in project.files if f.module == said]
    unknown = not there and not said.endswith(".__module__")
    return unknown or any(cls.name.partition(".")[0] in s.binds for f in there for s in f.statements)


def _mangled(name: str) -> str:
    """The qualified name by which a nested class with a private name is found."""
    *outer, own = name.split(".")
    return ".".join([*outer, mangled(own, outer[-1])])


def _told(finding: Finding, name: str, facts: Facts, text: str) -> Patch | Refusal:
    """The class told its qualified name, above the first statement of its body that is no docstring."""
    start = line_start(text, finding.span.start)
    code = text[start : finding.span.end]
    cls = ast.parse(f"if 1:\n{code}").body[0].body[0]  # type: ignore[attr-defined]
    body = cls.body[1:] if ast.get_docstring(cls) is not None else cls.body
    if not body or body[0].lineno == cls.lineno:
        return Refusal(finding.path, "its body stands on the line of the class", finding.span.line, finding.rule)
    first = min([body[0].lineno, *(d.lineno for d in getattr(body[0], "decorator_list", ()))])
    lines = code.splitlines(keepends=True)
    indent = lines[first - 2][: len(lines[first - 2]) - len(lines[first - 2].lstrip())]
    at = attached_start(text, start + sum(map(len, lines[: first - 2])) + len(indent))
    line = f'{indent}__qualname__ = "{_mangled(name)}"  # for pickle\n\n{indent}'
    edit = Edit(finding.path, at, at + len(indent), line)
    found = _mangled(name)
    return Patch(finding, (edit,), subjects=(ByExpression(facts.module, found, found),))


def _names_itself(facts: Facts, made: BoundCall) -> bool:
    """Whether the module says elsewhere what the type is called: `module=`, `qualname=`, or an alias."""
    aliases = [s for s in facts.statements if made.given in s.binds and made.name in s.reads]
    return bool({"qualname", "module"} & set(made.keywords) or aliases)


def _reason(facts: Facts, made: BoundCall) -> str:
    if not re.fullmatch(r"[^\W\d]\w*", made.given):
        return f"`{made.given}` is no identifier, so the module cannot have it"
    if any(made.given in s.binds for s in facts.statements):
        return f"`{made.given}` is bound to something else in the module"
    if sum(made.name in s.binds for s in facts.statements) > 1:
        return f"`{made.name}` is bound more than once"
    return ""


RULE = MismatchedTypeName()
