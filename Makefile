# `make help` lists the commands. Paths are relative throughout: a folder with a space in its name works.
PYTHON_HERE := .venv/bin/python
# Types of what users write are checked by tests/typing; templates are copies of examples/todo.
SOURCES := src tests benchmarks examples
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup dev test check lint format types docs tests bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## .venv with everything, once per pyproject.toml
	@PYTHON="$(PYTHON)" sh scripts/setup

dev: setup ## serve examples/todo on http://localhost:8000 (PORT=8001 for another port)
	@echo "dev: serving examples/todo on http://localhost:$(or $(PORT),8000) (Ctrl-C ends it)"
	@cd examples/todo && ../../$(PYTHON_HERE) -m backroom dev app.py $(if $(PORT),--port $(PORT))

test: setup ## every test, with SQLite, Postgres and a real browser
	@PYTHON= sh scripts/chromium
	@$(MAKE) --no-print-directory tests

# ARGS: what pytest is asked for instead of everything, as in `make tests ARGS=tests/sql`.
tests:
	@echo "test: running the tests"
	@$(PYTHON_HERE) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: setup lint format types test ## all that CI does: lint, format, types, tests

lint: setup ## ruff's rules
	@echo "check: lint"
	@$(PYTHON_HERE) -m ruff check $(SOURCES)

format: setup ## is everything formatted? (`.venv/bin/ruff format` does it)
	@echo "check: format"
	@$(PYTHON_HERE) -m ruff format --check $(SOURCES)

types: setup ## mypy strict, then pyright strict
	@echo "check: types (mypy)"
	@$(PYTHON_HERE) -m mypy
	@echo "check: types (pyright)"
	@$(PYTHON_HERE) -m basedpyright

docs: setup ## write the tables of docs/ that come from the code
	@$(PYTHON_HERE) -m tests.house.tables

bench: setup ## Backroom beside its peers: writes benchmarks/RESULTS.md (needs Linux and wrk)
	@$(PYTHON_HERE) benchmarks/bench.py --postgres $(ARGS)

clean: ## remove what the commands above made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/out
