"""What the parameters stand for by which values may leave the process: what the callers of their functions hand in."""

from __future__ import annotations

from collections.abc import Sequence

from fixpickle.link.symbols import Handed, Meaning, Symbols
from fixpickle.survey.facts import Facts, Offered, Wanted


def handed_in(files: Sequence[Facts], symbols: Symbols) -> Handed:
    """Parameters by symbolic name, as `m.run[pool]`, and what one caller at least hands in that a value leaves by.

    Left out where callers hand in several such things: what pickles then is not known.
    """
    wanted: dict[str, list[Wanted]] = {}
    for facts in files:
        for one in facts.pools.wanted:
            wanted.setdefault(f"{facts.module}.{one.function}", []).append(one)
    found: dict[str, dict[str, Meaning]] = {}
    calls: set[tuple[str, int, str]] = set()
    for facts, offer in ((f, o) for f in files for o in f.pools.offered) if wanted else ():
        at = symbols.meaning(offer.symbol)
        function = _function(symbols, offer.callee)
        for one in (one for one in wanted.get(function, ()) if _takes(one, offer)):
            name = f"{function}[{one.parameter}]"
            found.setdefault(name, {})[at.symbol] = Meaning(at.symbol, (*at.literals, *offer.literals))
            calls.add((facts.module, offer.line, name))
    chosen = {name: symbols.catalogue.leaving(ways) for name, ways in found.items()}
    return Handed({name: found[name][symbol] for name, symbol in chosen.items() if symbol}, frozenset(calls))


def _takes(wanted: Wanted, offer: Offered) -> bool:
    return offer.keyword == wanted.parameter if offer.position < 0 else offer.position == wanted.position


def _function(symbols: Symbols, callee: str) -> str:
    """The function that a call runs: of a class, the constructor that it has or inherits."""
    symbol = symbols.meaning(callee).symbol.removesuffix(".__init__")
    return symbols.constructor(symbol) if symbols.class_of(symbol) is not None else symbol
