"""What is handed to the project's functions of that by which values leave the process: pools, process classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Offered
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names


def offered(names: Names, flow: Flow) -> Iterator[Offered]:
    """Every argument of that kind in a file, of calls that are no boundaries themselves."""
    if not names.may_mean(catalogue().ways_out):
        return
    for call in names.tree.of(ast.Call):
        arguments = [(i, "", a) for i, a in enumerate(call.args)] + [(-1, k.arg or "", k.value) for k in call.keywords]
        for position, keyword, value in arguments:
            if isinstance(value, (ast.Name, ast.Attribute, ast.Call)) and (symbol := names.of(value)):
                callee = names.of(call.func) if catalogue().leaving([symbol]) else ""
                if callee and not catalogue().knows(callee):
                    yield Offered(symbol, callee, position, keyword, flow.literals.of(value), call.lineno)
