# Everything runs in .venv, which is made from requirements.lock alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Compiled modules are kept: without them each worker compiles every test anew, and each program of a test the package.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install lint quick test prove bench sessions pictures demo lock release clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "$(VENV): the $$(grep -c == requirements.lock) distributions of requirements.lock, each checked by its hash: one to two minutes"
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --compile -r requirements.lock
	@echo "shjobs itself, and everything compiled: a quarter of a minute"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q bench controller tests tools
	touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.house

# Between two edits: what is answered in seconds, from every room. `make test` runs the rest too.
quick: install
	$(BIN)/ruff check --quiet .
	$(BIN)/python -m pytest -n auto -m "not slow"

test: lint
	@echo "every test: about nine minutes on two cores; make quick answers in less than one"
	$(BIN)/python -m pytest -n auto --dist worksteal

# The long proofs: make prove, make prove SEED=7, make prove PARTS="crash races". They write docs/proofs/*.json.
prove: install
	$(BIN)/python -m tests.proofs $(if $(SEED),--seed $(SEED)) $(PARTS)

# Every budget as one table of ratios, each beside its baseline of the same run: make bench, make bench PARTS="scans".
bench: install
	$(BIN)/python -m bench $(PARTS)

# Type the sessions of docs/cli.md and docs/first-hour.md again, and write down what is answered.
sessions: install
	$(BIN)/python -m tests.support.sessions

# Draw the pictures of the README anew, with chromium.
pictures: install
	$(BIN)/python -m tools.pictures

demo: install
	$(BIN)/shjobs demo

lock: install
	$(BIN)/python tools/lock.py

# Check, test, build and tag the version that controller/__init__.py names; nothing is pushed.
release: install
	$(BIN)/python -m tools.release

clean:
	rm -rf $(VENV) .tools .import_linter_cache build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
