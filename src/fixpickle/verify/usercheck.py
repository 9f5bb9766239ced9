"""The user's own check, such as `pytest -q`, run over a copy of the project. It runs as they run it, without limits
of memory or network; only the tree is another one.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Environments are linked, for commands by a relative path; the rest is made anew or of no use to a check.
_LINKED = frozenset({".venv", "venv", "node_modules"})
_LEFT = frozenset(
    {".git", ".hg", ".fixpickle", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox"}
)
_TAIL = 20  # lines of output that a report shows


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check ended: empty where it passed, or why it failed; the end of what it said; seconds."""

    failure: str
    tail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """A command, the interpreter in whose environment it runs, the project's top folder, and where in it to start."""

    command: str
    python: Path
    root: Path
    here: Path

    def run(self, files: Mapping[Path, bytes], roots: frozenset[Path], seconds: float | None = None) -> Checked:
        """Runs it over a copy of the project that holds `files`, for at most so many seconds.

        `roots` are the import roots that go before an installed copy of the project. The user's tree is only read.
        """
        with tempfile.TemporaryDirectory(prefix="fixpickle-check-", ignore_cleanup_errors=True) as name:
            top = Path(name).resolve() / self.root.name
            _copy(self.root, top)
            for path, data in files.items():
                target = top / path.relative_to(self.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            paths = [str(top / root.relative_to(self.root)) for root in sorted(roots) if root.is_relative_to(self.root)]
            here = top / self.here.relative_to(self.root) if self.here.is_relative_to(self.root) else top
            return self._ran(here, paths, Path(name) / "output", seconds)

    def _ran(self, here: Path, paths: list[str], output: Path, seconds: float | None) -> Checked:
        started = time.monotonic()
        env = {**os.environ, "FIXPICKLE_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        env["PATH"] = os.pathsep.join([str(self.python.parent), env.get("PATH", os.defpath)])
        env["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [env.get("PYTHONPATH")])])
        with output.open("wb") as out:
            try:
                words = shlex.split(self.command)
                found = shutil.which(words[0], path=env["PATH"]) or words[0]
                process = subprocess.Popen(
                    [found, *words[1:]], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                    cwd=here, env=env, start_new_session=True,
                )  # fmt: skip
            except (OSError, ValueError, IndexError) as error:
                return Checked(f"cannot be started: {error}", "", 0.0)
            with _ended(process):
                try:
                    status = process.wait(seconds)
                    failure = f"ended with exit status {status}" if status else ""
                except subprocess.TimeoutExpired:
                    failure = f"did not end within {seconds:.0f} s"
        text = output.read_bytes()[-20_000:].decode("utf-8", "replace")
        return Checked(failure, "\n".join(text.rstrip().splitlines()[-_TAIL:]), time.monotonic() - started)


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the command and its process group, however the block is left."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()


def _copy(root: Path, top: Path) -> None:
    def ignored(_folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in _LEFT | _LINKED}

    shutil.copytree(root, top, ignore=ignored, symlinks=True, ignore_dangling_symlinks=True)
    for name in _LINKED:
        if (root / name).is_dir():
            (top / name).symlink_to(root / name, target_is_directory=True)
