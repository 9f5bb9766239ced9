"""# rebound-definition

A function that is replaced under its own name at runtime, and then handed to workers. Pickle stores its name alone, so
a worker that imports the module anew finds the function as it was defined:

    def price(grams): ...

    if __name__ == "__main__":
        price = with_tax(price)      # `functools.wraps`: it still says that it is `price`
        pool.map(price, parcels)     # spawned workers compute without the tax, and no error says so

## What it becomes

It is reported and never edited: only the author knows which of the two the workers should run. What helps: a decorator
on the definition, or the same assignment at module level, which workers run when they import the module; or another
name for the replacement, defined at module level.

## What it leaves alone

An assignment at module level outside the main guard: whoever imports the module runs it too. `functools.lru_cache` and
`functools.cache`, whose results are those of the function. A replacement by another function of a module, which pickles
under its own name. What is handed on before it is replaced. Boundaries that ship definitions of `__main__` by value.
What fails at once and says so: a `functools.partial` under the name of the function it holds ("it's not the same object
as"), and what decorators return that copy no name ("Can't pickle local object").
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Evidence, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Crossing, Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Mention, ToCall, ToGlobal, TopStatement
from fixpickle_codemods._top_statements import statement_at

_ADVICE = "bind the replacement at module level, where workers import it, or hand it on under a name of its own"


class ReboundDefinition:
    """A definition that is replaced under its own name, where workers that import its module do not see it."""

    name = "rebound-definition"
    summary = "workers that import the module run a function as it was before it was replaced"
    safety = Safety.MANUAL

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """One finding for each function that is replaced at runtime and handed to other processes."""
        for mention in facts.mentions:
            place = next((s for s in facts.statements if s.kind == "definition" and mention.name in s.binds), None)
            rebound = next(_replacements(project, facts, mention), None)
            if place is None or rebound is None:
                continue
            where = statement_at(facts, rebound.line)
            crossing = next(_later(project, facts, mention, rebound, where), None)
            if crossing is not None:
                yield Finding(
                    rule=self.name,
                    path=facts.path,
                    span=place.span,
                    message=f"`{mention.name}`, replaced at line {rebound.line}, is not what spawned workers run",
                    reach=Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler),
                    safety=self.safety,
                    reason=_ADVICE,
                )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """Never: only the author knows which of the two the workers should run."""
        return Refusal(finding.path, _ADVICE, finding.span.line, finding.rule)


def _replacements(project: Project, facts: Facts, mention: Mention) -> Iterator[ToCall]:
    """Calls that are given the definition, and whose result takes its name where an import of the module does not."""
    for sink in mention.sinks:
        if isinstance(sink, ToCall) and any(isinstance(s, ToGlobal) and s.name == mention.name for s in sink.onward):
            where = statement_at(facts, sink.line)
            delayed = where is not None and (where.kind == "guard" or mention.name in where.global_writes)
            if delayed and _copies_the_name(project, sink.callee):
                yield sink


def _copies_the_name(project: Project, callee: str) -> bool:
    """Whether a decorator of the project says that what it returns is what it was given."""
    symbol = project.real(callee)
    for facts in project.files:
        for one in facts.definitions:
            if f"{facts.module}.{one.owner}" == symbol and "functools.wraps()" in one.decorated:
                return True
    return False


def _later(
    project: Project, facts: Facts, mention: Mention, rebound: ToCall, where: TopStatement | None
) -> Iterator[Crossing]:
    """Boundaries that the definition reaches after it was replaced, as far as lines tell."""
    for sink in mention.sinks:
        if not isinstance(sink, ToCall) or sink == rebound:
            continue
        earlier = where is not None and statement_at(facts, sink.line) == where and sink.line < rebound.line
        for crossing in project.crossings(facts, [sink]):
            by_value = crossing.boundary.by_value and (facts.guard is not None or facts.is_script)
            if not earlier and not by_value:
                yield crossing


RULE = ReboundDefinition()
