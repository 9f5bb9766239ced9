"""# unguarded-main

Work at the top level of a script that starts processes. A worker that is spawned, or comes from a forkserver (the
default on Linux from Python 3.14, spawn on macOS and Windows), imports the script to find its definitions, and so runs
this work again. It comes to the same start of processes, and Python stops it there:

    RuntimeError: An attempt has been made to start a new process before the current process has finished its
    bootstrapping phase.

With a `Pool` this is printed without end. Downloads and prompts that come before it are repeated by every worker.

## What it becomes

The work is put under `if __name__ == "__main__":`, in its order, at the end of the script. Definitions, imports and
constants stay above, where workers find them; those that stand among the work are left there while the work goes below.
What sets up the whole process (`random.seed`, `warnings.filterwarnings`, `logging.basicConfig`, changes of `sys.path`)
and comes first stays above too, since workers need it as well. So does an `argparse` parser whose arguments workers
read: they have the same command line.

Where definitions of the script must move to a module besides, [main-definition](main-definition.md) does both in one
change.

## What it leaves alone

Scripts with a main guard, but for work above it that workers would repeat: prompts, downloads, servers, commands,
output. That is reported. Scripts that choose fork. Modules of a package, which nobody runs by their path, and
`__main__.py` of a package, which workers do not import. loky, joblib's own workers, Ray and Dask, which do not import
the script. Pools of threads. Work that starts no processes.

## When it refuses

Workers read a name that only the work sets or changes: they would not have it, or have another value, where a forked
one has it. The names are listed. That counts what is changed under another name, on a class, in the default of a
parameter, or through `globals()` and `exec`, and values that are others in each process: of `id()`, of the order of a
set, of the current folder. A definition, an import or a setting stands below work that it may depend on, or the work
looks at what it changes. Something but a main guard asks for `__name__`. Another file imports the script, and so waits
for its work. Two statements that have to be parted share a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fixpickle.model import Evidence, Finding, Patch, Reach, Refusal, Respawned, Safety
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, TopStatement
from fixpickle_codemods._main_guard import Parting
from fixpickle_codemods._script_files import edits, shares_a_line
from fixpickle_codemods._script_processes import Started, leading, run_in_workers, started

# What every worker would do once more for somebody to see, wait for or pay.
_REPEATED = re.compile(
    r"builtins\.(input|print)|getpass\.getpass|(click|typer)\.(prompt|confirm|echo|secho|pause)|questionary\..+"
    r"|urllib\.request\.(urlopen|urlretrieve)|(requests|httpx)\.(get|post|put|delete|patch|request|Session\(\)\..+)"
    r"|wget\.download|gdown\.\w+|nltk\.download|huggingface_hub\.\w*download\w*|kagglehub\.\w+|boto3\.\w+\(\)\..+"
    r"|.*\.(serve_forever|mainloop|run_forever|run_polling|start_server)|(uvicorn|asyncio|trio|anyio)\.run"
    r"|(flask\.Flask|dash\.Dash|bottle\.Bottle)\(\)\.run\w*|bottle\.run|waitress\.serve|webbrowser\.open"
    r"|subprocess\.(run|call|check_call|check_output|Popen|getoutput)|os\.(system|remove|unlink|mkdir|makedirs|rename)"
    r"|shutil\.(rmtree|move|copy\w*)|smtplib\..+|time\.sleep"
)


class UnguardedMain:
    """Work of a script that its own workers would run again."""

    name = "unguarded-main"
    summary = "the work of a script starts processes, and those that are not forked run it again"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding for the work that starts processes, or one for each statement above the guard."""
        if "." in facts.module or facts.package or facts.path.name == "__main__.py" or not facts.is_script:
            return
        found = list(started(project, facts))
        open_ = [one for one in found if any(s.kind != "guard" for s in one.at)]
        if open_ and facts.guard is None:
            yield self._unguarded(project, facts, open_)
        elif found:
            yield from self._repeated(facts, open_, found[0])

    def _unguarded(self, project: Project, facts: Facts, found: list[Started]) -> Finding:
        first = min((s for one in found for s in one.at), key=lambda s: s.span)
        parting = _parting(project, facts, found)
        reason = next(_elsewhere(project, facts), "") or next(parting.obstacles(), "")
        return Finding(
            rule=self.name,
            path=facts.path,
            span=first.span,
            message=f"the work of {facts.path.name} has no main guard, and processes that it starts run it again",
            reach=Reach(Evidence.BOUNDARY, (found[0].step,)),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def _repeated(self, facts: Facts, open_: list[Started], found: Started) -> Iterator[Finding]:
        """What stands outside a guard that is there."""
        starting = {s.span: one.step for one in open_ for s in one.at if s.kind != "guard"}
        for statement in facts.statements:
            done = [c for c in statement.calls if _REPEATED.fullmatch(c)]
            if statement.span not in starting and (statement.kind not in ("work", "assignment") or not done):
                continue
            what = starting.get(statement.span) or f"calls {done[0].removeprefix('builtins.')}"
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=statement.span,
                message=f"{facts.path.name} {what} outside its main guard",
                reach=Reach(Evidence.BOUNDARY, (found.step,)),
                safety=Safety.MANUAL,
                reason="every worker that is spawned runs it again: put it under the main guard",
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The work under a main guard."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        found = list(started(shop.project, facts))
        parting = _parting(shop.project, facts, found)
        if shares_a_line(source, [s for s in parting.under if _parts(facts, parting, s)]):
            reason = "two statements share a line: put each on its own, then run again"
            return Refusal(finding.path, reason, finding.span.line, finding.rule)
        names = tuple(sorted(n for n in parting.workers if any(n in s.binds for s in parting.above)))
        return Patch(
            finding=finding,
            edits=edits(facts, source, (), parting.under),
            subjects=(Respawned(facts.path, facts.module, names, parting.under[0].span.line),),
            notes=tuple(_notes(facts, parting, [s for one in found for s in one.at])),
        )


def _parting(project: Project, facts: Facts, found: list[Started]) -> Parting:
    last = max(s.span.start for one in found for s in one.at)
    ways = frozenset[str]().union(*(leading(facts, one.line) for one in found))
    return Parting(facts, run_in_workers(project, facts), ways, last, facts.statements)


def _parts(facts: Facts, parting: Parting, statement: TopStatement) -> bool:
    """Whether a neighbour of the statement does not go where it goes."""
    at = facts.statements.index(statement)
    return any(s in parting.above for s in facts.statements[max(at - 1, 0) : at + 2])


def _elsewhere(project: Project, facts: Facts) -> Iterator[str]:
    for other in project.files:
        if other is not facts and any(i.target.split(".")[0] == facts.module for i in other.imports):
            yield f"{other.path.name} imports it and so runs its work, which a main guard would end"


def _notes(facts: Facts, parting: Parting, starting: Sequence[TopStatement]) -> Iterator[str]:
    """What forked workers used to get from the work without a name that tells of it."""
    own = f"{facts.module}."
    for statement in (s for s in parting.under if s.span.start < parting.until and s not in starting):
        if statement.kind == "work" and not statement.binds:
            doing = [c for c in statement.calls[:1] if c and not c.startswith((own, "builtins.", "random.seed"))]
            if doing:
                yield (
                    f"workers that are spawned do not run {doing[0]} of line {statement.span.line}: where they need"
                    " what it sets up, call it in an initializer"
                )


RULE = UnguardedMain()
