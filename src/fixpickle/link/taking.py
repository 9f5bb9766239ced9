"""What functions and objects do with what they are given: of many, only those that keep it or let it cross."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from sys import intern
from typing import TypeVar

from fixpickle.link.callees import Callees
from fixpickle.link.tables import noted
from fixpickle.survey.facts import AttributeFlow, Facts, ParameterFlow, Sink, ToCall, changed

Flow = TypeVar("Flow", ParameterFlow, AttributeFlow)


class Taking:
    """Reads from every file where parameters and attributes go. Few of all there are are asked for."""

    def __init__(self, files: Sequence[Facts], callees: Callees) -> None:
        self.files, self.callees = files, callees
        self._flows: dict[str, list[tuple[Facts, ParameterFlow]]] = {}
        self._read: dict[tuple[str, str], list[tuple[Facts, AttributeFlow]]] = {}

    def parameters(self, function: str) -> Sequence[tuple[Facts, ParameterFlow]]:
        """Where the parameters of a function go that keeps one, or hands one on until it crosses."""
        if function not in self._flows:
            self._flows[function] = [
                (facts, self._short(flow))
                for facts in self.arriving.get(function, ())
                for flow in facts.parameters
                if f"{facts.module}.{flow.function}" == function
            ]
        return self._flows[function]

    def _short(self, flow: Flow) -> Flow:
        sinks = self.lean(flow.sinks)
        return flow if sinks is flow.sinks else changed(flow, sinks=sinks)

    def lean(self, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
        """What is leading, and of that no literals where none are asked for."""
        kept = self.leading(sinks)
        if not any(isinstance(s, ToCall) and s.literals for s in kept):
            return kept
        return tuple(
            changed(s, literals=()) if isinstance(s, ToCall) and s.literals and not self.callees.meant(s.callee) else s
            for s in kept
        )

    def leading(self, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
        """Without the calls at which every way ends that keeps nothing and crosses nothing: most ways do."""
        kept = tuple(s for s in sinks if not isinstance(s, ToCall) or self._arrives(s))
        return sinks if len(kept) == len(sinks) else kept

    def _arrives(self, sink: ToCall) -> bool:
        """Whether what is handed to a call may be kept or cross somewhere behind it, over however many steps."""
        return self.callees.may_cross(sink) or self.callees.callee(sink.callee).function in self.arriving

    @cached_property
    def arriving(self) -> dict[str, list[Facts]]:
        """The functions in which a parameter may be kept, or handed on until it is or crosses, and their files."""
        homes: dict[str, list[Facts]] = {}
        callers: dict[str, list[str]] = {}
        pending: list[str] = []
        for facts in self.files:
            for flow in facts.parameters:
                name = intern(f"{facts.module}.{flow.function}")
                noted(homes, name, facts)
                for sink in flow.sinks:
                    if not isinstance(sink, ToCall) or self.callees.may_cross(sink):
                        pending.append(name)
                    elif not self.callees.symbols.foreign(function := self.callees.callee(sink.callee).function):
                        callers.setdefault(function, []).append(name)
        found: dict[str, list[Facts]] = {}
        for name in pending:
            if name not in found:
                found[name] = homes[name]
                pending += callers.get(name, ())
        return found

    def attributes(self, cls: str, attribute: str) -> Sequence[tuple[Facts, AttributeFlow]]:
        """Where the methods of a class hand on what its instances keep in an attribute."""
        if (cls, attribute) not in self._read:
            self._read[cls, attribute] = [
                (facts, self._short(flow))
                for facts in self._reading.get(cls, ())
                for flow in facts.attribute_flows
                if flow.attribute == attribute and f"{facts.module}.{flow.cls}" == cls
            ]
        return self._read[cls, attribute]

    @cached_property
    def _reading(self) -> dict[str, list[Facts]]:
        """The classes whose methods hand on what instances keep, and their files."""
        table: dict[str, list[Facts]] = {}
        for facts in self.files:
            for flow in facts.attribute_flows:
                noted(table, f"{facts.module}.{flow.cls}", facts)
        return table

    def taking(self, name: str, sink: ToCall) -> Iterator[tuple[Facts, ParameterFlow]]:
        """The parameters of a function of the project that an argument ends up in."""
        flows = self.parameters(name)
        if sink.position >= 0:
            yield from (one for one in flows if not one[1].star and one[1].position == sink.position)
            yield from (one for one in flows if one[1].star == "*" and sink.position >= one[1].position)
            return
        named = () if sink.unpacked else [f for f in flows if not f[1].star and f[1].parameter == sink.keyword]
        yield from named or (one for one in flows if one[1].star not in ("", "*"))
