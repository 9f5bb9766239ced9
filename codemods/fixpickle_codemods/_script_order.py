"""What a script takes from around it after work that may have set it: a module, imported first, takes it before."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from fixpickle.model import Source
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, TopStatement
from fixpickle_codemods._main_guard import Parting
from fixpickle_codemods._script_layout import Layout, each

# What belongs to the process, the words that take something of it, and those that set it.
_OF_THE_PROCESS = {
    "the environment": (
        r"\benviron\b|\bgetenv\b|\bexpand(user|vars)\b",
        r"\benviron\b|\b(put|unset)env\b|\bload_dotenv\b",
    ),
    "the current folder": (r"\b(getcwd|cwd|abspath|realpath|resolve|absolute)\b", r"\bchdir\b"),
    "the command line": (r"\bsys\.argv\b", r"\bsys\.argv\b"),
    "sys.path": (r"\bsys\.path\b", r"\bsys\.path\b"),
    "the start method": (r"\bget_context\b", r"\bset_start_method\b"),
    "the decimal context": (r"\bDecimal\b.*[-+*/%]|[-+*/%].*\bDecimal\b", r"\b(get|set)context\b"),
    "the locale": (r"\blocale\b", r"\bsetlocale\b"),
}
_GIVING = frozenset({"os", "sys", "pathlib", "posixpath", "multiprocessing", "decimal", "locale"})


def taken_too_soon(shop: Workshop, facts: Facts, plan: Layout) -> Iterator[str]:
    """Why what moves would not be made of what it is made of in the script."""
    order = _Order(shop, facts, shop.sources[facts.path])
    staying: list[TopStatement] = []
    for statement in each(facts):
        if statement in plan.moved:
            for work in staying:
                for what in order.between(work, statement):
                    yield (
                        f"line {statement.span.line} takes from {what} what line {work.span.line} may set before,"
                        " and a module that is imported takes it earlier"
                    )
        elif statement.kind in ("work", "assignment", "guard"):
            staying.append(statement)


@dataclass(frozen=True)
class _Order:
    shop: Workshop
    facts: Facts
    source: Source

    def between(self, work: TopStatement, taking: TopStatement) -> Iterator[str]:
        """What the first may set and the second takes."""
        modules = {i.local: i.module for i in self.facts.imports if i.top and i.local in taking.early}
        code = self._code(taking)
        if not _GIVING.isdisjoint(module.partition(".")[0] for module in modules.values()):
            done = self._done(work)
            yield from (w for w, (t, s) in _OF_THE_PROCESS.items() if re.search(t, code) and re.search(s, done))
        changed, read = self._parting.changed_by(work), self._parting.read_by(work) if work.calls else ()
        for name, module in modules.items():
            of_library = module.partition(".")[0] in sys.stdlib_module_names
            if not of_library and (name in changed or (name in read and self._file(module) is not None)):
                yield f"`{name}`"

    @cached_property
    def _parting(self) -> Parting:
        return Parting(self.facts, frozenset(), frozenset(), 0, ())

    def _code(self, statement: TopStatement) -> str:
        return self.source.text[statement.span.start : statement.span.end]

    def _done(self, work: TopStatement) -> str:
        """The code that runs: of the statement, the definitions it uses, and the files of the project it calls into."""
        names = {work, *(s for s in self.facts.statements if set(s.binds) & self._parting.read_by(work))}
        called = {file for s in names for c in s.calls if (file := self._file(c)) is not None}
        return "\n".join([*(self._code(s) for s in names), *called])

    def _file(self, symbol: str) -> str | None:
        """The text of the project's file that a symbol or a module is of."""
        for path, facts in self.shop.facts.items():
            if path != self.facts.path and f"{symbol}.".startswith(f"{facts.module}."):
                return self.shop.sources[path].text
        return None
