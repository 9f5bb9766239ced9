"""# local-class

A class defined inside a function, whose instances are pickled. Pickle stores an instance as the name of its class and
its state, and a name with `<locals>` in it leads nowhere:

    AttributeError: Can't pickle local object 'load.<locals>.Row'

## What it becomes

A private module-level class, placed before the statement it stood in, with everything in its body. Its uses name the
new class.

## What it leaves alone

Classes whose instances stay in the process; nested classes of module-level classes, which pickle since protocol 4.

## When it refuses

It captures variables of the function around it, so every call makes a different class. It is handed on as a class, so
its identity may matter. It has a metaclass, class keywords, decorators other than `dataclass` and the like, or a base
that may keep a register of its subclasses. A statement of its body runs at every call: a mutable attribute that was
fresh each time would be shared.

What can differ: `__name__`, `__qualname__`, and that two calls now make instances of one class.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Kind
from fixpickle_codemods._callables import findings, lifted_patch


class LocalClass:
    """A class defined inside a function, whose instances are pickled."""

    name = "local-class"
    summary = "instances of a class defined in a function cannot be loaded by name"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every class defined inside a function, with its instances' reach."""
        return findings(self.name, Kind.CLASS, "the local class", project, facts)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """Lift it to module level."""
        return lifted_patch(finding, shop)


RULE = LocalClass()
