"""Serves module texts from memory: nothing is ever written beside the user's code."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import io
import linecache
import os
import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .shared import Kept

_open = io.open


class Served(importlib.machinery.SourceFileLoader):
    """Loads one module from a text, with everything about it as if that text were in the file."""

    def __init__(self, fullname: str, path: str, text: str, run: str, kept: Kept) -> None:
        importlib.machinery.SourceFileLoader.__init__(self, fullname, path)
        self.text = text
        self.run = run
        self.kept = kept

    def get_source(self, fullname: str) -> str:
        return self.text

    def get_code(self, fullname: str) -> types.CodeType:
        lines = self.text.splitlines(True)
        # No mtime: never checked against the disk.
        linecache.cache[self.path] = (len(self.text), None, lines, self.path)
        whole = self.kept.code(self.text, self.path)
        return whole if self.run == self.text else self.kept.code(self.run, self.path)

    def get_data(self, path: str) -> bytes:
        return (
            self.text.encode("utf-8")
            if path == self.path
            else importlib.machinery.SourceFileLoader.get_data(self, path)
        )


class Real:
    """Real paths. Most files lie in a few folders, and what a folder is called in truth is asked once."""

    def __init__(self) -> None:
        self.folders: Dict[str, str] = {}

    def path(self, path: str) -> str:
        if os.path.islink(path) or not os.path.isabs(path):
            return os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self.folders:
            self.folders[folder] = os.path.realpath(folder)
        return os.path.join(self.folders[folder], name)


def _tail(path: str) -> str:
    directory, name = os.path.split(path)
    return os.path.basename(directory) if name == "__init__.py" else os.path.splitext(name)[0]


class Overlay:
    """First on sys.meta_path. `texts` is what files hold; `runs` what a script is trimmed to when it is imported."""

    def __init__(self, texts: Dict[str, str], runs: Dict[str, str], kept: Kept) -> None:
        self.texts = texts
        self.runs = runs
        self.kept = kept
        self.trees: Dict[str, ast.Module] = {}
        self.true = Real()
        self.real = {self.true.path(path): path for path in texts}
        self.tails = {_tail(path) for path in self.real}
        self.barred = ""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if self.barred and (fullname + ".").startswith(self.barred + "."):
            raise ModuleNotFoundError("No module named %r" % fullname, name=fullname)
        if fullname.rpartition(".")[2] not in self.tails or fullname in sys.builtin_module_names:
            return None
        for entry in sys.path if path is None else path:
            spec = importlib.machinery.PathFinder.find_spec(fullname, [entry], target)
            if spec is not None and spec.origin and spec.has_location:
                known = self.real.get(self.true.path(spec.origin))
                return self._spec(fullname, spec.origin, known) if known else None
            for parts in ((fullname.rpartition(".")[2], "__init__.py"), (fullname.rpartition(".")[2] + ".py",)):
                known = self.real.get(os.path.join(os.path.realpath(entry or os.getcwd()), *parts))
                if known is not None:  # a file that is not on disk yet
                    return self._spec(fullname, os.path.join(entry, *parts), known)
        return None

    def _spec(self, fullname: str, origin: str, known: str) -> Optional[importlib.machinery.ModuleSpec]:
        loader = Served(fullname, origin, self.texts[known], self.runs.get(known, self.texts[known]), self.kept)
        places = [os.path.dirname(origin)] if os.path.basename(origin) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, origin, loader=loader, submodule_search_locations=places
        )

    def serves(self, cls: type) -> bool:
        """Whether the class is of a module that is served from a text."""
        return isinstance(getattr(sys.modules.get(cls.__module__), "__loader__", None), Served)

    def source(self, path: str) -> str:
        known = self.real.get(self.true.path(path))
        if known is not None:
            return self.texts[known]
        with _open(path, "rb") as file:
            return importlib.util.decode_source(file.read())

    def code(self, path: str) -> types.CodeType:
        """What the file compiles to, as a whole."""
        return self.kept.code(self.source(path), path)

    def tree(self, path: str) -> ast.Module:
        """What the file parses to."""
        if path not in self.trees:
            self.trees[path] = ast.parse(self.source(path))
        return self.trees[path]

    def materialise(self, root: str, into: str) -> None:
        """A view of `root` with the texts in place, for worker processes, which have no import hook."""
        for known in self.texts:
            relative = os.path.relpath(known, root)
            if relative.startswith(os.pardir):
                continue
            at, real = into, root
            for part in relative.split(os.sep):
                _mirror(real, at)
                at, real = os.path.join(at, part), os.path.join(real, part)
                if os.path.islink(at):
                    os.unlink(at)
            with _open(at, "w", encoding="utf-8", newline="") as out:
                out.write(self.runs.get(known, self.texts[known]))


METADATA = "metadata of "
"""What the name of a package begins with where its metadata is meant, not a module."""


class Unfound:
    """Last on sys.meta_path: notes what nobody finds, modules and metadata, also what user code does without."""

    def __init__(self) -> None:
        self.names: Dict[str, None] = {}

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[types.ModuleType] = None
    ) -> None:
        self.names[fullname] = None

    def find_distributions(self, context: Any) -> Iterator[Any]:
        """Asked for a package that no other finder has the metadata of; without a name, for those of all packages."""
        if context.name is not None:
            self.names[METADATA + context.name] = None
        return iter(())

    def taken(self) -> List[str]:
        """Those that were noted since this was asked last."""
        names, self.names = self.names, {}
        return list(names)


def _mirror(directory: str, at: str) -> None:
    """`at` becomes a real directory that links to everything in `directory`."""
    if os.path.isdir(at):
        return
    os.makedirs(at)
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        os.symlink(os.path.join(directory, name), os.path.join(at, name))
