"""A `functools.partial` that binds as a method.

Copied by fixpickle, which put a module-level function and a `method_partial`
where a function defined in a function stood, so that it can be pickled. It needs the standard library alone (CPython
3.8 to 3.14). MIT license; edit it as you like.
"""

from __future__ import annotations

import functools
from types import MethodType
from typing import TYPE_CHECKING, Any, Callable, Optional

__all__ = ["method_partial"]

if TYPE_CHECKING:
    _Partial = functools.partial[Any]
else:  # 3.8 cannot subscript it
    _Partial = functools.partial


class method_partial(_Partial):
    """`functools.partial(function, *args, **keywords)` that, looked up on an instance, is a method as a function is.

    A plain partial that stands in a class body never receives `self` before Python 3.14. The instance comes after the
    filled-in positional arguments: `function(*args, instance, ...)`. Its name, docstring and module are the function's.

    Source: https://docs.python.org/3/howto/descriptor.html#functions-and-methods
    """

    __slots__ = ()

    def __new__(cls, function: Callable[..., Any], /, *args: Any, **keywords: Any) -> method_partial:
        made = super().__new__(cls, function, *args, **keywords)
        for name in ("__module__", "__name__", "__doc__"):  # a bound method is pickled by its name
            setattr(made, name, getattr(function, name, None))
        return made

    @property
    def __signature__(self) -> Any:
        # `inspect` takes what has `__get__` for a built-in, before it looks whether it is a partial.
        import inspect

        return inspect.signature(functools.partial(self.func, *self.args, **self.keywords))

    def __get__(self, instance: Any, owner: Optional[type] = None) -> Any:
        """The partial itself on the class, a bound method on an instance."""
        if instance is None:
            return self
        return MethodType(self, instance)
