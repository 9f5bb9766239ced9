"""# heavy-worker-import

A module that workers import, to find the function they are to run, also imports a package that this function does not
need. A worker that is not forked imports the module anew, and pays for the package each time:

    import time:       612 |     812345 | pandas

No error is raised. Each worker just starts later, and is larger.

## What it becomes

With `--unsafe-fixes`, the functions that use the package import it themselves, and the import at module level goes.
What is used under the main guard is imported there.

## How it is measured

`fixpickle check` runs no user code, so it cannot know what an import takes, and says nothing. With `--reach any` it
names every import that stands in such a place, as not measured. `fixpickle apply` measures where it is asked to, by
`--select heavy-worker-import` or `--unsafe-fixes`: fresh interpreters import each package, with `-X importtime`. What
takes less than `heavy-import` seconds, 0.5 by default, is no finding. The proof then imports the module in a fresh
interpreter, before and after: it must load the package before, and not after. Where something else loads the package
all the same, the fix is taken back.

## What it leaves alone

Packages that every worker uses; and those that some worker uses, unless the others are started in another place, where
none that uses it is handed over. Imports that something reads when the module is imported: module-level code,
decorators, defaults, annotations, base classes. Imports that nothing in the module reads, which are there for what they
do, or for others to import. Names in `__all__`. Imports under `try`, `if TYPE_CHECKING` or in functions, and of several
names in one statement. The standard library, and the project's own modules but for the packages that come along with
them alone. Modules whose workers are forked, or get
the code by value.

## When it refuses

More than three functions use it. One of them is decorated, and may not run as it is written. Another file imports the
name from here, reads it from here, or names it in a string, as `patch("m.pd")` does.

What changes, which is why the fix is unsafe: the first call imports the package, takes that long, and fails where it is
missing; what its import does besides happens then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixpickle.model import Edit, Evidence, Finding, Patch, Reach, Refusal, Safety, Unloaded
from fixpickle.project import Project
from fixpickle.rewrite import line_end, line_start
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, LateImport, LateUse
from fixpickle.survey.wording import listed
from fixpickle_codemods._vain_imports import Vain, in_vain

_MOST = 3  # functions that are to import for themselves, beyond which the code reads worse than it runs


class HeavyWorkerImport:
    """An import at module level that workers pay for and do not need."""

    name = "heavy-worker-import"
    summary = "workers import a slow package that what they run does not need"
    safety = Safety.UNSAFE

    def weighs(self, project: Project, facts: Facts) -> Iterator[str]:
        """The packages that workers import in vain, as far as can be seen without importing them."""
        for vain in in_vain(project, facts):
            yield from vain.packages

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """One finding for each such import that takes long; or of which nobody measured how long it takes."""
        for vain in in_vain(project, facts):
            late, package = vain.late, _heaviest(project, vain)
            seconds = (project.import_seconds or {}).get(package)
            if seconds is None and project.import_seconds is not None:
                continue  # it was measured, and is not heavy
            measured = "how long it takes was not measured" if seconds is None else f"it takes {seconds:.2f} s"
            reason = _reason(project, facts, late)
            others = f", which other workers run ({listed(vain.others)})" if vain.others else ""
            what = package if late.module.partition(".")[0] == package else f"{package}, by way of `{late.name}`,"
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=late.span,
                message=f"workers that run `{vain.worker.name}` import {what} for {_whom(late.uses[0])}{others}",
                reach=Reach(
                    Evidence.ANY if seconds is None else Evidence.BOUNDARY, (*vain.worker.chain, measured), "pickle"
                ),
                safety=Safety.MANUAL if reason else Safety.UNSAFE,
                reason=reason,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The import in the functions that use it."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        late = next(one for one in facts.late_imports if one.span == finding.span)
        if reason := _known_elsewhere(shop, facts, late.name):
            return Refusal(finding.path, reason, finding.span.line, finding.rule)
        text = source.text
        start, end = line_start(text, late.span.start), line_end(text, late.span.end)
        if text[start : late.span.start].strip() or text[late.span.end : end].lstrip().startswith(";"):
            return Refusal(finding.path, "two statements share a line", finding.span.line, finding.rule)
        code = text[start:end].rstrip()
        above = line_start(text, start - 1) if start else 0
        if not text[above:start].strip() and not text[end : line_end(text, end)].strip():
            start = above  # it was a paragraph of its own
        if not text[:start].strip():
            end += len(text[end:]) - len(text[end:].lstrip())  # nothing is above what follows it
        package = _heaviest(shop.project, next(v for v in in_vain(shop.project, facts) if v.late == late))
        names = tuple(sorted({n for s in facts.statements for n in s.binds}))
        return Patch(
            finding=finding,
            edits=(
                Edit(source.path, start, end, ""),
                *(Edit(source.path, use.at, use.at, f"{use.indent}{code}\n") for use in late.uses),
            ),
            subjects=(Unloaded(facts.module, package, names if facts.is_script else ()),),
            notes=(_note(late.uses[0], package),),
        )


def _heaviest(project: Project, vain: Vain) -> str:
    """The package that takes longest, of those that were measured."""
    return max(vain.packages, key=lambda package: (project.import_seconds or {}).get(package, 0.0))


def _whom(use: LateUse) -> str:
    return f"`{use.function}`" if use.function else "what is under the main guard"


def _note(use: LateUse, package: str) -> str:
    when = f"the first call of `{use.function}`" if use.function else "the guarded part"
    return f"{when} imports {package}, and fails there if it is missing"


# --- what forbids it ------------------------------------------------------------------------------------------------


def _reason(project: Project, facts: Facts, late: LateImport) -> str:
    if len(late.uses) > _MOST:
        return f"{len(late.uses)} functions use it: a module of their own would spare workers the import"
    for use in late.uses:
        if use.reason:
            return f"{_whom(use)}, which uses it, {use.reason}"
    for other in project.files:
        if any(i.target == f"{facts.module}.{late.name}" for i in other.imports):
            return f"{other.path.name} imports `{late.name}` from here"
    return ""


def _known_elsewhere(shop: Workshop, facts: Facts, name: str) -> str:
    """The other file that reads or patches the name as this module's, in words; else an empty string."""
    module, last = re.escape(facts.module), re.escape(facts.module.rpartition(".")[2])
    wanted = re.compile(
        rf"""["']{module}\.{re.escape(name)}\b|\b{last}\.{re.escape(name)}\b|\b{last}\s*,\s*["']{name}["']"""
    )
    for path, source in sorted(shop.sources.items()):
        if path != facts.path and (found := wanted.search(source.text)):
            return f"{path.name} knows it from here: {found.group().strip()}"
    return ""


RULE = HeavyWorkerImport()
