# Everything runs in a virtual environment of its own; remove .venv to start afresh.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
RESULTS := benchmarks/results/benchmark.json
QUALITY := benchmarks/results/quality.json
SOURCES := $(shell find streamrnn cli -name '*.py')

.PHONY: help replay test test-compiled test-interpreted test-simulated lint bench quality venv clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

replay: $(VENV)/.installed  ## learn a bundled stream and compare with baselines
	$(BIN)/streamrnn replay

test: lint test-compiled test-interpreted test-simulated  ## lint, types, all tests

# By file: tests of a file share compiled configurations. In the order of tests/conftest.py. In two
# halves: a process keeps all that it has compiled, of which there are gigabytes at the end.
test-compiled: $(VENV)/.installed-dev
	$(RUN) pytest --numprocesses auto --dist loadfile --no-loadscope-reorder tests/test_[a-k]*.py
	$(RUN) pytest --numprocesses auto --dist loadfile --no-loadscope-reorder tests/test_[l-z]*.py \
		streamrnn README.md docs

# The files that have tests of a kind: reading all others would take longer than these tests do.
files-with = $(shell grep -l "mark.$(1)" tests/test_*.py)

# A small part again as plain Python: it must not depend on what only compiled code allows.
test-interpreted: $(VENV)/.installed-dev
	NUMBA_DISABLE_JIT=1 $(RUN) pytest --numprocesses auto -m interpreted $(call files-with,interpreted)

# What runs on a device, on a simulated one: each of its threads is one of Python.
test-simulated: $(VENV)/.installed-dev
	NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 $(RUN) pytest --numprocesses auto -m simulated \
		$(call files-with,simulated)

lint: $(VENV)/.installed-dev  ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

bench: $(VENV)/.installed-bench  ## measure everything, draw the charts, write the README's figures
	$(BIN)/python benchmarks/run.py --json $(RESULTS)
	$(BIN)/python benchmarks/charts.py $(RESULTS)
	$(BIN)/python benchmarks/readme.py

quality: export PYTHONPATH := benchmarks
quality: $(VENV)/.installed-bench  ## measure predictions on public streams, draw charts, write tables; some 20 minutes
	$(RUN) quality --json $(QUALITY)
	$(RUN) quality.charts $(QUALITY)
	$(RUN) quality.document

venv: $(VENV)/.installed-dev  ## environment for development

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Not editable: a script beside the clone must not take the clone's folder for the package.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml $(SOURCES)
	rm -rf build
	if [ -f $(VENV)/.installed-dev ]; then $(MAKE) venv; else $(RUN) pip install --quiet .; fi
	touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	$(RUN) pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed

# The environment for development has what the charts need already.
$(VENV)/.installed-bench: $(VENV)/.installed
	if [ ! -f $(VENV)/.installed-dev ]; then $(RUN) pip install --quiet '.[bench]'; fi
	touch $@

clean:  ## remove the environment and everything compiled
	rm -rf $(VENV) build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
