# Sets Deskbell up and runs it, its tests and its demo. Needs Python 3.11 or newer and make, nothing else.
#
#   make         set up .venv with .venv/bin/deskbell
#   make run     run the desk on config.yaml
#   make test    every check, as CI runs it
#   make demo    the whole story on loopback, in under a minute
#   make soak    the heavy suites whole, under an hour
#   make test-interop  the Slack contract against emulate too; installs it and Node 24 from npm below .venv
#   make bench   the benchmark the README quotes
#   make screenshot  take the documentation's pictures anew: the console, and what Slack shows
#   make format  put the code into the house's form
#   make lock    write the lock files anew (needs uv; UPGRADE=1 takes newer versions)

PYTHON ?= python3
UV ?= uv
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input install --no-deps
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := setup
.PHONY: setup dev run demo test check lint types contracts tests test-interop needs soak bench screenshot format lock clean

setup: $(VENV)/runtime.stamp

dev: $(VENV)/dev.stamp

run: setup
	@exec $(BIN)/deskbell run

demo: setup
	@$(BIN)/deskbell demo

test: check tests

check: lint types contracts

lint: dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "Some files are not in the house's form: run make format."; exit 1; }

types: dev
	@$(BIN)/mypy --no-error-summary

contracts: dev
	@$(BIN)/lint-imports --no-cache --no-logo

tests: dev needs
	@$(BIN)/python -m pytest -n $(WORKERS)

needs: dev
	@$(BIN)/python tests/needs.py
	@$(BIN)/python -m tests.postgres.get

soak: dev needs
	@DESKBELL_SOAK=1 $(BIN)/python -m pytest -n $(WORKERS) -o timeout=3000

test-interop: dev
	@$(BIN)/python -m tests.interop -n $(WORKERS)

bench: setup
	@$(BIN)/python -m benchmarks

screenshot: dev needs
	@$(BIN)/python -m tests.end_to_end.screenshot docs

format: dev
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

lock:
	@command -v $(UV) >/dev/null || { echo "Install uv to write the lock files anew."; exit 1; }
	@$(LOCK) pyproject.toml --group build --output-file requirements.lock
	@$(LOCK) pyproject.toml --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Deskbell needs Python 3.11 or newer: install it, or name it with make PYTHON=python3.12."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python lacks its venv module: install the system package python3-venv."; exit 1; }
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@
