# modelyard: `make demo` shows everything on a machine that has nothing but Python 3.11.

PYTHON ?= $(shell for p in python3.11 python3 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
EMBEDDED := $(BIN)/python -m deploy.embedded
INSTALL_FLAGS = $(if $(CUDA),--cuda)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-soak screenshots lint bench up down status doctor protos protos-check install lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  MODELYARD_HOME       state folder of the instance (default .modelyard)"
	@echo "  MODELYARD_PORT_BASE  first of its 50 ports (default 18000)"

demo: up ## set up, start, and run both demonstrations from data to prediction
	@eval "$$($(EMBEDDED) env)" && $(BIN)/modelyard demo

test test-long screenshots: INSTALL_FLAGS += --browser
test: install ## unit, contract, integration and end-to-end tests; nothing has to run
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder

test-long: install ## the tests that take long: fuzzing, fault runs
	$(BIN)/python -m pytest -m long --timeout 3600 -s

test-soak: install ## half an hour of work without a fault: memory stays flat
	$(BIN)/python -m pytest -m soak -s

lint: install ## style, types, import contracts, protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m deploy.embedded.console check
	@$(MAKE) --no-print-directory protos-check

screenshots: up ## every page of the console in both languages and appearances, into screenshots/
	@$(BIN)/python -m tests.console.screenshots screenshots

bench: bench-kernel bench-pipeline ## all benchmarks; `make bench-NAME ARGS=…` runs one

bench-%: install
	$(BIN)/python -m tests.benchmarks.$* $(ARGS)

up: install ## start the platform on this machine
	@$(EMBEDDED) up

down: ## stop it; all state is kept
	@$(EMBEDDED) down

status: ## what runs, and where
	@$(EMBEDDED) status

doctor: ## find what is wrong and say what to do
	@$(BIN)/python -m deploy.cli doctor

protos: install ## generate code from the protos
	$(BIN)/python -m protos.build

protos-check: install ## proto lint, drift of generated code, breaking changes
	$(BIN)/python -m protos.build --check
	@test -x protos/node_modules/.bin/buf || npm install --prefix protos --no-package-lock --no-audit --no-fund --silent || \
	  { echo "error: the proto linter needs Node.js 18 or newer with npm" >&2; exit 2; }
	protos/node_modules/.bin/buf lint protos/descriptors.binpb --config protos/buf.yaml
	protos/node_modules/.bin/buf breaking protos/descriptors.binpb --against protos/released.binpb --config protos/buf.yaml

install: ## set up both environments and the servers (CUDA=1 for a machine with an NVIDIA GPU)
	@if [ -z "$(PYTHON)" ]; then \
	  echo "error: Python 3.11 was not found; install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	  exit 2; fi
	@$(PYTHON) -m deploy.embedded.install $(INSTALL_FLAGS)

LOCK := uv pip compile --quiet --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: install ## resolve requirements/*.in again; runtime.txt is frozen from a fresh environment, see its .in
	cd requirements && ../$(BIN)/$(LOCK) platform.in -o platform.txt
	cd requirements && ../$(BIN)/$(LOCK) dev.in -o dev.txt
	cd requirements && ../$(BIN)/$(LOCK) --python-platform x86_64-manylinux_2_28 runtime-cuda.in -o runtime-cuda.txt

clean: ## remove caches and build results; environments and state stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -not -path './.*' -prune -exec rm -rf {} +
