# The two commands are `make up` and `make test`; `make help` lists the rest.
# Everything lands in .venv; a target whose inputs have not changed does nothing the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCAL := $(VENV)/.ocsuite-local
DEV := $(VENV)/.ocsuite-dev
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up test test-quick check bench soak format lock pictures install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(LOCAL) ## install what is missing and start the whole product; Ctrl-C stops it
	@exec $(BIN)/ocsuite up

test: $(DEV) ## run every test (installs Chromium if it is missing)
	@$(BIN)/python scripts/chromium.py
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

test-quick: $(DEV) ## run the tests that need neither a browser nor a process
	$(BIN)/pytest -n 2 -m quick $(PYTEST_ARGS)

check: $(DEV) ## lint, strict types, import rules, freshness of the locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/lock.py --check

bench: $(DEV) ## measure, and write docs/benchmarks.md
	$(BIN)/python -m tests.bench

soak: $(DEV) ## properties with new examples, the long ones at full depth: 10,000 steps of tenancy, 5 minutes of fuzzing
	OCSUITE_TEST_DEPTH=80 OCSUITE_FUZZ_SECONDS=300 $(BIN)/pytest -n 2 \
	  tests/tenancy/test_machine.py tests/api/test_schemathesis.py tests/tenancy/test_context.py tests/audit/test_chain.py \
	  tests/audit/test_chain_verifier.py tests/crypto/test_properties.py tests/csuite/test_search.py tests/module_sdk \
	  tests/frontend/test_chat_markdown.py tests/kernel/test_look_alikes.py $(PYTEST_ARGS)

format: $(DEV) ## format the code and sort the imports
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

lock: $(DEV) ## bring requirements/*.txt up to date with pyproject.toml
	$(BIN)/python scripts/lock.py

pictures: $(DEV) ## refresh docs/pictures from the running product
	@$(BIN)/python scripts/chromium.py
	$(BIN)/python -m tests.pictures

install: $(DEV) ## install everything for development without running anything

clean: ## remove the environment and caches, never the data in .ocsuite
	rm -rf $(VENV) .web .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The development set holds the local one, so installing it satisfies both.
$(LOCAL): requirements/local.txt pyproject.toml
	@test $(DEV) -nt requirements/dev.txt || $(PYTHON) scripts/install.py local $(VENV)
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml
	@$(PYTHON) scripts/install.py dev $(VENV)
	@touch $@ $(LOCAL)
