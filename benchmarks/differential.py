"""Random programs, run before and after every fix: `python benchmarks/differential.py [COUNT] [FIRST SEED]`.

Each program keeps lambdas, local functions and instances of local classes on an instance, in tables and in what it
returns, in nested scopes that bind, delete, rebind and shadow a few names over and over. All its fixes are made,
whatever their reach and without proof, and both versions are put through the same calls in the same orders. Results,
kinds of exceptions, signatures and the order of side effects must be the same. A difference is a bug; its program is
printed. The number of fixes is printed too, because programs that are refused as a whole would show nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import random_stage
from random_programs import Writer

from fixpickle.engine import Ports, run
from fixpickle.model import Evidence, RunReport, Settings
from fixpickle.registry import load_rules

RULES = frozenset({"lambda-value", "local-function", "local-class"})
# A rule by itself takes along what others would have moved before it.
SELECTED = (RULES, RULES, frozenset({"lambda-value"}), frozenset({"local-function"}))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One program before and after its fixes, how many there were, and what each did; equal where all is well."""

    before: str
    after: str
    fixes: int
    did_before: tuple[object, ...]
    did_after: tuple[object, ...]
    report: RunReport | None

    @property
    def same(self) -> bool:
        return self.did_before == self.did_after


def compare(seed: int) -> Outcome | None:
    """The program of that seed, before and after. None where Python does not take it, as with `nonlocal` of nothing."""
    text = Writer(seed).program()
    try:
        did = behaviour(text)
    except SyntaxError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "program.py"
        path.write_text(text)
        settings = Settings(
            path.parent, Path(sys.executable), select=SELECTED[seed % len(SELECTED)], reach=Evidence.ANY, verify=False
        )
        ports = Ports(
            prove=lambda *_: [],
            examine=lambda *_: [],
            tidy=lambda old, new, where: new,
            progress=lambda what, done, total: None,
        )
        report = run([path], replace(settings, runtime="package"), load_rules(), ports, fix=True)
    after = next((change.new for change in report.changes), text)
    if report.taken_back or report.skipped:
        return Outcome(text, after, len(report.fixed), (), ("taken back", report.taken_back, report.skipped), report)
    return Outcome(text, after, len(report.fixed), did, behaviour(after), report)


def behaviour(text: str) -> tuple[object, ...]:
    """Everything the program's functions do, for several arguments and in both orders. Raises SyntaxError."""
    program = {**vars(random_stage), "__name__": "program"}
    try:
        exec(compile(text, "program.py", "exec", dont_inherit=True), program)
    except SyntaxError:
        raise
    except Exception as error:
        return (type(error).__name__,)
    calls = [(0, True, ()), (0, False, (1, 2)), (1, True, (1, 2)), (1, False, ())]
    return tuple(random_stage.play(program, *call, backwards) for call in calls for backwards in (False, True))


def outcomes(seeds: Sequence[int]) -> Iterator[tuple[int, Outcome]]:
    """The outcomes of those seeds that give a program."""
    for seed in seeds:
        outcome = compare(seed)
        if outcome is not None:
            yield seed, outcome


def main(count: int = 100, first: int = 0) -> int:
    """Runs `count` seeds from `first` and prints every difference."""
    programs = fixes = different = 0
    for seed, outcome in outcomes(range(first, first + count)):
        programs, fixes = programs + 1, fixes + outcome.fixes
        if not outcome.same:
            print(outcome.before, "# --- after ---", outcome.after, sep="\n")
            for one, other in zip(outcome.did_before, outcome.did_after, strict=False):
                if one != other:
                    print("before:", one, "after: ", other, sep="\n")
                    break
            print(f"seed {seed} differs")
            different += 1
    print(f"{programs} programs, {fixes} fixes, {different or 'no'} difference{'s' if different > 1 else ''}")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
