"""The command line: options -> Settings -> engine -> report -> exit code. Nothing else prints or exits."""

from fixpickle.cli.app import main

__all__ = ["main"]
