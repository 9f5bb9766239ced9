"""Imports, places that name something of a library, and what a file sets for its processes by such names."""

from __future__ import annotations

from enum import Enum

from fixpickle.model import Span
from fixpickle.survey.facts.fact import Fact


class ImportFact(Fact, frozen=True):
    """A name that an import binds. `top` is false inside functions; `whole` for `import x` and `import x as y`.

    `target` is what the name stands for, `module` the module that is loaded: `import a.b` binds a, and loads a.b.
    `offered` is set for `x as x`, by which a module says that the name is there for others (PEP 484). A `lazy` one
    loads the module when the name is first used (PEP 810, Python 3.15).
    """

    local: str
    target: str
    module: str
    span: Span
    top: bool
    whole: bool
    offered: bool = False
    lazy: bool = False


class Reference(Fact, frozen=True):
    """A place that names something by its symbolic name: `joblib.delayed`. `argument` is its first, where constant.

    Of names that a library moved, `argument` is the function that the place is in, or the value of an argument that
    went; `keywords` are those of the call, `**` for unpacked ones and "" for arguments without a name.
    """

    symbol: str
    span: Span
    called: bool
    argument: str
    keywords: tuple[str, ...] = ()


class Form(str, Enum):
    """What a choice of the pickler is written as; ONLY is a statement alone in its block.

    AGAIN is a definition that repeats one above it word for word, with a wrapper on top.
    """

    EXPRESSION = "expression"
    STATEMENT = "statement"
    ONLY = "only statement"
    DECORATOR = "decorator"
    AGAIN = "definition again"


class PicklerChoice(Fact, frozen=True):
    """A place that has loky pickle with `pickler`: everything, or the object that `covers` names.

    `symbol` is the wrapper, the switch or `os.environ`, as it is imported. `pickler` is empty for the default, and "?"
    where only running tells. `span` is what would go, and `code` what would stay in its place. `reason` says why it
    has to stay, as far as its own file shows.
    """

    symbol: str
    span: Span
    pickler: str
    covers: str
    form: Form
    code: str
    reason: str


class StateSet(Fact, frozen=True):
    """Configuration of a process or a thread that the file sets: by which call or attribute, and at which line.

    `library` is empty where no state is ready-made for it.
    """

    library: str
    symbol: str
    line: int
