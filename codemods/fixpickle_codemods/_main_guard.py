"""What of a script has to go under a main guard, what workers run again, and why the two cannot be parted."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from fixpickle.survey.facts import Facts, ToCall, TopStatement
from fixpickle.survey.wording import listed
from fixpickle_codemods._script_layout import makes
from fixpickle_codemods._top_statements import within

# What sets up the whole process, and so the workers: they repeat it where it comes first.
SETTINGS = re.compile(
    r"warnings\.(filterwarnings|simplefilter)|numpy\.random\.seed|numpy\.(seterr|set_printoptions)"
    r"|torch\.(manual_seed|set_num_threads|set_default_dtype|set_grad_enabled|use_deterministic_algorithms)"
    r"|torch\.random\.manual_seed|tensorflow\.random\.set_seed|logging\.(basicConfig|captureWarnings|disable)"
    r"|logging\.getLogger\(\)\.setLevel|sys\.(path\.(insert|append|extend|remove)|setrecursionlimit)"
    r"|os\.environ\.(setdefault|update|pop)|os\.putenv|matplotlib\.use|matplotlib\.pyplot\.switch_backend"
    r"|pandas\.set_option|sklearn\.set_config|decimal\.(setcontext|getcontext)|locale\.setlocale|gc\.(disable|enable)"
    r"|socket\.setdefaulttimeout|faulthandler\.enable|dotenv\.load_dotenv"
)
# What a function calls that seeds the generators of random numbers.
_SEEDS = re.compile(
    r"random\.seed|numpy\.random\.seed|torch\.(cuda\.|random\.|mps\.)?(manual_seed|seed)(_all)?"
    r"|torch\.cuda\.(is_available|device_count|empty_cache)|torch\.use_deterministic_algorithms"
)
# What gives the same in every worker, which has the arguments of the script's command line too.
_REPEATABLE = re.compile(
    r"argparse\.(ArgumentParser|Namespace)(\(\)\.(add_\w+|set_defaults|parse_args|parse_known_args))?"
    r"|(argparse\.ArgumentParser\(\)\.add_\w+\(\)\.add_argument)|os\.path\.\w+|os\.(getcwd|cpu_count)"
    r"|pathlib\.Path\(\)\.(resolve|absolute|expanduser|joinpath|with_\w+)"
)
# What definitions are registered with: it is there before they are, in every process.
_REGISTRIES = re.compile(
    r"typer\.Typer|click\.Group|flask\.(Flask|Blueprint)|fastapi\.(FastAPI|APIRouter)|celery\.Celery"
)
# What tells of the current folder, which workers begin in as the script has left it.
_OF_THE_FOLDER = re.compile(
    r"os\.path\.(abspath|realpath)|os\.getcwd|pathlib\.Path\(\)\.(resolve|absolute)|pathlib\.Path\.cwd"
)
# What shows and measures, and prepares nothing that comes after it.
_INERT = frozenset({"builtins.print", "time.time", "time.perf_counter", "time.sleep", "logging.info"})
_LOOKING = re.compile(r"os\.(walk|listdir|scandir|stat|getcwd|cpu_count)|os\.path\.\w+|glob\.i?glob")


@dataclass(frozen=True)
class Parting:
    """The statements that stay in a script, parted in those that workers run too and those that they must not.

    `workers` are the definitions that run in other processes, `leading` those that lead to the start of these, which
    nothing behind the offset `until` comes to. `stay` are the statements that do not leave the script.
    """

    facts: Facts
    workers: frozenset[str]
    leading: frozenset[str]
    until: int
    stay: tuple[TopStatement, ...]

    # --- the parts ---

    @cached_property
    def under(self) -> tuple[TopStatement, ...]:
        """What goes under the guard, in its order."""
        return tuple(s for s in self.stay if s not in self.above)

    @cached_property
    def above(self) -> frozenset[TopStatement]:
        """What stays, and so is run by workers too."""
        first = next((i for i, s in enumerate(self.stay) if self._does(s)), len(self.stay))
        kept = set(self.stay[:first])
        later = self.stay[first:]
        kept |= {s for s in later if s.kind in ("definition", "future", "docstring") and not self._does(s)}
        while True:
            needed = {n for s in kept for n in s.early} | self.needed
            fresh = {s for s in later if s not in kept and self._follows(s, needed)}
            if not fresh:
                return frozenset(kept)
            kept |= fresh

    def _follows(self, statement: TopStatement, needed: Collection[str]) -> bool:
        """Whether what stands behind work can and must be above the guard."""
        if statement.kind not in ("import", "assignment") or self._does(statement):
            return False
        shaped = () if statement.binds else statement.changes
        return bool({*statement.binds, *shaped} & set(needed)) and self._bound_once(statement)

    def _bound_once(self, statement: TopStatement) -> bool:
        others = [s for s in self.stay if s is not statement]
        return not any(set(s.binds) & set(statement.binds) - self._once_more(s) for s in others)

    def _once_more(self, statement: TopStatement) -> frozenset[str]:
        """The names that an import binds to what they are already, and that nothing binds to anything else."""
        names = self._imported_by(statement)
        others = {n: [s for s in self.facts.statements if n in s.binds and s is not statement] for n in names}
        return frozenset(
            name
            for name, target in names.items()
            if all(self._imported_by(s).get(name) == target for s in others[name])
            and any(s.span.start < statement.span.start for s in others[name])
        )

    def _imported_by(self, statement: TopStatement) -> dict[str, str]:
        """What each name stands for that a statement imports; nothing where a condition decides on it."""
        return {i.local: i.target for i in self.facts.imports if i.span == statement.span and i.local != "*"}

    def _does(self, statement: TopStatement) -> bool:
        """Whether it does more than make values, and set up what workers need as well."""
        if statement.kind == "definition":
            return bool(set(statement.binds) & self._at_exit)
        if statement.kind == "work" and statement.calls:
            done = [c for c in statement.calls if not SETTINGS.fullmatch(c) and not makes(c, self.facts)]
            return bool(done) and not self._repeats(statement)
        if self._moves_about and any(map(_OF_THE_FOLDER.fullmatch, statement.calls)):
            return True
        if statement.kind in ("assignment", "import"):
            return any(not makes(c, self.facts) for c in statement.calls) and not self._repeats(statement)
        return statement.kind == "work"

    @cached_property
    def _moves_about(self) -> bool:
        return any("os.chdir" in s.calls for s in self.facts.statements)

    @cached_property
    def _at_exit(self) -> frozenset[str]:
        """Definitions that a decorator has run when the process ends: every worker would run them too."""
        sinks = ((m.name, s) for m in self.facts.mentions for s in m.sinks)
        return frozenset(n for n, s in sinks if isinstance(s, ToCall) and s.decorates and s.callee == "atexit.register")

    def _repeats(self, statement: TopStatement) -> bool:
        """Whether workers need it and get from it what the script gets."""
        if statement.calls and all(map(_REGISTRIES.fullmatch, statement.calls)):
            return any(set(statement.binds) & set(s.decorators) for s in self.facts.statements)
        known = all(_REPEATABLE.fullmatch(c) or makes(c, self.facts) for c in statement.calls)
        return known and bool({*statement.binds, *statement.changes} & self.needed)

    # --- what workers need ---

    @cached_property
    def needed(self) -> frozenset[str]:
        """Every module-level name that what runs in workers reads, directly or through what it reads."""
        found, wanted = set[TopStatement](), set(self.workers)
        while True:
            fresh = {s for s in self.facts.statements if s not in found and self._serves(s, wanted)}
            if not fresh:
                return frozenset(wanted)
            found |= fresh
            wanted |= {n for s in fresh for n in s.reads if s.kind in ("definition", "assignment", "import")}

    def _serves(self, statement: TopStatement, wanted: Collection[str]) -> bool:
        if statement.kind == "guard":
            return False
        shapes = statement.kind == "assignment" and not statement.binds and set(statement.changes) & set(wanted)
        return bool(set(statement.binds) & set(wanted)) or bool(shapes)

    @cached_property
    def watched(self) -> frozenset[str]:
        """What workers need, and the other names it has."""
        found = set(self.needed)
        assigned = [s for s in self.facts.statements if s.kind == "assignment"]
        values = {n for s in assigned for n in s.binds}
        changed = {n for s in self.facts.statements for n in s.changes}
        while True:
            more = {n for s in assigned if set(s.early) & found & values for n in s.binds} & changed
            if more <= found:
                return frozenset(found)
            found |= more

    def changed_by(self, statement: TopStatement) -> frozenset[str]:
        """The names whose values it may set or change, in the functions that it uses too."""
        used = (s for s in self._used(statement) if not self._only_seeds(s))
        bound = frozenset(statement.binds) - self._once_more(statement)
        return bound.union(*((*s.changes, *s.global_writes) for s in (statement, *used)))

    def _only_seeds(self, statement: TopStatement) -> bool:
        """Whether it is a function that seeds, and sets flags of libraries, where all workers are seeded anew."""
        seeding = any(map(_SEEDS.fullmatch, statement.constructs)) and not statement.global_writes
        known = all(_SEEDS.fullmatch(c) or makes(c, self.facts) for c in statement.constructs)
        return self._seeded_anew and seeding and known and all(map(self._imported, statement.changes))

    @cached_property
    def _seeded_anew(self) -> bool:
        """Whether all workers are those of a DataLoader, which seeds `random`, numpy and torch in each.

        Source: `_worker_loop` in torch/utils/data/_utils/worker.py.
        """
        return bool(self.facts.starts) and all(s.symbol == "torch.utils.data.DataLoader" for s in self.facts.starts)

    def read_by(self, statement: TopStatement) -> frozenset[str]:
        """The names it reads, in the functions that it uses too."""
        return frozenset(statement.reads).union(*(s.reads for s in self._used(statement)))

    def _used(self, statement: TopStatement) -> list[TopStatement]:
        """The definitions whose code it may run here; those it only hands to workers run there."""
        own = f"{self.facts.module}."
        called = {re.split(r"\W", c.removeprefix(own))[0] for c in statement.calls if c.startswith(own)}
        names = [n for n in statement.reads if n not in self.workers or n in called]
        for name in names:
            found = self._definitions.get(name)
            leading = found is not None and bool(set(found.binds) & self.leading)
            more = [n for n in found.reads if n not in found.decorators] if found is not None else []
            names += [n for n in more if n not in names and not (leading and n in self.workers)]
        return [self._definitions[n] for n in names if n in self._definitions]

    @cached_property
    def _definitions(self) -> dict[str, TopStatement]:
        return {n: s for s in self.facts.statements if s.kind == "definition" for n in s.binds}

    # --- what forbids it ---

    def obstacles(self) -> Iterator[str]:
        """Why the parts would not do together what the whole did."""
        for statement in (s for s in self.under if s.span.start <= self.until):
            if mine := sorted(self.changed_by(statement) & self.watched):
                yield (
                    f"workers read {listed(mine)}, set by the script's own work at line {statement.span.line}: those"
                    " that are spawned would not have it. Hand it to them as an argument or with an initializer"
                )
            yield from self._hidden(statement)
            for setting in (c for c in statement.calls if SETTINGS.fullmatch(c)):
                if self._seeded_anew and _SEEDS.fullmatch(setting):
                    continue
                if {n for n in statement.reads if n in self.needed}:
                    yield f"line {statement.span.line} sets up what workers use ({setting}): put it above the work"
        for index, statement in enumerate(self.stay):
            if self._asks_who(statement):
                yield f"line {statement.span.line} asks for `__name__`, and workers get another answer"
            earlier = [s for s in self.stay[:index] if s in self.under]
            if statement in self.above and earlier:
                yield from self._overtakes(statement, earlier)
        yield from self._unseen()

    def _hidden(self, statement: TopStatement) -> Iterator[str]:
        """What work may do to the names of the script without naming them."""
        line = statement.span.line
        if spaces := sorted(self.read_by(statement) & {"globals", "exec"}):
            yield f"line {line} may set with {listed(spaces)} what workers read"
        modules = {n for s in self.facts.statements if {"sys", "__name__"} <= set(s.early) for n in s.binds}
        if mine := sorted(self.changed_by(statement) & modules - set(statement.binds)):
            yield f"line {line} may set through {listed(mine)} what workers read"

    def _asks_who(self, statement: TopStatement) -> bool:
        """Whether it does one thing or another by how the script is run, in a way that is no main guard."""
        shown = statement.calls[:1] and statement.calls[0] in _INERT
        return statement.kind in ("work", "import") and "__name__" in statement.early and not shown

    def _unseen(self) -> Iterator[str]:
        """What workers run may read something that no statement is seen to set."""
        served = [s for s in self.facts.statements if set(s.binds) & self.needed]
        if spaces := sorted({n for s in served for n in s.reads} & {"globals", "eval", "exec"}):
            yield f"what workers run reads {listed(spaces)}, which may reach what only the script's work sets"
        bound = {n for s in self.facts.statements for n in (*s.binds, *s.global_writes)}
        loose = sorted(n for n in self.needed - bound if not hasattr(builtins, n) and not n.startswith("__"))
        if loose and self.workers and "*" not in bound:
            yield f"workers read {listed(loose)}, which no statement is seen to set"

    def _overtakes(self, statement: TopStatement, earlier: Sequence[TopStatement]) -> Iterator[str]:
        """Why a statement cannot be run before work that stands above it."""
        line = statement.span.line
        made = {n for s in earlier for n in self.changed_by(s)}
        if early := sorted(set(statement.early) & made):
            yield f"line {line} needs {listed(early)}, which the work above it sets or changes"
        reads = {n for s in earlier for n in self.read_by(s)}
        shaped = () if statement.binds else statement.changes
        shaped = self.shaped_by(statement) if statement.kind == "definition" else shaped
        if taken := sorted(reads & {*shaped, *(n for n in statement.binds if self._means_another(n, statement))}):
            yield f"line {line} changes what {listed(taken)} means to the work above it"
        if statement.kind == "definition":
            yield from self._does_at_once(statement)
        patched = set(shaped) & {n for s in self.facts.statements if s.kind == "import" for n in s.binds}
        if statement.kind == "import" or patched:
            yield from self._prepared(statement, earlier)

    def shaped_by(self, statement: TopStatement) -> tuple[str, ...]:
        """What a definition changes when it is made: by its decorators, its metaclass, or a hook of its base."""
        found = {n for n in statement.decorators if n not in self._definitions and not self._imported(n)}
        for name in statement.early:
            base = next((c for c in self.facts.classes if c.name == name), None)
            used = self._definitions.get(name)
            active = base is not None and ("builtins.type" in base.bases or "__init_subclass__" in base.members)
            if used is not None and (active or name in statement.decorators):
                found |= {name, *self.changed_by(used)}
        return tuple(found)

    def _imported(self, name: str) -> bool:
        return any(name in s.binds for s in self.facts.statements if s.kind == "import")

    def _means_another(self, name: str, statement: TopStatement) -> bool:
        return hasattr(builtins, name) or any(name in s.binds for s in self.facts.statements if s is not statement)

    def _does_at_once(self, statement: TopStatement) -> Iterator[str]:
        doing = [c for c in statement.calls if not makes(c, self.facts)]
        if doing:
            yield f"line {statement.span.line} calls {doing[0] or 'something'} when it defines, after work"

    def _prepared(self, statement: TopStatement, earlier: Sequence[TopStatement]) -> Iterator[str]:
        """What work may have to be done before an import, or before a module is patched."""
        targets = [i.module for i in self.facts.imports if within(i.span.start, statement)]
        if targets and all(t.partition(".")[0] in sys.stdlib_module_names for t in targets):
            return
        for one in earlier:
            if (not one.calls and one.kind == "work") or not all(map(self._shows, one.calls)):
                does = "imports" if statement.kind == "import" else "patches"
                yield f"line {one.span.line} may prepare what line {statement.span.line} {does}"

    def _shows(self, call: str) -> bool:
        return call in _INERT or bool(_LOOKING.fullmatch(call)) or makes(call, self.facts)
