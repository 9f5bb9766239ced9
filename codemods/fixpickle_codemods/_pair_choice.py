"""Whose `Parallel` and `delayed` take the place of joblib's, and what of the configuration that carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import Pair, Refusal
from fixpickle.project import Project, is_test
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, StateSet

MODULES = {Pair.SKLEARN: "sklearn.utils.parallel", Pair.TPCP: "tpcp.parallel"}
_DISTRIBUTION = {Pair.SKLEARN: r"scikit[-_]learn", Pair.TPCP: "tpcp"}
# What a pair carries by itself.
_BY_ITSELF = {Pair.SKLEARN: frozenset({"sklearn", "warnings"}), Pair.TPCP: frozenset({"warnings"})}
_NEEDS = {Pair.SKLEARN: "scikit-learn 1.3 or later", Pair.TPCP: "tpcp 3 or later"}
# It sets nothing in a process without a parent in the sense of `multiprocessing` (tpcp 3.5, `tpcp.parallel`).
_NOT_ON_RAY = "tpcp's pair sets nothing in the workers of joblib's Ray backend"
_METADATA = ("pyproject.toml", "setup.cfg", "setup.py", "requirements.txt")


def chosen(shop: Workshop, facts: Facts) -> Pair | Refusal:
    """The pair that was asked for, else that of a library which the project depends on, else the runtime's.

    scikit-learn's is not taken of itself where it would leave behind what the project sets, tpcp's not where tasks run
    on Ray.
    """
    wanted = shop.settings.delayed_from
    if wanted is Pair.TPCP and _on_ray(shop.project):
        return Refusal(facts.path, f"{_NOT_ON_RAY}: `--delayed-from runtime` carries it there")
    if wanted in MODULES:
        missing = f"the {wanted.value} of {shop.settings.python} has no such pair: it takes {_NEEDS[wanted]}"
        return wanted if _is_there(wanted, shop.settings.python) else Refusal(facts.path, missing)
    for pair in (Pair.TPCP, Pair.SKLEARN) if wanted is Pair.AUTO else ():
        carries = not _on_ray(shop.project) if pair is Pair.TPCP else libraries(shop.project) <= _BY_ITSELF[pair]
        if carries and _depends(shop, facts, pair) and _is_there(pair, shop.settings.python):
            return pair
    return Pair.RUNTIME


def states(project: Project) -> list[StateSet]:
    """The configuration that the project sets, tests left out."""
    return [state for facts in project.files if not is_test(facts) for state in facts.states]


def libraries(project: Project) -> frozenset[str]:
    """The libraries whose configuration the project sets, of those for which a state is ready-made."""
    return frozenset(state.library for state in states(project) if state.library)


def to_register(project: Project) -> list[str]:
    """What tpcp carries only once it is registered."""
    return sorted(libraries(project) - _BY_ITSELF[Pair.TPCP])


def notes(project: Project, pair: Pair) -> Iterator[str]:
    """What a reviewer must know."""
    if pair in MODULES:
        yield f"{MODULES[pair]} needs {_NEEDS[pair]}"
    set_here = libraries(project)
    if pair is Pair.SKLEARN and (lost := sorted(set_here - _BY_ITSELF[pair])):
        yield f"scikit-learn's pair leaves behind what is set of {', '.join(lost)}: the runtime's carries it"
    if pair is Pair.TPCP and set_here:
        yield "tpcp sets it in worker processes alone: tasks in threads keep what their thread has"
    if not set_here:
        yield "no such configuration is set in these files: it changes nothing yet"
    for state in {s.symbol: s for s in states(project) if not s.library}.values():
        how = "tpcp.parallel.register_global_parallel_callback" if pair is Pair.TPCP else "register_worker_state"
        yield f"{state.symbol} (line {state.line}) does not travel by itself: {how} carries it"


# --- what is there --------------------------------------------------------------------------------------------------


def _depends(shop: Workshop, facts: Facts, pair: Pair) -> bool:
    """Whether files of the project import the library, or its metadata names the distribution."""
    top = MODULES[pair].partition(".")[0]
    if any(i.target.split(".")[0] == top for f in shop.project.files for i in f.imports):
        return True
    name = _DISTRIBUTION[pair]
    required = re.compile(rf"""^\s*["']?{name}\s*(["'\[<>=!~;@,(]|$)|["']{name}\s*[\["'<>=!~;@,]""", re.MULTILINE)
    return any(required.search(text) for text in _metadata(facts.path.parent, shop.settings.root))


def _metadata(folder: Path, root: Path) -> Iterator[str]:
    """The texts of the closest folder that says what the project depends on, up to the root of the run."""
    for place in (folder, *folder.parents):
        found = [place / name for name in _METADATA if (place / name).is_file()]
        if found or place == root:
            yield from (path.read_text("utf-8", "replace") for path in found)
            return


def _on_ray(project: Project) -> bool:
    """Whether the project has joblib run tasks on Ray."""
    named = {name for f in project.files for i in f.imports for name in (i.module, i.target)}
    return not named.isdisjoint(("ray.util.joblib", "ray.util.joblib.register_ray"))


def _is_there(pair: Pair, python: Path) -> bool:
    """Whether the library beside that interpreter has the pair. Where none is seen, the proof will tell."""
    top, *inner = MODULES[pair].split(".")
    home = python.parent.parent
    for folder in (*home.glob(f"lib/python3*/site-packages/{top}"), *home.glob(f"Lib/site-packages/{top}")):
        file = folder.joinpath(*inner).with_suffix(".py")
        return file.is_file() and "class Parallel" in file.read_text("utf-8", "replace")
    return True
