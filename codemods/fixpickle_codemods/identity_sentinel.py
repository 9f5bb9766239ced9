"""# identity-sentinel

`MISSING = object()` at module level, recognised by `is`, there or in a module that imports it, and stored on instances
or handed to what is pickled. An `object()` can be pickled, and is another one when it is loaded, so that
`value is MISSING` is false there, without an error anywhere.

## What it becomes

The only instance of a small class that pickle stores by the name of the global:

    class _Missing:
        __slots__ = ()

        def __reduce__(self):
            return "MISSING"  # pickle stores the name of the module's global

    MISSING = _Missing()

Copies are the same object from then on, too: `copy.copy(MISSING) is MISSING`.

## What it leaves alone

Objects that nothing compares, that never leave the process as far as can be seen, that are bound more than once, or
bound in a function or class; sentinels made otherwise, as members of an `Enum`, or by `unittest.mock.sentinel`, which
travel by name already.

What can differ: `repr`, and `type(MISSING)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fixpickle.model import ByIdentity, Edit, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import before_statement, free_name
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, ToldApart
from fixpickle_codemods._callables import NOT_REACHED

_CLASS = '''\
class {cls}:
    """The only {name} there is, in every process that it is sent to."""

    __slots__ = ()

    def __reduce__(self):
        return "{name}"  # pickle stores the name of the module's global
'''


class IdentitySentinel:
    """A sentinel that is another object once it was pickled."""

    name = "identity-sentinel"
    summary = "a sentinel that is recognised by identity is another object in the other process"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every `object()` of the module that is compared by identity, also where it is imported, with its reach."""
        for sentinel in facts.sentinels:
            elsewhere = project.telling_apart(f"{facts.module}.{sentinel.name}")
            if not sentinel.compared and not elsewhere:
                continue
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=sentinel.span,
                message=f"the sentinel `{sentinel.name}` is another object once it was pickled",
                reach=project.reach(facts, sentinel.sinks) or _carried_off(project, elsewhere) or NOT_REACHED,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """A class of its own, whose only instance is stored by name."""
        facts, text = shop.facts[finding.path], shop.sources[finding.path].text
        sentinel = next(s for s in facts.sentinels if s.span == finding.span)
        words = [word for word in sentinel.name.split("_") if word]
        cls = free_name("_" + "".join(word.capitalize() for word in words), text, shop.taken[finding.path])
        edits = (
            before_statement(finding.path, text, sentinel.span, _CLASS.format(cls=cls, name=sentinel.name)),
            Edit(finding.path, sentinel.value.start, sentinel.value.end, f"{cls}()"),
        )
        return Patch(finding, edits, subjects=(ByIdentity(facts.module, sentinel.name),))


def _carried_off(project: Project, elsewhere: Sequence[tuple[Facts, ToldApart]]) -> Reach | None:
    """Why plain pickle meets it where a file that imports it puts it."""
    for other, told in elsewhere:
        reach = project.reach(other, told.sinks)
        if reach is not None:
            return replace(reach, chain=(f"imported in {other.path.name}", *reach.chain))
    return None


RULE = IdentitySentinel()
