"""Which statement of a module's top level something stands in."""

from __future__ import annotations

from fixpickle.survey.facts import Facts, TopStatement


def within(offset: int, statement: TopStatement) -> bool:
    """Whether the character at that offset belongs to the statement."""
    return statement.span.start <= offset < statement.span.end


def statement_at(facts: Facts, line: int) -> TopStatement | None:
    """The last statement that starts at the line or above it; None above the first."""
    return next((s for s in reversed(facts.statements) if s.span.line <= line), None)
