# make test      lint, types and tests           make examples  every example, and all slow tests
# make demo      the examples, before and after  make bench     the benchmarks
# make docs      the site, in site/              make clean     what any of these made
# Each makes .venv as it needs it. PYTHON chooses the interpreter.

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin

.PHONY: test demo examples bench docs clean

# Tests start hundreds of interpreters. Where Python is told to write no bytecode, each would compile all of this anew.
test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/black --check --quiet .
	$(BIN)/mypy --strict
	$(BIN)/python -m compileall -q src codemods
	$(BIN)/pytest -n 2 -q

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

examples: $(VENV)/.test $(VENV)/.demo
	$(BIN)/pytest -q -m "slow or not slow" tests/test_examples.py
	$(BIN)/pytest -q -m slow --ignore tests/test_examples.py

bench: $(VENV)/.test
	set -e; for script in benchmarks/*.py; do $(BIN)/python "$$script"; done

docs: $(VENV)/.test $(VENV)/.docs
	set -e; for script in docs/*.py; do $(BIN)/python "$$script"; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) dist build site demo-work .fixpickle .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src codemods tests docs examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are newer than pyproject.toml only if what it asks for is installed.
$(VENV)/.test: pyproject.toml $(VENV)/.made
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.made
	$(BIN)/python -m pip install --quiet --editable ".[demo]"
	touch $@

$(VENV)/.docs: pyproject.toml $(VENV)/.made
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@
