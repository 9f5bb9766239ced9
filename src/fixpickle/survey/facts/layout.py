"""How a file is laid out: its statements, starts of processes, imports that could be late, and comments."""

from __future__ import annotations

from fixpickle.model import Span
from fixpickle.survey.facts.fact import Fact


class TopStatement(Fact, frozen=True):
    """One statement at module level: what it is, binds and reads, a `__file__` left out that only tells the folder.

    `calls` are the symbolic names it calls when it runs, bodies of functions and decorators left out; `global_writes`
    the names that functions in it declare `global`; `renames` those whose `__name__` or `__qualname__` it sets.

    Of a file that does work of its own: `early` are the names it reads when it runs itself, bodies of functions left
    out, `changes` the names whose values it may change in place, there too; `decorators` are the names in these, those
    of methods too, `constructs` what a class calls when an instance is made, and a function when it is called. `hands`
    are the definitions that it names other than to call them. `inner` are the statements below a main guard that has no
    `else` and no other condition.
    """

    span: Span
    kind: str
    binds: tuple[str, ...]
    reads: tuple[str, ...]
    calls: tuple[str, ...]
    global_writes: tuple[str, ...]
    renames: tuple[str, ...]
    early: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    constructs: tuple[str, ...] = ()
    hands: tuple[str, ...] = ()
    inner: tuple[TopStatement, ...] = ()


class Start(Fact, frozen=True):
    """A call that starts processes, which import the script again where they are not forked.

    `symbol` is what is called, `method` the start method where it is given there, as Python writes it, else empty.
    """

    symbol: str
    method: str
    line: int


class LateUse(Fact, frozen=True):
    """A function that reads an import of its module: `at` is the start of the line where it could do it itself.

    `function` is empty for the part under the main guard. `indent` is that line's. `reason` says why it could not,
    after the function's name; it is empty where it could.
    """

    function: str
    at: int
    indent: str
    reason: str


class LateImport(Fact, frozen=True):
    """An import at module level that only functions, or the main guard, read: `name` is bound, `module` loaded.

    `module` is as it is written, with dots in front where it is relative.
    """

    name: str
    module: str
    span: Span
    uses: tuple[LateUse, ...]


class Suppression(Fact, frozen=True):
    """A rule that a comment suppresses on a line of code; `span` is the comment, up to the end of its reason."""

    line: int
    rule: str
    reason: str
    span: Span
