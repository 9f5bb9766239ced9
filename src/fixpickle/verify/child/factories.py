"""Factories that the user names: functions, fixtures of pytest, and names of a doctest."""

from __future__ import annotations

import inspect
from typing import Any, Dict

from .modules import resolve
from .world import World


def made_by(world: World, factory: str) -> Any:
    """What `module:function` returns, what a fixture of that name gives, or what `module:thing#name` calls `name`.

    The last runs the examples in the docstring of `thing`.
    """
    owner, _, name = factory.partition(":")
    module = world.modules.get(owner)
    name, _, variable = name.partition("#")
    thing = resolve(module, name)
    if not variable:
        return _called(module, thing)
    import doctest  # it brings pdb and unittest along, and few factories are written so

    scope: Dict[str, Any] = dict(vars(module))
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(thing) or ""):
        exec(compile(example.source, "<doctest of %s>" % name, "exec"), scope)
    return scope[variable]


def _called(module: Any, thing: Any) -> Any:
    """The result of a function. A fixture may need others of its module, and may give its value by `yield`."""
    wrapped = getattr(thing, "_get_wrapped_function", None)
    function = wrapped() if wrapped else getattr(thing, "__pytest_wrapped__", None)
    function = getattr(function, "obj", function) or thing
    if function is thing:
        return thing()
    needed = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    made = function(**{name: _called(module, getattr(module, name)) for name in needed})
    return next(made) if inspect.isgenerator(made) else made
