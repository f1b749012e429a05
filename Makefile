# Everything here works on a bare machine with Python >= 3.11, pip and make: the first target builds .venv from the
# hash-locked requirements-dev.lock, and again whenever that file changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
CHILDREN ?= 1000000

# One stamp per content of the lock: a new lock is a new stamp, an old stamp never lies.
KEY := $(shell cksum < requirements-dev.lock | cut -d ' ' -f 1)
STAMP := $(VENV)/.installed-$(KEY)

.PHONY: help install demo test lint format bench compare nightly audit licences lock clean

help:
	@echo "make demo      watch one order routed over three exchanges on this machine (no keys, no network)"
	@echo "make test      all tests but the nightly ones"
	@echo "make lint      ruff and mypy --strict"
	@echo "make bench     ratios of one run, see docs/BENCHMARKS.md"
	@echo "make compare   the same faults for this router and for ccxt.OrderRouter, written to docs/COMPARE.md"
	@echo "make nightly   a million simulated children, then the slow tests"
	@echo "make licences  refuse a dependency with a licence that does not fit Apache-2.0"
	@echo "make audit     known vulnerabilities (needs an advisory source, so it is not part of CI)"

install: $(STAMP)

$(STAMP): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say PYTHON=... to choose one")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	@rm -f $(VENV)/.installed-*
	@touch $@

demo: $(STAMP)
	$(BIN)/sor demo $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not nightly" $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

compare: $(STAMP)
	$(BIN)/sor drill --compare docs/COMPARE.md $(ARGS)

nightly: $(STAMP)
	$(BIN)/sor simulate --children $(CHILDREN) --workers $(WORKERS)
	$(BIN)/python -m pytest -q -m nightly --timeout 1800 $(ARGS)

licences: $(STAMP)
	$(BIN)/pip-licenses --summary

audit: $(STAMP)
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

lock:
	$(BIN)/pip-compile --quiet --extra fast --extra postgres --extra tca -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --extra fast --extra postgres --extra tca --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) .venv-audit build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
