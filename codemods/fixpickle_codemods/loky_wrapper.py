"""# loky-wrapper

`wrap_non_picklable_objects(f)`, `set_loky_pickler("cloudpickle")` and the variable `LOKY_PICKLER` are workarounds: they
have loky send with cloudpickle what plain pickle does not find by name, as a function of a script in a list of lists.
Once everything they cover can be imported, they only cost:

- The wrapper makes a small task several times dearer to pickle, and what it wraps is no function any more: it has no
  `__doc__`, and on a method it loses `self`.
- A wrapped *class* is worse. Of its instances `isinstance`, `+`, `==`, `len`, indexing and `with` no longer work, nor
  do class attributes and class methods.

## What it becomes

The wrapped function itself, a definition without the decorator, no switch and no variable; imports that nothing uses
any more go along. `main-definition` moves what a script defines to a module first, so one run does both.

loky and the copy of it in joblib are two libraries: `loky.set_loky_pickler` does not reach `joblib.Parallel`, and
`joblib.externals.loky.set_loky_pickler` does not reach loky's executors. `LOKY_PICKLER` is read by both, once, when
they are imported.

## What it leaves alone

Projects that also choose another pickler, such as `set_loky_pickler("pickle")`, or ask which one is chosen: that is no
workaround. Tests. loky's and joblib's own sources.

## When it refuses

Something it covers still needs it: a lambda, a function or class made in a function, a definition of a script. It wraps
a class: take the wrapper off by hand, since what used its instances may rely on what the wrapper made of them. It wraps
a method, an instance, or what is not seen to be a function of the project. Nothing that the switch covers is seen, or
`cloudpickle.register_pickle_by_value` is called.

The proof sends the functions to a real worker and back, in a list of lists, with loky's default pickler and with plain
pickle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fixpickle.model import Edit, Evidence, Finding, LokyTrip, Patch, Reach, Refusal, Safety, Source, Span, Subject
from fixpickle.project import Project, is_test
from fixpickle.rewrite import line_end, line_start, without_import, without_lines
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Form, PicklerChoice
from fixpickle_codemods._loky_cover import covered, is_script, staying

_ABOUT_IT = re.compile(r"pickl|loky|serializ|serialis", re.IGNORECASE)


class LokyWrapper:
    """A workaround for functions that could not be imported, and can be now."""

    name = "loky-wrapper"
    summary = "a workaround for loky's pickler covers only what workers can import, or does harm"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """One finding for all uses of a workaround that can go from a file, and one for each that has to stay."""
        if not facts.pickler_choices or is_test(facts):
            return
        judged = [(c, staying(project, facts, c)) for c in facts.pickler_choices]
        told = [(c, reason) for c, reason in judged if reason is not None]
        for symbol in dict.fromkeys(c.symbol for c, _ in told):
            going = [c for c, reason in told if c.symbol == symbol and not reason]
            if going:
                times = f" ({len(going)} times)" if len(going) > 1 else ""
                yield self._finding(
                    facts, going[0], f"`{_short(symbol)}` covers only what workers can import{times}", ""
                )
        for choice, reason in told:
            if reason and choice.pickler:  # one that goes back to the default stays with those that leave it
                what = choice.covers.rpartition(".")[2] or "all that loky sends"
                yield self._finding(
                    facts, choice, f"`{_short(choice.symbol)}` is a workaround, here for {what}", reason
                )

    def _finding(self, facts: Facts, choice: PicklerChoice, message: str, reason: str) -> Finding:
        return Finding(
            rule=self.name,
            path=facts.path,
            span=choice.span,
            message=message,
            reach=Reach(Evidence.BOUNDARY, ("it has loky pickle with cloudpickle",), "cloudpickle"),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The file without that workaround, where it can go, and without the import that was for it."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        if re.search(r"\bCloudpickledObjectWrapper\b|\._obj\b", source.text):
            return Refusal(finding.path, "the file looks into the wrapper itself", finding.span.line)
        symbol = next(c.symbol for c in facts.pickler_choices if c.span == finding.span)
        going = [c for c in facts.pickler_choices if c.symbol == symbol and staying(shop.project, facts, c) == ""]
        edits = [_edit(source, choice) for choice in going]
        notes = ("child processes of the program no longer get LOKY_PICKLER",) if symbol == "os.environ" else ()
        return Patch(
            finding=finding,
            edits=(*edits, *_imports(shop.project, facts, source, edits, symbol)),
            subjects=tuple(_subjects(shop.project, facts, going)),
            notes=notes,
        )


def _short(symbol: str) -> str:
    return "LOKY_PICKLER" if symbol == "os.environ" else symbol.rpartition(".")[2]


# --- what is written ------------------------------------------------------------------------------------------------


def _edit(source: Source, choice: PicklerChoice) -> Edit:
    text, span = source.text, choice.span
    if choice.form is Form.EXPRESSION:
        return Edit(source.path, span.start, span.end, choice.code)
    if choice.form is Form.ONLY:
        return Edit(source.path, span.start, span.end, "pass")
    start, end = line_start(text, span.start), line_end(text, span.end)
    if choice.form is Form.DECORATOR:
        return Edit(source.path, start, end, "")
    return without_lines(source.path, text, _comment_start(text, start), end)


def _comment_start(text: str, start: int) -> int:
    """The start of the comment directly above, where it speaks of pickling: any other is about what stays."""
    above = start
    while above > 0 and text[line_start(text, above - 1) : above].lstrip().startswith("#"):
        above = line_start(text, above - 1)
    return above if _ABOUT_IT.search(text[above:start]) else start


def _imports(project: Project, facts: Facts, source: Source, edits: Sequence[Edit], symbol: str) -> Iterator[Edit]:
    """The import of the workaround, where neither this file nor another one needs it any more."""
    gone = [Span(e.start, e.end, 0, 0) for e in edits]
    target = "os" if symbol == "os.environ" else symbol
    for local in {i.local for i in facts.imports if i.target == target and i.top and (target == "os" or not i.whole)}:
        elsewhere = f"{facts.module}.{local}"
        if not any(i.target == elsewhere for f in project.files for i in f.imports):
            yield from without_import(facts, source, local, gone)


# --- what is proved -------------------------------------------------------------------------------------------------


def _subjects(project: Project, facts: Facts, going: Sequence[PicklerChoice]) -> Iterator[Subject]:
    """What was covered, sent to a worker of the library that sent it."""
    trips: dict[tuple[str, str, bool], dict[str, None]] = {}
    for choice in going:
        for module, name, library in covered(project, facts, choice):
            by_value = bool(choice.covers) and is_script(facts)
            trips.setdefault((module, library, by_value), {})[name] = None
    for (module, library, by_value), names in trips.items():
        yield LokyTrip(module, tuple(names), library, by_value)


RULE = LokyWrapper()
