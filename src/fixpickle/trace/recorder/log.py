"""The file into which a process writes what is recorded in it."""

from __future__ import annotations

import os
import sys
from _thread import RLock

TYPE_CHECKING = False  # `typing` itself takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


class Log:
    """Appends to this process's own file in a folder. A fork gets another one.

    `importing` is held where the recorder imports: a process that is forked meanwhile would find the module locked for
    ever.
    """

    def __init__(self) -> None:
        self.folder = ""
        self.importing: Any = RLock()
        self._pid = 0
        self._path = ""
        self._main = ""

    def open(self) -> None:
        """Write of a process that it has begun, once."""
        if self._pid != os.getpid():
            self._pid, self._main = os.getpid(), ""
            self._path = os.path.join(self.folder, "%d-%s.jsonl" % (self._pid, os.urandom(3).hex()))
            version = "%d.%d.%d" % sys.version_info[:3]
            begin = '{"begin": {"pid": %d, "parent": %d, "python": "%s"}}\n'  # `json` is not loaded for it
            self._append((begin % (self._pid, os.getppid(), version)).encode())

    def write(self, **line: Any) -> None:
        with self.importing:
            import json

        self.open()
        if not self._main:
            self._main = main()  # which is not known at the start
            if self._main:
                self.write(main=self._main, pid=self._pid)
        self._append((json.dumps(line) + "\n").encode("utf-8", "backslashreplace"))

    def _append(self, data: bytes) -> None:
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return  # the folder is gone: the tracer has ended before us
        try:
            os.write(file, data)
        finally:
            os.close(file)


log = Log()


def main() -> str:
    """The script of this process; "" where it has none, or none yet."""
    path = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    return os.path.abspath(path) if path else ""
