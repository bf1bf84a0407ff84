# make tour    everything set up, every strategy built for real, every notebook executed, out/index.html written
# make lab     JupyterLab at the first notebook
# make quick   style, types, and all tests that need neither an engine nor a browser: two minutes
# make test    every check;  make bench, make conformance, make faults, make soak, make fuzz: measurements and searches that take longer
# make docs    pages of the public functions and classes, out/docs/index.html, from their docstrings
# make catalogue  collects all messages of the code for translators, and makes of their translations what the program reads
# make lock    pins every package again, with hashes, and checks that each system and Python has it ready-made
.PHONY: setup tour lab quick test bench conformance faults soak fuzz docs catalogue frontend lint lock clean
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TEST_READY := .venv/.test-ready
## What the hashes do not name is refused, and nothing is compiled.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FROM_LOCK := $(INSTALL) --require-hashes --only-binary=:all:
AGAIN := Is the network there, and room on the disk? The same command goes on from here.

help:
	@sed -n 's/^# //p' Makefile

## A .venv that was left half-made, by an interrupt or without room, has no mark: it is made anew.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "speedkit needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another with: make PYTHON=python3.12"; exit 2; }
	@echo "Python packages: installing into .venv"
	@base=$$($(PYTHON) -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)') && \
	  "$$base" -m venv $(if $(wildcard $(READY)),,--clear) .venv || { \
	  echo "Python cannot make a .venv. On Debian and Ubuntu: apt-get install python3-venv. $(AGAIN)"; exit 2; }
	@rm -f $(READY) $(TEST_READY)
	@$(FROM_LOCK) -r requirements.txt || { echo "The Python packages could not be installed. $(AGAIN)"; exit 3; }
	@$(INSTALL) --no-index --no-build-isolation --no-deps -e . || { echo "speedkit could not be installed. $(AGAIN)"; exit 3; }
	@touch $@

$(TEST_READY): $(READY) tests/requirements.txt
	@echo "Test packages: installing into .venv"
	@$(FROM_LOCK) -r tests/requirements.txt || { echo "The test packages could not be installed. $(AGAIN)"; exit 3; }
	@touch $@

## Compiled here, as many containers forbid Python to keep what it compiles: it would do so at each start.
setup: $(READY)
	@$(BIN)/python -m compileall -qq speedkit || true
	@$(BIN)/speedkit setup

tour: setup
	@$(BIN)/speedkit tour $(if $(QUICK),--quick) $(if $(FULL),--full)

lab: setup
	@$(BIN)/speedkit lab notebooks

quick: $(TEST_READY)
	@$(BIN)/python -m tests.run --quick

test: setup $(TEST_READY)
	@$(BIN)/python -m tests.run

bench: setup $(TEST_READY)
	@$(BIN)/python -m tests.bench

conformance: setup $(TEST_READY)
	@$(BIN)/python -m tests.run -m long
	@$(BIN)/python -m tests.conformance.matching
	@$(BIN)/python -m tests.conformance
	@$(BIN)/python -m tests.conformance --real
	@$(BIN)/python -m tests.conformance --history
	@$(BIN)/python -m tests.conformance.languages
	@$(BIN)/python -m tests.faults

faults: setup $(TEST_READY)
	@$(BIN)/python -m tests.faults

soak: setup $(TEST_READY)
	@$(BIN)/python -m tests.soak $(if $(BUILDS),--builds $(BUILDS))

fuzz: $(TEST_READY)
	@$(BIN)/python -m tests.fuzz

docs: $(TEST_READY)
	@$(BIN)/python -m tests.docs

catalogue: $(TEST_READY)
	@$(BIN)/python -m tests.catalogue
	@$(BIN)/python -m tests.translations

lock: $(TEST_READY)
	@$(BIN)/python -m tests.lock

frontend:
	@cd speedkit/widgets/frontend && npm ci --silent && npm run --silent build

clean:
	@if [ -x $(BIN)/speedkit ]; then $(BIN)/speedkit clean; fi
	@rm -rf .venv out speedkit/widgets/frontend/node_modules
