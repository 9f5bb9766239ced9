"""What it costs to start the command line, next to an interpreter that does nothing but import typer.

    python benchmarks/startup.py [ROUNDS]

Every command is run once in each round, one after the other, so that what else the machine does falls on all of them.
The table has medians, in milliseconds, and each as a ratio to that of typer alone. The aim is 1.5 at most.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import typer'": ["-c", "import typer"],
    "a typer program, --help": [
        "-c",
        "import typer; app = typer.Typer(rich_markup_mode=None); app.command()(lambda: None); app(['--help'])",
    ],
    "fixpickle --version": ["-m", "fixpickle", "--version"],
    "fixpickle --help": ["-m", "fixpickle", "--help"],
    "fixpickle check --help": ["-m", "fixpickle", "check", "--help"],
}
_AGAINST = "python -c 'import typer'"


def main(rounds: int) -> None:
    """Runs the rounds and prints the table."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for name, words in [*COMMANDS.items()] * (rounds + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=False, capture_output=True)
        times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}  # the first round warms the disk
    print(f"Python {sys.version.split()[0]}, {rounds} rounds\n\n| command | ms | of typer alone |\n|---|---|---|")
    for name, median in medians.items():
        print(f"| `{name}` | {1000 * median:.0f} | {median / medians[_AGAINST]:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
