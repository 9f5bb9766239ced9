"""# captured-resource

A connection, an open file or an executor that a function takes along to another process, because it reads it as a
global of its script or captures it. Ray, Dask and others ship such functions as code, with what they read:

    TypeError: cannot pickle 'sqlite3.Connection' object
    TypeError: cannot pickle '_io.BufferedReader' object

## What it becomes

With `--unsafe-fixes`, the function that reads it makes it itself: the assignment moves to its start. Nothing has to
travel then.

## Unsafe

Every task has one of its own, where all had one: each opens it anew, sees nothing of what others have not committed,
reads a file from its start, and is done with it when the function ends.

## What it leaves alone

What importable modules keep: their functions are shipped by name, and each process makes its own on import. A file
that is open for reading text, which cloudpickle takes with what is in it. Locks: see `bare-lock`. What instances keep:
see `transient-attribute`.

## When it refuses

Several functions read it, or the script itself, or a class; it is compared, returned or kept. It is made from what
only this process has: a variable, an argument, the environment. It is open for writing, or a database in memory. It is
made under a condition, or its name is bound again.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import ByValue, Finding, Patch, Reach, Refusal, Safety, Subject, Trainable
from fixpickle.project import Project, is_test
from fixpickle.rewrite import attached_start, first_lines, line_end, line_start, starts_line, without_lines
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Resource
from fixpickle.survey.tree import FUNCTIONS, Function, Tree
from fixpickle_codemods._carried import for_trials, readers, shipped_captured, shipped_with

_NOTE = "every task makes one of its own, where all had one: what one leaves open or uncommitted no other sees"


class CapturedResource:
    """Something open that a function which is shipped by value would take along."""

    name = "captured-resource"
    summary = "a connection, open file or executor that a function takes along to another process cannot be pickled"
    safety = Safety.UNSAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every such resource of the file that a shipped function reads."""
        for resource in () if is_test(facts) else facts.resources:
            reach = _reach(project, facts, resource)
            if reach is None:
                continue
            reason = resource.obstacle or _known_outside(project, facts, resource)
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=resource.span,
                message=f"{resource.target} in `{resource.name}` cannot be pickled",
                reach=reach,
                safety=Safety.MANUAL if reason else self.safety,
                reason=reason,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The assignment at the start of the function that reads it."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        resource = next(r for r in facts.resources if r.span == finding.span)
        tree = Tree(source)
        reader = _function(tree, resource.readers[0])
        start, end = attached_start(source.text, resource.statement.start), line_end(
            source.text, resource.statement.end
        )
        lines = source.text[start:end].splitlines()
        alone = starts_line(source.text, resource.statement.start) and ";" not in lines[-1].partition("#")[0]
        if reader is None or not alone or any('"""' in line or "'''" in line for line in lines):
            reason = "it shares its line with another statement, or the function its head"
            return Refusal(finding.path, reason, finding.span.line, self.name)
        margin = len(source.text[line_start(source.text, resource.statement.start) : resource.statement.start])
        moved = [line[margin:] for line in lines]
        if _first_in_block(source.text, start):
            end = _past_blank(source.text, end)
        edits = (without_lines(source.path, source.text, start, end), first_lines(source, tree, reader, moved))
        return Patch(finding, edits, subjects=_subjects(facts, finding.reach, resource), notes=(_NOTE,))


def _reach(project: Project, facts: Facts, resource: Resource) -> Reach | None:
    if resource.owner:
        return shipped_captured(project, facts, resource.name, resource.owner)
    return shipped_with(project, facts, readers(facts, resource.name))


def _known_outside(project: Project, facts: Facts, resource: Resource) -> str:
    """Which other file imports it, or an empty string."""
    target = f"{facts.module}.{resource.name}"
    users = [o.path.name for o in project.files if o is not facts and any(i.target == target for i in o.imports)]
    exported = resource.name in (facts.exports or ())
    return f"{users[0]} imports it" if users else "it is in __all__" if exported else ""


def _function(tree: Tree, qualname: str) -> Function | None:
    """The function of that name, where its body stands on lines of its own."""
    named = (n for n in tree.nodes if isinstance(n, FUNCTIONS) and tree.qualname(n) == qualname)
    return next((n for n in named if starts_line(tree.text, tree.span(n.body[0]).start)), None)


def _first_in_block(text: str, start: int) -> bool:
    return text[:start].rstrip().endswith(":")


def _past_blank(text: str, end: int) -> int:
    """The offset behind the blank lines there: a block does not begin with one."""
    while end < len(text) and not text[end : line_end(text, end)].strip():
        end = line_end(text, end)
    return end


def _subjects(facts: Facts, reach: Reach, resource: Resource) -> tuple[Subject, ...]:
    if resource.owner:
        return ()
    name = resource.readers[0]
    by_value = ByValue(facts.module, name)
    return (Trainable(facts.module, name, facts.path), by_value) if for_trials(reach) else (by_value,)


RULE = CapturedResource()
