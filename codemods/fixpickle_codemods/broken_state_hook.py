"""# broken-state-hook

A class that says how it is pickled, and loses or damages something on the way; or that cannot be loaded because of a
method that pickle calls while the instance is still empty. Little of this fails where it is caused:

    RecursionError: maximum recursion depth exceeded
    TypeError: 'NoneType' object is not callable
    TypeError: Recent.__init__() missing 1 required positional argument: 'limit'
    AttributeError: 'Counter' object has no attribute 'lock'

## What it becomes

- `__getstate__` makes a copy of the state and ends without returning it: `return state`.
- `__getstate__` takes from `self.__dict__`, or sets attributes to None, and returns that dictionary, so that whoever
  pickles the instance damages it: a copy first, and the changes made to the copy.
- `__getstate__` leaves out an attribute that methods read and only the constructor sets: `__setstate__` makes it as
  the constructor does.
- `__getstate__` or `__setstate__` passes over the base's, which leaves out a lock or the like and makes it anew:
  `super()` is asked.
- `__getstate__` of a class with slots alone gives a dictionary that nothing puts back: a `__setstate__` that sets the
  slots.
- `__getattr__` reads an attribute that an empty instance does not have, itself or through `self[name]`, a property or
  another method, be it for the message of its exception, and so asks itself without end: AttributeError for that
  attribute, and for the property, `if name == "_wrapped": raise AttributeError(name)`.
- `__getattr__` answers `__setstate__` or `__deepcopy__` with None, a constant or a KeyError: AttributeError for all
  names that begin and end with two underscores.
- A subclass of OrderedDict, defaultdict, Counter, deque or set has a constructor that takes other arguments than
  pickle calls it with: `__reduce__` and `__setstate__`, which make the instance without its constructor, then set its
  attributes, then its items.
- A subclass of dict or list has a `__setitem__` or `extend` that reads an attribute, which is not there yet when the
  items arrive: the same.

The last two set the items behind the back of the class: what it counts, checks or stamps when an item is set was done
when the item came in, and travels as it is. Its subclasses, `copy` and `deepcopy` go the same way.

Pickle asks an instance for `__setstate__` when it is loaded, and before that for nothing; `copy` does the same,
`deepcopy` asks for `__deepcopy__` first, and up to Python 3.10 pickling asks for `__getstate__`. So a `__getattr__`
that raises KeyError fails on those, and from 3.11 on only in `deepcopy`. Protocols 0 and 1 hand no empty state to
`__setstate__`, and do not know slots; nothing here depends on it.

## The proof

An instance must arrive with every attribute that it held, but for those left out on purpose, and with all its items;
and it must still have them in the process that pickled it.

## What it leaves alone

A `__getstate__` that returns None in so many words, raises or does nothing. What flushes, sorts or fills something
before it returns `self.__dict__`. Attributes that are tested for, made when they are missing, set by another method,
provided by the class or by a base; classes with a base that is not in the project, where it could provide them. What
a base leaves out although it could cross: a subclass may take it along on purpose. A `__getattr__` that raises
AttributeError for names with underscores, or makes an object of whatever it is asked for, as proxies of remote
objects do. Classes that begin with an underscore and that nothing keeps; tests; what belongs to one process anyway.

## When it refuses

The attribute is made of an argument that is gone, or by a call that does more than make a value, such as `open`: the
report names it. `__getstate__` closes what it takes away. Both the class and its base leave out the same key. A
container has a `__getstate__` of its own, or a subclass that has hooks. A class with slots has a `__setattr__` of its
own, which loading runs for each slot.

Pickles of a set or dict subclass that it wrote before, which could be loaded only without their items, cannot be
loaded by the new `__setstate__`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts
from fixpickle_codemods._hook_flaws import judged
from fixpickle_codemods._hook_repairs import repair


class BrokenStateHook:
    """A hook that loses, damages or refuses what is pickled."""

    name = "broken-state-hook"
    summary = "a class' own hook loses or damages what is pickled, or keeps instances from being loaded"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every hook of the file's classes that does harm."""
        for found in judged(project, facts):
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=found.flaw.span,
                message=found.message,
                reach=found.reach,
                safety=Safety.MANUAL if found.reason else Safety.SAFE,
                reason=found.reason,
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The smallest change to the hook, or beside it, that makes it good."""
        facts = shop.facts[finding.path]
        found = next(
            j for j in judged(shop.project, facts) if j.flaw.span == finding.span and j.message == finding.message
        )
        return repair(finding, shop, found)


RULE = BrokenStateHook()
