"""What is done with a function that a `functools.partial`, or one function for all calls, would not answer alike."""

from __future__ import annotations

from enum import Enum

from fixpickle.survey.facts.fact import Fact


class Need(str, Enum):
    """What has to stand for a function, so that code which uses it more than by a call finds what it found.

    NAME is its `__name__`, LOOKS is its docstring or module, STATE is attributes of its own, METHOD is to bind as a
    method, IDENTITY is to be another one at every call of the function around it, ITSELF is to be named in its body
    other than by a call.
    """

    NAME = "name"
    LOOKS = "looks"
    STATE = "state"
    METHOD = "method"
    IDENTITY = "identity"
    ITSELF = "itself"


class Demand(Fact, frozen=True):
    """One need, and the reason against a rewrite that does not meet it."""

    need: Need
    reason: str


DECORATED = "its decorators run at every call of the function around it"

Obstacle = str | Demand
"""A reason against every rewrite, or against those that do not meet a demand."""
