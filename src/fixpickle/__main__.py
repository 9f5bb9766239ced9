"""`python -m fixpickle` is the command line."""

from fixpickle.cli import main

if __name__ == "__main__":
    main()
