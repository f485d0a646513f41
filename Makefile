# Two commands do everything on a machine with Python >= 3.11: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint types layers check bench bench-managers bench-router classic lock

setup: .venv/.installed

.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "portside needs Python 3.11 or newer, and $(PYTHON) isn't: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv || \
		{ echo "$(PYTHON) can't make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet uv
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --group dev -e .
	@touch $@

demo: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo.sh

test: setup
	$(BIN)/pytest -n auto --dist loadgroup -q

lint: setup
	$(BIN)/ruff check src tests benchmarks libexec
	$(BIN)/ruff format --check src tests benchmarks libexec

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

check: lint types layers
	$(BIN)/pytest -n auto --dist loadgroup -q tests/unit

bench: setup
	$(BIN)/python benchmarks/run.py $(BENCH)

bench-managers: setup
	$(BIN)/python benchmarks/managers.py $(BENCH)

# Beside nginx and haproxy, with wrk: apt-get install nginx haproxy wrk
bench-router: setup
	$(BIN)/python benchmarks/router.py $(BENCH)

# Needs no setup: like a platform, it runs the programs in bin/ from the checkout as it is.
classic:
	@bash scripts/classic.sh "$(APP)"

# Renew the pins and hashes of what the classic buildpack installs (CONTRIBUTING.md).
lock: setup
	sh scripts/lock.sh
