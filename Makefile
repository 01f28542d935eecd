# Two commands from nothing but python3 and make:
#   make run    sets everything up and runs the main job on the embedded synthetic corpus
#   make test   sets everything up and passes the tests
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
INSTALL := -c constraints.txt -e .[dev]

.PHONY: run test lint setup clean

run: $(VENV)/.ready
	$(BIN)/python -m harness run recipe=synthetic_5fold
	$(BIN)/python -m harness leaderboard

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.ready

# uv installs three times faster than pip and does not read pip's find-links by itself; pip is the way back.
$(VENV)/.ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "EmoHarness needs Python 3.11 to 3.13; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 2; }
	@echo "installing into $(VENV) (one to three minutes, once)"
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	   UV_FIND_LINKS="$${UV_FIND_LINKS:-$$PIP_FIND_LINKS}" \
	   $(BIN)/uv pip install --quiet --python $(BIN)/python $(INSTALL); } || \
	  { echo "uv could not install everything; trying pip"; $(BIN)/python -m pip install --quiet $(INSTALL); }
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
