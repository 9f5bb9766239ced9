"""The command line: options -> Settings -> engine -> report -> exit code. Nothing else prints or exits."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The entry point `fixpickle`. Always ends in SystemExit."""
    try:
        from fixpickle.cli import app  # it takes time, and Ctrl-C comes meanwhile, too

        app.main()
    except KeyboardInterrupt:
        sys.stderr.write("fixpickle: interrupted\n")
        raise SystemExit(130) from None
