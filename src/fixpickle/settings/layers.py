"""What each place says, from the one furthest away to the command line, and what they say together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from fixpickle import __version__
from fixpickle.boundaries import Wrong
from fixpickle.model import Refusal
from fixpickle.settings.declared import DECLARED, KEYS, Setting
from fixpickle.settings.file import Place, find, inline, parse

CHOOSING = ("select", "extend-select", "ignore")

ALL = "ALL"
"""Stands for every rule where rules are chosen."""

FORMAT_VARIABLE = "FIXPICKLE_OUTPUT_FORMAT"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says: settings by key, and which configuration to read. What it does not say is not there.

    `config` are files, of which there can be one, and `KEY = VALUE`; `isolated` is to read no file.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    config: tuple[str, ...] = ()
    isolated: bool = False

    def selecting(self, rule: str) -> Options:
        """The same for one rule."""
        others = {key: value for key, value in self.values.items() if key not in CHOOSING}
        return replace(self, values={**others, "select": frozenset({rule})})


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says, by key, as :class:`fixpickle.model.Settings` has it."""

    place: Place
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Said:
    """A value, and the places it comes from."""

    value: object
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """The places of a run, furthest away first. `found` is the file that was looked for and found, not one named."""

    places: tuple[Place, ...]
    found: Place | None


def chain(start: Path, options: Options, environ: Mapping[str, str]) -> Chain | Refusal:
    """The configuration files that count, base first, then `KEY = VALUE`, then the environment's."""
    named = [text for text in options.config if "=" not in text or Path(text).is_file()]
    said = [inline(text) for text in options.config if text not in named]
    if len(named) > 1 or (named and options.isolated):
        other = "--isolated" if options.isolated else named[1]
        return Refusal(Path("--config"), f"there can be one configuration file: `{named[0]}` or `{other}`")
    found = None if named or options.isolated else find(Path(start))
    chosen = _file(Path(named[0]).expanduser().absolute()) if named else found
    files = _extended(chosen) if isinstance(chosen, Place) else chosen or ()
    wrong = next((one for one in (files, *said) if isinstance(one, Refusal)), None)
    if wrong is not None or isinstance(files, Refusal):
        return wrong or Chain((), None)
    places = [*files, *_of_environment(environ), *(one for one in said if isinstance(one, Place))]
    return Chain(tuple(places), found if isinstance(found, Place) else None)


def layers(places: Sequence[Place], options: Options, rules: Collection[str]) -> tuple[Layer, ...] | Refusal:
    """What the places and the command line say; or the first mistake in them."""
    found: list[Layer] = []
    for place in places:
        wrong = next(problems(place, rules), None)
        if wrong is not None:
            return wrong
        found.append(Layer(place, {key: _read(place, KEYS[key]) for key in place.table}))
    line = Place(Path("command line"), Path.cwd())
    wrong = next(_unknown_rules(line, options.values, rules), None)
    values = {key: KEYS[key].kind.place(value, line.base) for key, value in options.values.items()}
    return wrong or (*found, Layer(line, values))


def merged(said: Sequence[Layer]) -> dict[str, Said]:
    """By key, what holds when all have spoken: the last word, and what is added to it after."""
    found: dict[str, Said] = {}
    for layer in said:
        for setting in sorted((KEYS[key] for key in layer.values), key=lambda one: bool(one.adds_to)):
            value, key = layer.values[setting.key], setting.key
            before = found.get(key) if setting.adds_to else None
            places = (*(before.places if before else ()), layer.place)
            found[key] = Said(joined(before.value, value) if before else value, places)
            for other in DECLARED:
                if other.adds_to == key:
                    found.pop(other.key, None)  # a new list starts without what was added to the old one
    return found


def problems(place: Place, rules: Collection[str]) -> Iterator[Refusal]:
    """Everything that is wrong with what a place says."""
    wrong = _wrong_version(place)
    if wrong is not None:  # the rest is written for another version
        yield wrong
        return
    for key, raw in place.table.items():
        if key not in KEYS:
            yield place.refusal(key, f"unknown key `{key}`{meant(key, KEYS)}")
            continue
        value = KEYS[key].kind.read(raw)
        if isinstance(value, Wrong):
            yield place.refusal_in(value)
        elif value is None:
            yield place.refusal(key, f"`{key}` must be {KEYS[key].kind.words}")
        else:
            yield from _unknown_rules(place, {key: value}, rules)


def meant(word: str, known: Collection[str]) -> str:
    """`; did you mean that?`, or nothing where no known word is close."""
    close = get_close_matches(word.lower().replace("_", "-"), list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def joined(old: object, new: object) -> object:
    """A list of names or of patterns with another one added."""
    if isinstance(old, frozenset) and isinstance(new, frozenset):
        return old | new
    return (*old, *new) if isinstance(old, tuple) and isinstance(new, tuple) else new


def _read(place: Place, setting: Setting) -> object:
    return setting.kind.place(setting.kind.read(place.table[setting.key]), place.base)


def _unknown_rules(place: Place, values: Mapping[str, object], rules: Collection[str]) -> Iterator[Refusal]:
    for key in (*CHOOSING, "fixable", "unfixable", "per-file-ignores"):
        said = values.get(key)
        chosen = frozenset[str]().union(*said.values()) if isinstance(said, Mapping) else said
        for name in sorted(chosen) if isinstance(chosen, frozenset) else ():
            if name not in rules and name != ALL:
                yield place.refusal(key, f"`{key}`: no rule is named `{name}`{meant(name, [*rules, ALL])}")


def _of_environment(environ: Mapping[str, str]) -> Iterator[Place]:
    if environ.get(FORMAT_VARIABLE):
        yield Place(Path(FORMAT_VARIABLE), Path.cwd(), {"output-format": environ[FORMAT_VARIABLE]})


# --- files ----------------------------------------------------------------------------------------------------------


def _file(path: Path) -> Place | Refusal:
    if not path.is_file():
        return Refusal(path, "no such configuration file")
    return parse(path) or Refusal(path, "has no table [tool.fixpickle]")


def _extended(place: Place) -> tuple[Place, ...] | Refusal:
    """The file and what it goes on from, base first."""
    places = [place]
    while "extend" in places[0].table:
        own = places[0]
        name = own.table["extend"]
        if not isinstance(name, str) or not name:
            break  # reported with what else is wrong there
        base = _file(KEYS["extend"].kind.place(name, own.base))  # type: ignore[arg-type]
        if isinstance(base, Refusal):
            return base if base.line else own.refusal("extend", f"`extend`: {base.path}: {base.reason}")
        if base.path in {one.path for one in places}:
            return own.refusal("extend", f"`extend` comes back to {base.path}")
        places.insert(0, base)
    return tuple(places)


def _wrong_version(place: Place) -> Refusal | None:
    asked = place.table.get("required-version")
    if not isinstance(asked, str):
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(asked if asked[:1] in "<>=!~" else f"=={asked}")
        fits = wanted.contains(__version__, prereleases=True)
    except InvalidSpecifier:
        words = KEYS["required-version"].kind.words
        return place.refusal("required-version", f"`required-version` must be {words}")
    reason = f"this is fixpickle {__version__}, and `required-version` asks for {wanted}"
    return None if fits else place.refusal("required-version", reason)
