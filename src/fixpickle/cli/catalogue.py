"""What rules there are, and the page of one. Imports the rules."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches

from fixpickle.cli.terminal import complain, put
from fixpickle.registry import load_rules
from fixpickle.report.json import SCHEMA
from fixpickle.rule import page


def list_rules(as_json: bool) -> int:
    """Prints name, safety and summary of every rule; 0."""
    rules = load_rules()
    if as_json:
        described = [{"name": r.name, "safety": r.safety.value, "summary": r.summary} for r in rules]
        put(sys.stdout, json.dumps({"schema": SCHEMA, "rules": described}, indent=2) + "\n")
        return 0
    width = max((len(rule.name) for rule in rules), default=0)
    put(sys.stdout, "".join(f"{r.name:<{width}}  {r.safety.value:<6}  {r.summary}\n" for r in rules))
    return 0


def explain(name: str) -> int:
    """Prints the page of one rule; 0, or 2 where there is no such rule."""
    rules = {rule.name: rule for rule in load_rules()}
    if name in rules:
        put(sys.stdout, page(rules[name]).strip() + "\n")
        return 0
    close = get_close_matches(name.lower().replace("_", "-"), rules, n=1)
    complain(f"no rule is named `{name}`" + (f"; did you mean `{close[0]}`?" if close else "; see `fixpickle rules`"))
    return 2
