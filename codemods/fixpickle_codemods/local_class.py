"""# local-class

A class defined inside a function, whose instances are pickled. Pickle stores an instance as the name of its class and
its state, and a name with `<locals>` in it leads nowhere:

    AttributeError: Can't pickle local object 'load.<locals>.Row'

## What it becomes

A private module-level class, placed before the statement it stood in, with everything in its body and type parameters
of its own. Its uses name the new class. A type that a call makes (`Point = namedtuple("Point", "x y")`, functional
`Enum`, `NamedTuple`, `TypedDict`, `make_dataclass`, `type`) moves to module level as it is, because its own name must
be the module's.

## What it leaves alone

Classes whose instances stay in the process, or are to fail in a block of `pytest.raises`; nested classes of
module-level classes, which pickle since protocol 4.

## When it refuses

It captures variables of the function around it, or type parameters, so every call makes a different class. It is handed
on as a class, so its identity may matter. It has a metaclass, class keywords, decorators other than `dataclass` and the
like, or a base that may keep a register of its subclasses. A statement of its body runs at every call: a mutable
attribute that was fresh each time would be shared. A type made by a call is given another name than the one it is bound
to, is made of something that need not be the same at every call, or its name is the module's already, or what another
function calls a type of its own.

What can differ: `__name__`, `__qualname__`, and that two calls now make instances of one class, which is never
collected.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

from fixpickle.model import ByExpression, Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import attached_start, before_statement, line_end, without_statement
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Kind
from fixpickle_codemods._callables import NOT_REACHED, findings, lifted_patch


class LocalClass:
    """A class defined inside a function, whose instances are pickled."""

    name = "local-class"
    summary = "instances of a class defined in a function cannot be loaded by name"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every class defined, or type made by a call, inside a function, with its instances' reach."""
        yield from findings(self.name, Kind.CLASS, "the local class", project, facts)
        for made in facts.made_types:
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=made.span,
                message=f"the type `{made.name}` that {made.owner} makes cannot be pickled by name",
                reach=project.reach(facts, made.sinks) or NOT_REACHED,
                safety=Safety.MANUAL if made.reason else Safety.SAFE,
                reason=made.reason,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """Lift it to module level."""
        facts, text = shop.facts[finding.path], shop.sources[finding.path].text
        made = next((m for m in facts.made_types if m.span == finding.span), None)
        if made is None:
            return lifted_patch(finding, shop)
        start, end = attached_start(text, made.span.start), line_end(text, made.span.end)
        code = textwrap.dedent(text[start:end].replace("\r\n", "\n"))
        statement = text[made.span.start : made.span.end]
        if ast.dump(ast.parse(code)) != ast.dump(ast.parse(statement)):
            return Refusal(finding.path, "another statement stands on its line", finding.span.line, finding.rule)
        value = statement.partition("=")[2].strip()
        edits = (
            before_statement(finding.path, text, made.statement, code),
            without_statement(finding.path, text, made.span),
        )
        return Patch(finding, edits, subjects=(ByExpression(facts.module, value, made.name),))


RULE = LocalClass()
