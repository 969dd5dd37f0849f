PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check bench format wheel native-sanitize native-neon clean

run: $(READY)  ## Train on MNIST, evaluate, predict, draw the report.
	$(BIN)/resnets demo

test: $(READY)  ## The whole test set.
	$(BIN)/pytest

check: $(READY)  ## Everything a change must pass.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

bench: $(READY)  ## The figures of docs/benchmarks.md; repeated on the same day, it goes on with the trainings it began.
	$(BIN)/resnets bench all --runs runs/bench-$$(date +%F)

native-sanitize: $(READY)  ## The kernels against plain loops, watched by the sanitizers of the compilers.
	$(BIN)/python tools/native_check.py addresses threads

native-neon: $(READY)  ## The same for ARM's processors, cross-compiled and emulated.
	$(BIN)/python tools/native_check.py neon

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

wheel: $(READY)  ## A wheel for this kind of machine, with the kernels for all its processors.
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@$(BIN)/python -m zipfile -l "$$(ls -t dist/resnets-*.whl | head -1)" | grep -q libresnets.so || \
		{ echo "The wheel in dist has no kernels: install a C++17 compiler with OpenMP and make it again." >&2; exit 1; }

$(READY): pyproject.toml setup.py $(wildcard native/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
