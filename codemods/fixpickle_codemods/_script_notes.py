"""What else knows the definitions of a script by their names, and what changes for it when they move."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Mention, ToCall
from fixpickle_codemods._main_guard import SETTINGS
from fixpickle_codemods._script_layout import Layout, under_guard


def named_elsewhere(shop: Workshop, facts: Facts, plan: Layout) -> Iterator[str]:
    """Other files that set or patch what moves, by its name in the script: what moved would not see it."""
    names = "|".join(map(re.escape, sorted(plan.binds)))
    prefix = re.escape(facts.module)
    wanted = re.compile(rf"""["']{prefix}\.({names})["']|\b{prefix}\.({names})\s*=[^=]""")
    for path, source in sorted(shop.sources.items()):
        found = wanted.search(source.text) if path != facts.path and facts.module in source.text else None
        if found is not None:
            yield f"{path.name} names `{facts.module}.{found[1] or found[2]}`, which would not reach what moves"


def notes(project: Project, facts: Facts, plan: Layout, module: str) -> Iterator[str]:
    """What changes for whoever runs the script, and for whoever keeps what it made."""
    yield f"workers need {module.rpartition('.')[2]}.py beside the script; pickles name {module} from now on"
    for statement in under_guard(facts) if facts.starts else ():
        for setting in filter(SETTINGS.fullmatch, statement.calls):
            yield (
                f"workers that are spawned do not run {setting} of line {statement.span.line}: where they need what it"
                " sets up, call it in an initializer"
            )
    for mention in facts.mentions:
        if mention.name not in plan.binds:
            continue
        if _cached(mention):
            yield f"what joblib.Memory keeps of `{mention.name}` is computed once more: its key has changed"
        for crossing in project.crossings(facts, mention.sinks):
            if crossing.boundary.by_value and not crossing.boundary.name.startswith("joblib.Memory"):
                yield _shipped(crossing.boundary.name, mention.name, module)


def _cached(mention: Mention) -> bool:
    return any(isinstance(s, ToCall) and s.callee.startswith("joblib.Memory()") for s in mention.sinks)


def _shipped(boundary: str, name: str, module: str) -> str:
    """How workers get the module, where a boundary shipped the code itself before."""
    file = f"{module.rpartition('.')[2]}.py"
    how = {
        "ray": 'ray.init(runtime_env={"working_dir": "."})',
        "dask": f'client.upload_file("{file}")',
        "distributed": f'client.upload_file("{file}")',
        "pyspark": f'sc.addPyFile("{file}")',
    }.get(boundary.partition(".")[0], "install it, or put it on their PYTHONPATH")
    return f"{boundary} took `{name}` along by value, from now on by name: its workers need {file}, as by {how}"
