"""What can be done with a view of a dictionary and with a list alike."""

from __future__ import annotations

import ast

from fixpickle.model import Finding, Refusal
from fixpickle.survey.tree import FUNCTIONS, bound_name

PLAIN_USES = frozenset(
    {
        *(
            "iterate",
            "is",
            "len()",
            "list()",
            "tuple()",
            "set()",
            "frozenset()",
            "dict()",
            "sorted()",
            "min()",
            "max()",
        ),
        *("sum()", "any()", "all()", "enumerate()", "zip()", "map()"),
    }
)
"""In the words of `fixpickle.survey.holding_uses`."""


def without_list(finding: Finding, text: str) -> Refusal | None:
    """Why `list(...)` cannot be written in a file: a name, parameter or function of its own has that name.

    The proof would not tell: it makes its list where none of the parameters are, and any result may be pickled.
    """
    tree = ast.parse(text)
    methods = {s for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for s in c.body if isinstance(s, FUNCTIONS)}
    nodes = (node for node in ast.walk(tree) if node not in methods)
    if any((node.arg if isinstance(node, ast.arg) else bound_name(node)) == "list" for node in nodes):
        return Refusal(finding.path, "`list` is another thing in this module", finding.span.line, finding.rule)
    return None
