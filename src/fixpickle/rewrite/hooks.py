"""State hooks as a maintainer writes them: `__getstate__` leaves something out, `__setstate__` makes it anew."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import Edit, Refusal, Source
from fixpickle.rewrite.methods import class_at
from fixpickle.rewrite.place import block_end, line_start, starts_line
from fixpickle.survey.facts import Layout
from fixpickle.survey.mangling import mangled
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_in, bound_names, parameters

_STATE = "dict[str, object]"
_STATE_NAME = re.compile(r"^(|[\w.]+\()state\b")  # in the statements that change it
_AFTER = ("__post_init__", "__init__", "__new__")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An attribute that is pickled as None. `code` makes it anew from `self` when loaded; empty where None will do.

    `kept` is an expression that is pickled in the place of None: when `code` runs, the attribute holds its value, and
    where there is a statement `first` it can see to that before, and `last` to the rest afterwards.
    """

    attribute: str
    code: str
    kept: str = "None"
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class ByName:
    """An attribute that is pickled by its name where it holds a module or a standard stream, and else as it is.

    `runtime` is how the file names the runtime module `names`.
    """

    attribute: str
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class _Site:
    """The class in its file, and how code in it is written."""

    tree: Tree
    node: ast.ClassDef
    layout: Layout

    @property
    def indent(self) -> str:
        return self.indent_of(self.node.body[0])

    @property
    def inner(self) -> str:
        """The indentation of the body of a method, as the file has it."""
        return self.indent + (self.indent[len(self.indent_of(self.node)) :] or "    ")

    def indent_of(self, statement: ast.stmt) -> str:
        """What stands before a statement on its line: spaces, or tabs."""
        start = self.tree.span(statement).start
        return self.tree.text[line_start(self.tree.text, start) : start]

    @property
    def annotated(self) -> bool:
        methods = [s for s in self.node.body if isinstance(s, FUNCTIONS)]
        return bool(methods) and all(m.returns is not None for m in methods)

    def method(self, name: str) -> Function | None:
        return next((s for s in self.node.body if isinstance(s, FUNCTIONS) and s.name == name), None)

    def stored(self, attribute: str) -> str:
        """The key of an attribute in the instance's dictionary."""
        return mangled(attribute, self.node.name)


def _site(source: Source, cls: str, layout: Layout) -> _Site | Refusal:
    """The class as it stands in the text, or why no methods can be added to it."""
    tree = Tree(source)
    node = class_at(tree, cls)
    if node is None:
        return Refusal(source.path, f"{cls} has no body that methods can be added to")
    site = _Site(tree, node, layout)
    crowded = _crowded(site)
    return Refusal(source.path, crowded, node.lineno) if crowded else site


def state_hooks(
    source: Source, cls: str, layout: Layout, kept: Sequence[Rebuilt | ByName]
) -> tuple[Edit, ...] | Refusal:
    """The edits after which instances of `cls`, a qualified name, are pickled without these attributes.

    Hooks that the class has already, of the plain shapes that `layout` knows, are extended. The state keeps the key,
    with None: so it is never empty, which old protocols would not hand to `__setstate__`, and hooks of subclasses find
    what they know. The instance itself is left alone.
    """
    site = _site(source, cls, layout)
    if isinstance(site, Refusal):
        return site
    for one in kept:
        if not layout.dictionary and site.stored(one.attribute) not in layout.slots:
            return Refusal(source.path, f"{one.attribute} is in no slot of {cls}", site.node.lineno)
    if hidden := _hidden(site, kept):
        return Refusal(source.path, hidden, site.node.lineno)
    return tuple(_edits(site, kept))


def remade_hooks(source: Source, cls: str, layout: Layout, rebuilt: Sequence[Rebuilt]) -> tuple[Edit, ...] | Refusal:
    """The edits after which `__setstate__` makes these attributes, which `__getstate__` leaves out, anew.

    A `__setstate__` of the plain shape that `layout` knows is extended; else one is written.
    """
    site = _site(source, cls, layout)
    if isinstance(site, Refusal):
        return site
    if hidden := _hidden(site, rebuilt):
        return Refusal(source.path, hidden, site.node.lineno)
    remade = [_assigned(site, one) for one in rebuilt]
    makes, takes = site.method("__getstate__"), site.method("__setstate__")
    if takes is not None:
        indent = site.indent_of(takes.body[-1])
        return (_behind(site, _content_end(site, takes.body[-1]), [indent + line for line in remade]),)
    if makes is None:
        return Refusal(source.path, f"{cls} has no __getstate__ any more", site.node.lineno)
    return (_behind(site, _content_end(site, makes), ["", *_setstate(site, remade)]),)


def _crowded(site: _Site) -> str:
    """Why its hooks cannot be extended: what is added there starts as the line of the last statement does."""
    for hook in (site.method("__getstate__"), site.method("__setstate__")):
        if hook is not None and not starts_line(site.tree.text, site.tree.span(hook.body[-1]).start):
            return f"the end of {site.node.name}.{hook.name} shares its line with something else"
    return ""


def _hidden(site: _Site, kept: Sequence[Rebuilt | ByName]) -> str:
    """Why what makes an attribute anew cannot stand in a hook: a name in it would be a variable of the hook there."""
    takes, made = site.method("__setstate__"), [one for one in kept if isinstance(one, Rebuilt)]
    own = {name for one in made for name in bound_names(ast.parse(one.first))}
    if takes is None:
        own |= {"state", "name", "value"} if site.layout.slots else {"state"}
    else:
        own |= {*parameters(takes), *bound_in(takes.body)} - {"self"}
    for one in made:
        names = [node for node in ast.walk(ast.parse(one.code)) if isinstance(node, ast.Name)]
        bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        if lost := own & {node.id for node in names} - bound:
            return f"`{min(lost)}` in `{one.code}` would be a variable of __setstate__ there: give it another name"
    return ""


