"""A command line made by typer, and a setting that workers need as well."""

import warnings
from concurrent.futures import ProcessPoolExecutor

import typer

warnings.filterwarnings("error")
app = typer.Typer(add_completion=False)


class Greeting:
    def __init__(self, word):
        self.word = word


HELLO = Greeting("hello")


def greeting(name):
    try:
        warnings.warn("not so loud", stacklevel=1)
    except UserWarning:
        return f"{HELLO.word} {name}"
    return f"nobody told {name}"


@app.command()
def main(names: list[str]):
    """Greets everybody."""
    with ProcessPoolExecutor(1) as executor:
        for line in executor.map(greeting, names):
            print(line)


app()
