# `make` prints the targets. Two environments: .venv is what a board has, .venv-dev has all.
PYTHON ?= python3
# Python versions that edge/ must also run on; found on PATH or under pyenv.
OTHERS ?= 3.10 3.13

.PHONY: help run test check lint bench sample clean $(OTHERS:%=test-%)

help: ## print the targets
	@sed -nE 's/^([a-z-]+):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: .venv/ready ## install (once, no torch) and restyle the first camera, else the sample clip
	.venv/bin/stylecam run

test: .venv-dev/ready $(OTHERS:%=test-%) ## install (once, with torch) and run every test
	.venv-dev/bin/python -m pytest

check: .venv-dev/ready lint test ## format, lint, types, import layering, tests: what CI runs

lint: .venv-dev/ready ## format, lint, types and import layering alone
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/ruff check .
	.venv-dev/bin/mypy
	.venv-dev/bin/lint-imports --no-cache

bench: .venv-dev/ready ## both engines, FP32 and INT8, against Johnson's network, on one thread
	.venv-dev/bin/python -m tests.benchmarks.engines

sample: .venv-dev/ready ## render the sample clip again
	.venv-dev/bin/python -m train.scene --out edge/samples/flight.mp4

clean: ## remove the environments and caches
	rm -rf .venv .venv-* build *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(OTHERS:%=test-%): test-%:
	@tests/other-python $* tests/edge

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --editable '.[tflite]'
	@touch $@

.venv-dev/ready: pyproject.toml
	$(PYTHON) -m venv .venv-dev
	.venv-dev/bin/pip install --quiet --editable '.[dev]'
	@touch $@
