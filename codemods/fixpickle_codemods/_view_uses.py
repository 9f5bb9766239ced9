"""What can be done with a view of a dictionary and with a list alike."""

from __future__ import annotations

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
