# Every target sets up what is missing by itself: a virtual environment in .venv, with pip, and nothing outside this folder.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FLEXGET := $(VENV)/flexget/.installed
FOLDERS := actors bench catalog cli config protocol storage supervisor tests web

.PHONY: run demo test test-long check bench clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make run        the daemon, on embedded PostgreSQL with the default settings
run: $(STAMP)
	$(BIN)/swarmdex run $(ARGS)

## make demo       the same against a simulated swarm on loopback: no internet needed
demo: $(STAMP)
	$(BIN)/swarmdex demo $(ARGS)

## make test       every test but the long ones, two files at a time (ARGS="-k name" picks some)
test: $(STAMP)-dev $(FLEXGET)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

## make test-long  soak, chaos, fuzzing, large data
test-long: $(STAMP)-dev
	$(BIN)/python -m pytest -m long --timeout 7200 $(ARGS)

## make check      format, lint, types, layers
check: $(STAMP)-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## make bench      every benchmark, short form
bench: $(STAMP)-dev
	$(BIN)/python -m bench all

## make clean      removes what the other targets made
clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "swarmdex needs Python 3.11 or newer; say which: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "this Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# FlexGet, another Torznab client and Schemathesis, in an environment of their own: they need other versions of our libraries. Their tests skip without it.
$(FLEXGET): tests/web/clients.txt | $(VENV)/bin/python
	@echo "installing FlexGet and Schemathesis for the tests (one minute)"
	@$(BIN)/python -m venv $(VENV)/flexget && $(VENV)/flexget/bin/python -m pip install --quiet --disable-pip-version-check -r tests/web/clients.txt \
		&& touch $@ || echo "FlexGet and Schemathesis could not be installed: their tests will be skipped" >&2

$(STAMP)-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(STAMP) $@
