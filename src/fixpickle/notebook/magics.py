"""IPython's own syntax -> Python that stands for it: on as many lines, and exactly what it was when put back.

`%matplotlib inline` becomes a call of a name that nobody has. Of `%time rows = load()` the code stays and the call goes
before it, as `...(); rows = load()`. A cell under `%%bash` becomes one call and blank lines.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

STAND_IN = re.compile(r"__ipython_magic_\d+__")

_STARTS = re.compile(r"[ \t]*(?:[%!?]|[/,;](?=\w))")
_HELP = re.compile(r"[ \t]*[%\w.*\[\]()'\"]+\?{1,2}[ \t]*$")
_ASSIGNED = re.compile(r"([ \t]*[\w.\[\]'\", \t]+=[ \t]*)([%!].*)", re.DOTALL)
_TIMED = re.compile(r"[ \t]*%(?:time|timeit|prun|memit)(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]+(?=\S)")
_CELL = re.compile(r"\s*%%(\w*)")
# Commands that IPython takes without their percent sign, where no name of the notebook is in the way.
_BARE = re.compile(r"(?:pip|conda|mamba|uv|cd|ls|ll|mkdir|rmdir|cat|cp|mv|rm|load_ext|matplotlib|run|time|timeit|env) ")
# What runs the rest of its cell as Python, in this process.
_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "memit"})
# What hands the rest of its cell to another program, so that only its own line can name variables.
_FOREIGN_CELLS = frozenset(
    {
        *("bash", "sh", "script", "system", "sx", "perl", "ruby", "html", "HTML"),
        *("javascript", "js", "latex", "markdown", "svg", "SVG", "writefile", "file"),
    }
)
_LEXEME = re.compile(
    r"""(?P<string>'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")"""
    r"""|(?P<comment>\#[^\n]*)|(?P<joined>\\\r?\n)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>\n)|(?P<other>.)""",
    re.DOTALL,
)
_LINE = re.compile(r"(?:\\\r?\n|[^\n])*")


@dataclass(frozen=True, slots=True)
class Magic:
    """A stretch of IPython's syntax: how the Python text has it and how the cell has it.

    `names` are what it mentions, where it cannot be told which of them it binds.
    """

    python: str
    written: str
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PythonCell:
    """A cell as Python. `magic` is the cell magic it stands under, as `%%time`."""

    text: str
    magics: tuple[Magic, ...] = ()
    magic: str = ""


def as_python(source: str, number: int) -> PythonCell:
    """The cell's text as Python, whether that parses or not. Stand-ins are counted from `number`."""
    if _parses(source):
        return PythonCell(source)
    found = _CELL.match(source)
    if found is None:
        return _lines_of(source, number)
    head, body = _parted(source, found.end())
    if found[1] in _PYTHON_CELLS and body:
        first = _stand_in(head, number, _words(head))
        rest = as_python(body, number + 1)
        return PythonCell(first.python + rest.text, (first, *rest.magics), found[0].strip())
    one = _stand_in(source, number, _words(head if found[1] in _FOREIGN_CELLS else source))
    return PythonCell(one.python, (one,), found[0].strip())


def _parted(source: str, at: int) -> tuple[str, str]:
    """The text up to the end of the line of `at`, and the rest with the newline that parts them."""
    end = source.find("\n", at)
    return (source, "") if end < 0 else (source[:end], source[end:])


def hidden(source: str, number: int) -> PythonCell:
    """A cell whose whole text is hidden behind one stand-in: what is Python to IPython alone, as an outer `await`."""
    one = _stand_in(source, number, _words(source))
    return PythonCell(one.python, (one,))


def put_back(text: str, magics: tuple[Magic, ...]) -> str:
    """A text in which every stand-in is what it stands for."""
    for magic in magics:
        text = text.replace(magic.python, magic.written)
    return text


def _stand_in(written: str, number: int, names: frozenset[str] = frozenset()) -> Magic:
    return Magic(f"__ipython_magic_{number}__()" + "\n" * written.count("\n"), written, names)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d]\w*", text))


def _lines_of(source: str, number: int) -> PythonCell:
    text = ""
    magics: list[Magic] = []
    at = 0
    while at < len(source):
        found = _at_line(source, at, number + len(magics))
        if found is None:
            end = _statement_end(source, at)
            text, at = text + source[at:end], end
        else:
            before, magic = found
            magics.append(magic)
            text += before + magic.python
            at += len(before) + len(magic.written)
    return PythonCell(text, tuple(magics))


def _at_line(source: str, at: int, number: int) -> tuple[str, Magic] | None:
    """The magic that the line at `at` is, and what of the line stands before it."""
    line = _LINE.match(source, at)
    written = line.group() if line else ""
    assigned = _ASSIGNED.fullmatch(written)
    if assigned and not _parses(written.strip()):
        return assigned[1], _stand_in(assigned[2], number)
    indent = written[: len(written) - len(written.lstrip())]
    bare = _BARE.match(written, len(indent)) and not _parses(written.strip())
    if not bare and not _STARTS.match(written) and not _HELP.fullmatch(written):
        return None
    timed = _TIMED.match(written)
    if timed and _parses(written[timed.end() :]):
        head = timed.group()[len(indent) :]
        return indent, Magic(f"__ipython_magic_{number}__(); ", head)
    command = written[len(indent) :]
    silent = command.startswith(("!", "?")) or command.rstrip().endswith("?")
    return indent, _stand_in(command, number, frozenset() if silent else _words(command))


def _statement_end(source: str, at: int) -> int:
    """Where the logical line that starts at `at` ends, its newline included."""
    depth = 0
    for token in _LEXEME.finditer(source, at):
        kind = token.lastgroup
        depth += (kind == "open") - (kind == "close")
        if kind == "end" and depth <= 0:
            return token.end()
    return len(source)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
