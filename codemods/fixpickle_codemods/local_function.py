"""# local-function

A function defined inside a function, whose value is pickled: handed to a process pool, stored on an instance, or
returned to whoever stores it. Pickle stores functions by name, and a name with `<locals>` in it leads nowhere:

    AttributeError: Can't pickle local object 'make.<locals>.inner'
    PicklingError: Can't pickle local object <function make.<locals>.inner>        (Python 3.14)

## What it becomes

A private module-level function, placed before the statement it stood in, with its comments, docstring, annotations and
defaults. Where it captured nothing, its uses name the new function; where one of them may come before the definition,
the old name is bound to it. Where it captured variables that are never bound again, the old name is bound to
`functools.partial(_function, captured, ...)`; the captured values come first and are positional-only, and a function
that calls itself hands them on. So are defaults that are evaluated wherever the function is made, `def apply(row,
by=by)`: `by` is what was handed over where the caller gives none. Local functions that it calls move along, functions
that call each other together. `self.__limit` becomes `self._Owner__limit`, which is what it means in the body of the
class `Owner`. Modules imported by the function around it are imported again inside it. Type parameters of its own (PEP
695) move along; they are syntax where Python 3.12 or later runs fixpickle.

A class of the project that alone decorates it, `@Parser`, is called with it in its place: `parse = Parser(_parse)`. A
function that captures variables and is read by one that travels is fixed first, and is a value to that one.

Where more is done with the function than calls, what stands for it answers alike:

| what is done | what stands for it |
|---|---|
| its `__name__` is read, and it captures nothing | the module-level function, which keeps its `__name__` |
| compared, or a key, and it captures nothing | `functools.partial(_function)`: another one at every call |
| attributes are set on it, its `__name__` or `__doc__` is read, it hands itself on | an instance of a small class |
| it may become a method, or takes `*args` and is returned | `method_partial` of the runtime, which binds |

The class keeps what was captured, has the function's `__name__` and docstring, and says `self` where the function named
itself. Two instances are never equal, as two functions were not: what two calls made stays two things.

## What it leaves alone

Functions that only run where they were made; wrappers with `functools.wraps`; what a function returns that is used as a
decorator or in a class body of the project, or that hands its argument on to another decorator; functions made to be
methods (first parameter `self` or `cls`); boundaries that ship functions by value (Ray, Dask, loky, Spark), and state
in files that work with these and nothing else that pickles. In a package: what a function returns, alone or beside
others, that the package does not export and whose callers in sight keep nothing of it; what private classes keep that
nothing public inherits from, keeps or returns.
Calls in a block of `pytest.raises` or `assertRaises`.

## When it refuses

A captured variable is bound again after the definition, by a loop too, or may be unbound when it is made. `nonlocal`,
`super()`, `__class__`, `locals()`, a private name `__x` of a variable. Decorators, which run at every call of the
function around it; defaults that do so and name local functions, bind names or have a lambda in them, are asked for in
a signature, or stand in a function that names itself. A name that is bound more than once, where the function of that
name names itself. `__qualname__`, `__code__`, `__dict__` or `__closure__` of it is read; `inspect` or `functools.wraps`
is asked about it; the module of the function it is handed to asks for more than its `__name__`. Annotations, and bounds
of type parameters, that name local variables; type parameters of the function or class around it. Local functions that
it calls and that capture variables, or may not exist yet. What adds to a captured container on its way to another
process. With `--reach any`, what nothing pickles and whose name stands in a string that something is compared with: it
may be a test of a traceback. What `joblib.Memory` caches; configuration files run by exec.

What would become a partial or an object: its type is asked for, or attributes that only functions have (`__defaults__`,
`__annotations__`). What would become an object: generators and coroutine functions, which `inspect` tells from it; what
binds as a method; what moves together with others; what names itself in a loop, where the name is the last one's.

What can differ: `__qualname__` and, where nothing is seen to read it, `__name__`; and identity where the function was
made afresh at every call. A function of the module is never collected: what refers to it weakly sees it stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Kind
from fixpickle_codemods._callables import findings, lifted_patch


class LocalFunction:
    """A function defined inside a function, whose value is pickled."""

    name = "local-function"
    summary = "a function defined in a function has no name that pickle could store"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every function defined inside a function, with its reach."""
        return findings(self.name, Kind.FUNCTION, "the local function", project, facts)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """Lift it to module level."""
        return lifted_patch(finding, shop)


RULE = LocalFunction()
