"""The options of the command line that are settings: they come from where the settings are declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import wraps
from typing import Annotated

import typer

from fixpickle.settings import DECLARED, Options, Setting, default

Command = Callable[..., None]

_CONFIG = typer.Option(
    "--config", metavar="FILE|KEY=VALUE", help="This configuration file; or one setting, as TOML; again."
)
_ISOLATED = typer.Option("--isolated", help="Read no configuration file.")


def with_settings(wanted: Callable[[Setting], bool]) -> Callable[[Command], Command]:
    """A command with an option for each of these settings, in place of its parameter `options`: what they say."""
    settings = [setting for setting in DECLARED if wanted(setting)]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(**given: object) -> None:
            words = [(setting, given.pop(setting.name)) for setting in settings]
            config, isolated = given.pop("config"), given.pop("isolated")
            command(options=Options(_said(words), _texts(config), isolated is True), **given)

        own = inspect.signature(command, eval_str=True)
        parameters = list(_parameters(own, settings))
        # The command line is built from these, as from those of a function that is written out.
        called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return decorate


def _parameters(own: inspect.Signature, settings: list[Setting]) -> Iterator[inspect.Parameter]:
    for parameter in own.parameters.values():
        if parameter.name == "options":
            yield from map(_parameter, settings)
            yield _keyword("config", list[str] | None, None, _CONFIG)
            yield _keyword("isolated", bool, False, _ISOLATED)
        else:
            yield parameter


def _parameter(setting: Setting) -> inspect.Parameter:
    form = list[str] if setting.kind.form is list else setting.kind.form
    name = f"--{setting.key}/--no-{setting.key}" if form is bool else f"--{setting.key}"
    return _keyword(
        setting.name, form | None, None, typer.Option(name, metavar=setting.metavar or None, help=help_text(setting))
    )


def _keyword(name: str, form: object, default: object, option: object) -> inspect.Parameter:
    annotation = Annotated[form, option]  # type: ignore[valid-type]  # a type of today, not of mypy's
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def help_text(setting: Setting) -> str:
    """What --help says of an option: what it is for, how several values are given, and the default."""
    again = ("; commas, or again." if setting.kind.commas else "; again.") if setting.kind.form is list else "."
    usual = default(setting)
    if setting.kind.form is bool:
        usual = setting.key if usual == "true" else ""
    return setting.help.removesuffix(".") + again + (f"  [default: {usual}]" if usual else "")


def _said(words: Iterable[tuple[Setting, object]]) -> Mapping[str, object]:
    return {setting.key: _read(setting, word) for setting, word in words if not _silent(word)}


def _silent(word: object) -> bool:
    return word is None or (isinstance(word, list) and not any(word))


def _read(setting: Setting, word: object) -> object:
    """The value that the words of an option stand for, read as one of a file is. Raises BadParameter, a usage error."""
    plain = _parts(setting, word) if isinstance(word, list) else word.value if isinstance(word, Enum) else word
    value = setting.kind.read(plain)
    if value is None:
        shown = ", ".join(plain) if isinstance(plain, list) else plain
        raise typer.BadParameter(f"`{shown}` is not {setting.kind.words}", param_hint=f"--{setting.key}")
    return value


def _parts(setting: Setting, words: list[str]) -> list[str]:
    parts = [part for word in words for part in (word.split(",") if setting.kind.commas else [word])]
    return [part.strip() for part in parts if part.strip()]


def _texts(words: object) -> tuple[str, ...]:
    return tuple(map(str, words)) if isinstance(words, list) else ()
