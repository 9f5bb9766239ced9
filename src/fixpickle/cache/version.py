"""What a result depends on besides the files: this fixpickle, the packs of rules, and the Python they run on."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import fixpickle
from fixpickle.packs import folders


def version() -> str:
    """A name for all that, 32 hexadecimal digits. The code itself counts, so that one who changes a rule sees it."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{fixpickle.__version__} {sys.implementation.cache_tag} {sys.version}".encode())
    for name, data in _contents((Path(fixpickle.__file__).parent, *folders())):
        digest.update(f"\0{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _contents(roots: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for root in roots:
        for folder, inner, names in os.walk(root):
            inner[:] = sorted(name for name in inner if name != "__pycache__")
            for name in sorted(names):
                if name.endswith((".py", ".toml")):
                    path = Path(folder, name)
                    yield path.relative_to(root).as_posix(), path.read_bytes()