def _edits(site: _Site, kept: Sequence[Rebuilt | ByName]) -> Iterator[Edit]:
    makes, takes = site.method("__getstate__"), site.method("__setstate__")
    blanked = [_blanked(site, one) for one in kept]
    remade = [line for one in kept for line in _remade(site, one)]
    fresh: list[str] = []
    if takes is None and (remade or site.layout.slots):
        fresh = ["", *_setstate(site, remade)]
    elif takes is not None and remade:
        end = _content_end(site, takes.body[-1])
        yield _behind(site, end, [site.indent_of(takes.body[-1]) + r for r in remade])
    if makes is None:
        yield _behind(site, _content_end(site, _place(site)), ["", *_getstate(site, blanked), *fresh])
    else:
        yield _extended(site, makes, blanked, fresh)


def _blanked(site: _Site, one: Rebuilt | ByName) -> str:
    """The statement that puts something else into the state."""
    if isinstance(one, ByName):
        return f'{one.runtime}.to_name(state, "{site.stored(one.attribute)}")'
    return f'state["{site.stored(one.attribute)}"] = {one.kept}'


def _remade(site: _Site, one: Rebuilt | ByName) -> list[str]:
    """The statements that give a loaded instance the attribute back."""
    if isinstance(one, ByName):
        return [f'{one.runtime}.from_name(self, "{site.stored(one.attribute)}")']
    return [s for s in (one.first, _assigned(site, one), one.last) if s] if one.code else []


def _assigned(site: _Site, one: Rebuilt) -> str:
    if site.layout.guarded:
        return f'object.__setattr__(self, "{site.stored(one.attribute)}", {one.code})'
    return f"self.{one.attribute} = {one.code}"


# --- whole methods --------------------------------------------------------------------------------------------------


def _getstate(site: _Site, blanked: Sequence[str]) -> list[str]:
    head = f"def __getstate__(self) -> {_STATE}:" if site.annotated else "def __getstate__(self):"
    lines = list(_copying(site))
    return [f"{site.indent}{head}", *(site.inner + line for line in (*lines, *blanked, "return state"))]


def _copying(site: _Site) -> Iterator[str]:
    layout = site.layout
    if layout.base_makes:
        yield "state = super().__getstate__()"
        return
    if not layout.slots:
        yield "state = self.__dict__.copy()"
        return
    names = [f'"{s}"' for s in layout.slots if s not in ("__dict__", "__weakref__")]
    yield f"slots = ({', '.join(names)}{',' if len(names) == 1 else ''})"
    kept = "{name: getattr(self, name) for name in slots if hasattr(self, name)}"
    # Instances of a subclass without slots have a dictionary, and are pickled by these hooks too.
    fields = "self.__dict__" if layout.dictionary else 'getattr(self, "__dict__", {})'
    yield f"state = {{**{fields}, **{kept}}}"


def _setstate(site: _Site, remade: Sequence[str]) -> list[str]:
    head = f"def __setstate__(self, state: {_STATE}) -> None:" if site.annotated else "def __setstate__(self, state):"
    lines = [*_restoring(site), *remade]
    return [f"{site.indent}{head}", *(site.inner + line for line in lines)]


def _restoring(site: _Site) -> Iterator[str]:
    layout = site.layout
    if layout.base_takes:
        yield "super().__setstate__(state)"
    elif layout.slots:
        setter = "object.__setattr__" if layout.guarded else "setattr"
        yield "for name, value in state.items():"
        yield f"{site.inner[len(site.indent) :]}{setter}(self, name, value)"
    else:
        yield "self.__dict__.update(state)"


# --- edits ----------------------------------------------------------------------------------------------------------
# Each replaces at least one character: of two patches that would add to one place, the second then waits for its round.


def _place(site: _Site) -> ast.stmt:
    """The statement that new methods go behind: the constructor, or the last one of the class."""
    made = (site.method(name) for name in _AFTER)
    return next((m for m in made if m is not None), site.node.body[-1])


def _behind(site: _Site, end: int, lines: Sequence[str]) -> Edit:
    added = "".join(f"\n{line}" for line in lines)
    return Edit(site.tree.source.path, end - 1, end, site.tree.text[end - 1 : end] + added)


def _content_end(site: _Site, statement: ast.stmt) -> int:
    """The offset behind a statement and the comments that belong to it, before the line break."""
    text = site.tree.text
    return len(text[: block_end(text, site.tree.span(statement))].rstrip("\r\n"))


def _extended(site: _Site, makes: Function, blanked: Sequence[str], fresh: Sequence[str]) -> Edit:
    """The return of a `__getstate__` with what is left out before it, and the rest of the method's lines behind it."""
    last = makes.body[-1]
    span, inner = site.tree.span(last), site.indent_of(last)
    value = last.value if isinstance(last, ast.Return) else None
    if isinstance(value, ast.Name):
        lines = [_STATE_NAME.sub(rf"\1{value.id}", line, count=1) for line in blanked] + [site.tree.code(last)]
    else:
        made = site.tree.code(value) if value is not None else ""
        lines = [f"state = {made}", *blanked, "return state"]
    end = _content_end(site, makes)
    text = f"\n{inner}".join(lines) + site.tree.text[span.end : end] + "".join(f"\n{line}" for line in fresh)
    return Edit(site.tree.source.path, span.start, end, text)
