"""What a workaround for loky's pickler covers, and why it is still needed."""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.project import Project, is_test
from fixpickle.survey.facts import Facts, PicklerChoice
from fixpickle.survey.pickler_choices import UNSEEN, WRAPPED_CLASS

_OWN = "loky"
_COPY = "joblib.externals.loky"


def staying(project: Project, facts: Facts, choice: PicklerChoice) -> str | None:
    """Why the workaround has to stay, or an empty string where it can go; None where it is nobody's business."""
    if facts.module.split(".")[0] in ("loky", "joblib"):
        return None
    if _covers_all(choice):
        return _switch_stays(project, choice)
    return choice.reason or _by_value(project) or _wrapper_stays(project, facts, choice)


def covered(project: Project, facts: Facts, choice: PicklerChoice) -> Iterator[tuple[str, str, str]]:
    """Module and name of what it covers, and the library that sends it: "loky", or the copy of it in joblib."""
    if not _covers_all(choice):
        found = _definition(project, choice.covers)
        if found is not None:
            yield found[0].module, found[1], _OWN if choice.symbol.startswith("loky.") else _COPY
        return
    for one, name, boundary in _sent(project, choice):
        yield one.module, name, _OWN if boundary.startswith("loky.") else _COPY


def _covers_all(choice: PicklerChoice) -> bool:
    return not choice.symbol.endswith("wrap_non_picklable_objects")


# --- one object -----------------------------------------------------------------------------------------------------


def _wrapper_stays(project: Project, facts: Facts, choice: PicklerChoice) -> str:
    if project.class_of(project.real(choice.covers)) is not None:
        return WRAPPED_CLASS
    found = _definition(project, choice.covers)
    if found is None:
        return UNSEEN
    home, name = found
    if not is_script(home):
        return ""
    if home is facts and any(_covers_all(c) and c.pickler == "cloudpickle" for c in facts.pickler_choices):
        return ""  # the pickler that the script chooses covers it besides, until it has moved
    return _in_script(name, home)


def is_script(facts: Facts) -> bool:
    """Whether a file is run, not imported: it does work, besides choosing a pickler."""
    choosing = {c.span.start for c in facts.pickler_choices}
    works = any(s.kind in ("guard", "work") and s.span.start not in choosing for s in facts.statements)
    return works and "." not in facts.module and not facts.package


def _in_script(name: str, script: Facts) -> str:
    return f"`{name}` is defined in the script {script.path.name}, and no worker can import it: move it to a module"


def _definition(project: Project, symbol: str) -> tuple[Facts, str] | None:
    """The file and the name of a function that the project defines at module level."""
    module, _, name = project.real(symbol).rpartition(".")
    for facts in project.files:
        if facts.module == module and any(name in s.binds and s.kind == "definition" for s in facts.statements):
            return facts, name
    return None


def _by_value(project: Project) -> str:
    for facts in project.files:
        for reference in facts.references:
            if reference.symbol.endswith("cloudpickle.register_pickle_by_value"):
                return f"{facts.path.name} has cloudpickle send modules by value (line {reference.span.line})"
    return ""


# --- everything -----------------------------------------------------------------------------------------------------


def _switches(project: Project) -> Iterator[PicklerChoice]:
    for facts in project.files:
        if not is_test(facts):
            yield from (c for c in facts.pickler_choices if _covers_all(c))


def _switch_stays(project: Project, choice: PicklerChoice) -> str | None:
    """All switches of a project go, or none: one that stays would reach what another one covered."""
    switches = list(_switches(project))
    picklers = {c.pickler for c in switches}
    if picklers - {"", "cloudpickle"} or "cloudpickle" not in picklers:
        return None
    return next((c.reason for c in switches if c.reason), "") or _by_value(project) or _needed(project, choice)


def _needed(project: Project, choice: PicklerChoice) -> str:
    """What the project sends through loky that only cloudpickle can send, or why that is not seen."""
    for facts in project.files:
        for definition in facts.definitions:
            if any(_is_loky(c.boundary.name, choice) for c in project.crossings(facts, definition.sinks)):
                place = f"line {definition.span.line} of {facts.path.name}"
                return f"`{definition.qualname}` ({place}) has no name that workers could import"
    sent = list(_sent(project, choice))
    for facts, name, _ in sent:
        if is_script(facts):
            return _in_script(name, facts)
    if sent:
        return ""
    if choice.symbol.startswith("loky.") and any(_sent(project, choice, ("joblib.",))):
        return "it sets loky's own pickler, and joblib has a copy of loky that this does not reach"
    return "nothing that it covers is seen here, so whether workers can import all of it cannot be told"


def _sent(project: Project, choice: PicklerChoice, prefixes: tuple[str, ...] = ()) -> Iterator[tuple[Facts, str, str]]:
    """The module-level definitions of the project that go through loky, each with the name of the boundary."""
    for facts in project.files:
        own = [(f"{facts.module}.{m.name}", m.sinks) for m in facts.mentions]
        for symbol, sinks in [*own, *((h.symbol, h.sinks) for h in facts.handed_on)] if not is_test(facts) else ():
            home = _definition(project, symbol)
            names = [c.boundary.name for c in project.crossings(facts, sinks)] if home else []
            boundary = next((name for name in names if _is_loky(name, choice, prefixes)), "")
            if home and boundary:
                yield *home, boundary


def _is_loky(boundary: str, choice: PicklerChoice, prefixes: tuple[str, ...] = ()) -> bool:
    reached = ("loky.",) if choice.symbol.startswith("loky.") else ("loky.", "joblib.Parallel")
    return boundary.startswith(prefixes or reached)
