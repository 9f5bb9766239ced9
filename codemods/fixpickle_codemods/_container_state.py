"""How a subclass of a container is pickled whole: made empty, then its attributes, then its items behind its back."""

from __future__ import annotations

_ITEMS = {
    "collections.OrderedDict": "list({0}.items(self))",
    "collections.defaultdict": "list({0}.items(self))",
    "collections.Counter": "list({0}.items(self))",
    "builtins.dict": "list({0}.items(self))",
    "builtins.list": "list({0}.__iter__(self))",
    "builtins.set": "list({0}.__iter__(self))",
    "collections.deque": "list({0}.__iter__(self))",
}
_FILLED = {
    "collections.OrderedDict": ("for key, value in items:", "    {0}.__setitem__(self, key, value)"),
    "collections.defaultdict": ("for key, value in items:", "    {0}.__setitem__(self, key, value)"),
    "collections.Counter": ("for key, value in items:", "    {0}.__setitem__(self, key, value)"),
    "builtins.dict": ("{0}.update(self, items)",),
    "builtins.list": ("{0}.extend(self, items)",),
    "builtins.set": ("{0}.update(self, items)",),
    "collections.deque": ("{0}.__init__(self, items, maxlen)",),
}
_MORE = {"collections.defaultdict": "default_factory", "collections.deque": "maxlen"}
_ITEM = {
    "builtins.list": "{0}.append(self, 0)",
    "builtins.set": "{0}.add(self, 0)",
    "collections.deque": "{0}.append(self, 0)",
}


def container_hooks(code: str, newobj: str) -> list[str]:
    """`__reduce__` and `__setstate__` for a subclass of the container that `code` names, symbol and as written.

    `newobj` is how the module names `copyreg.__newobj__`, which makes an instance without its constructor.
    """
    symbol, base = code.split(" ", 1)
    more = _MORE.get(symbol, "")
    items = _ITEMS[symbol].format(base)
    state = f"(self.__dict__.copy(), {f'self.{more}, ' if more else ''}{items})"
    lines = ["self.__dict__.update(attributes)"]
    if more == "default_factory":
        lines.append("self.default_factory = default_factory")
    lines += [line.format(base) for line in _FILLED[symbol]]
    return [
        "def __reduce__(self):",
        f"    return {newobj}, (type(self),), {state}",
        "",
        "def __setstate__(self, state):",
        f"    attributes, {f'{more}, ' if more else ''}items = state",
        *(f"    {line}" for line in lines),
    ]


def item(code: str) -> str:
    """The expression that puts an item into `self` behind the back of the class."""
    symbol, base = code.split(" ", 1)
    return _ITEM.get(symbol, "{0}.__setitem__(self, 0, 0)").format(base)
