# make compare   train shaped and unshaped agents, and read which reward won
# make test      run the tests
# Both create .venv on first use; nothing but Python >= 3.11 is needed.

PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS := 1
# every worker and command that a test starts would compile the whole package anew
export PYTHONDONTWRITEBYTECODE :=

.PHONY: suite compare test slow foreign check docs films dist format bench evidence clean

compare: .venv/installed
	$(BIN)/rewardwrap compare --jobs 2 --out runs/default

test: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

# minutes: installs into clean environments, long trainings
slow: .venv/installed-dev
	$(BIN)/python -m pytest -m slow -o timeout=3600

# other people's environments, paid against a hand computation (installs them first)
foreign: .venv/installed-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[foreign,mario]"
	$(BIN)/python -m pytest -m slow -o timeout=3600 tests/foreign

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_imports.py tests/test_public_names.py
	$(BIN)/python -m pytest --doctest-modules rewardwrap envs/rewardwrap_envs policies/rewardwrap_policies
	$(MAKE) --no-print-directory docs

# the site, site/index.html; a public name without a docstring, or a link to nowhere, stops it
docs: .venv/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# the films of the gallery, drawn anew (minutes)
films: .venv/installed-dev
	$(BIN)/python docs/gallery/films.py

# wheel and sdist in dist/, checked as a package index would
dist: .venv/installed-dev
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m pip install --quiet --constraint constraints.txt twine
	$(BIN)/python -m twine check --strict dist/*

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# what everything costs, on an otherwise idle machine: the table of docs/results/speed.md, then room by room
bench: .venv/installed-dev
	$(BIN)/python -m tests.bench
	for what in startup relabel backends sandbox price exploration tensors distances "audit cost" labels \
		"memory --steps 1e6" pairs; do \
		echo "== $$what"; $(BIN)/python -m tests.bench.$$what || exit 1; done
	$(BIN)/python tests/compare/bench_executors.py local ray slurm --scaling

# what each method was seen to do: make evidence ONLY=krc,par JOBS=2; goes on where it was stopped
ONLY :=
JOBS := 1

evidence: .venv/installed-dev
	$(BIN)/python -m tests.evidence --only "$(ONLY)" --jobs $(JOBS)

# a suite of environments, kept as JSON with a page made from it: make suite SUITE=mujoco SEEDS=5 STEPS=300000
SUITE := classic
SEEDS := 5
STEPS :=

suite: .venv/installed
	$(BIN)/rewardwrap compare --suite $(SUITE) --seeds $(SEEDS) $(if $(STEPS),-n $(STEPS)) --jobs $(JOBS) --out runs/$(SUITE)
	mkdir -p docs/results/suites/$(SUITE)
	cp runs/$(SUITE)/suite.json docs/results/suites/$(SUITE)/suite.json
	$(BIN)/rewardwrap report runs/$(SUITE) --markdown > docs/results/suites/$(SUITE).md

clean:
	rm -rf .venv runs site dist

# torch first and alone: a resolver that is free to choose takes gigabytes of GPU libraries
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
