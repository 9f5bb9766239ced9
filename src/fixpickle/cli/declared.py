"""The options of the command line that are settings: they come from where the settings are declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import wraps
from typing import Annotated

import typer

from fixpickle.settings import DECLARED, Options, Setting, default

Command = Callable[..., None]


def with_settings(wanted: Callable[[Setting], bool]) -> Callable[[Command], Command]:
    """A command with an option for each of these settings, in place of its parameter `options`: what they say."""
    settings = [setting for setting in DECLARED if wanted(setting)]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(**given: object) -> None:
            words = {setting: given.pop(setting.field) for setting in settings}
            command(options=_said(words), **given)

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
        else:
            yield parameter


def _parameter(setting: Setting) -> inspect.Parameter:
    form = list[str] if setting.kind.form is list else setting.kind.form
    name = f"--{setting.key}/--no-{setting.key}" if form is bool else f"--{setting.key}"
    option = typer.Option(name, metavar=setting.metavar or None, help=help_text(setting))
    annotation = Annotated[form | None, option]  # type: ignore[valid-type]  # a type of today, not of mypy's
    return inspect.Parameter(setting.field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def help_text(setting: Setting) -> str:
    """What --help says of an option: what it is for, how several values are given, and the default."""
    again = ("; commas, or again." if setting.kind.commas else "; again.") if setting.kind.form is list else "."
    usual = default(setting)
    if setting.kind.form is bool:
        usual = setting.key if usual == "true" else ""
    return setting.help.removesuffix(".") + again + (f"  [default: {usual}]" if usual else "")


def _said(words: Mapping[Setting, object]) -> Options:
    said = {setting.key: _plain(setting, word) for setting, word in words.items() if word is not None}
    return {key: value for key, value in said.items() if value is not None}


def _plain(setting: Setting, word: object) -> object:
    """The value that the words of an option stand for, read as one of a file is; None where they say nothing."""
    if isinstance(word, list):
        parts = [part for item in word for part in (item.split(",") if setting.kind.commas else [item])]
        return setting.kind.read([part.strip() for part in parts if part.strip()]) if any(parts) else None
    return setting.kind.read(word.value if isinstance(word, Enum) else word)
