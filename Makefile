# `make` alone lists the targets. HPCVOX_VENV chooses another virtual environment than .venv.
SHELL := /bin/bash
VENV := $(or $(HPCVOX_VENV),$(CURDIR)/.venv)
BIN := $(VENV)/bin
SCRIPTS := setup.sh requirements/lock.sh .ci/run $(wildcard slurm/*.sh $(filter-out %.py,$(wildcard slurm/elastic/* slurm/mpirun/*)) configs/*.sh tests/support/slurm_lab/*.sh)
export HPCVOX_VENV := $(VENV)

.DEFAULT_GOAL := help
# Files of tests run side by side: those that wait leave the cores to those that compute.
PYTEST := $(BIN)/python -m pytest --numprocesses=$(or $(TEST_WORKERS),3) --dist=loadfile --no-loadscope-reorder
.PHONY: help setup check setup-test demo docs lint test test-quick bench clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install everything into .venv (can be repeated)
	@bash setup.sh

check: ## say what set-up would find and do, and change nothing
	@bash setup.sh --check

demo: setup ## set up, then make new perovskites by the whole pipeline (10 minutes on 2 cores)
	@$(BIN)/hpcvox pipeline configs/demo.yaml $(DEMO) || [ $$? = 4 ] # 4: done, some inputs were rejected

docs: ## build the documentation into site/ (open site/index.html)
	@HPCVOX_EXTRAS="$${HPCVOX_EXTRAS-chgnet} docs" bash setup.sh
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

setup-test: ## set up with the tools of the tests
	@bash setup.sh --test

lint: setup-test ## ruff, mypy, import contracts, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v shellcheck >/dev/null; then echo shellcheck $(SCRIPTS); shellcheck -x $(SCRIPTS); \
	else echo "shellcheck is not installed: the shell scripts were not checked"; fi

test: lint ## set up with the tools of the tests, check the code, run every test (TEST_WORKERS=3 side by side)
	$(PYTEST)

test-quick: ## run the tests that start no SLURM, Ray, ranks or browser (after `make setup-test` or `make test`)
	$(PYTEST) -m "not slow"

bench: setup-test ## measure; prints a table and writes bench.json
	$(BIN)/python -m tests.benchmarks.run

clean: ## remove what set-up and the tests made here (not runs/, not the cached Horovod)
	rm -rf .venv build dist site ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
