# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# Tests start the command by the hundred; where modules may not be kept compiled, each start compiles them all again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick stories check fmt bench lock services clean

demo: $(READY)  ## a business day of several stores, run to its end
	@$(BIN)/tillflow demo

test: $(READY)  ## the whole suite, with the services it needs; every part, whatever those before it say
	@status=0; \
	$(MAKE) --no-print-directory quick || status=1; \
	$(MAKE) --no-print-directory stories || status=1; \
	./docker/services.sh run $(BIN)/python -m pytest -m services -n 2 $(APART) $(PYTEST_ARGS) || status=1; \
	exit $$status

# Files stay whole, so that what a file's tests share is made once. Stories are waiting for processes most of the time.
APART := --dist loadfile --no-loadscope-reorder

quick: $(READY)  ## what needs no service and no whole engine of its own: to be run after every edit
	@$(BIN)/python -m pytest -m "not services and not stories" -n 3 $(APART) $(PYTEST_ARGS)

stories: $(READY)  ## engines that are started, killed, edited and started again, without a service
	@$(BIN)/python -m pytest -m "stories and not services" -n 4 $(APART) $(PYTEST_ARGS)

check: $(READY)  ## formatting, lint, types, layers, and the project's own files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/tillflow validate
	@$(BIN)/tillflow fmt --check
	@$(BIN)/tillflow schema --check

fmt: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/tillflow fmt

bench: $(READY)  ## speed, as ratios within one run
	@$(BIN)/python -m tests.bench

# Hashes only: no index, no host name.
lock: $(READY)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --output-file requirements.lock

services: $(READY)
	@./docker/services.sh start

$(READY): requirements.lock pyproject.toml
	@echo "Setting up .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
