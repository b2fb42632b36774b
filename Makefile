# Every target that needs the virtual environment has it made, or brought up to date, first.
# More arguments for the command of a target: ARGS, as in  make test ARGS='-k session -x'
# The tests run in parallel; in one process, for a debugger or for little of them, with  ARGS='-n 0 -k session'

ARGS ?=
# Where the virtual environment is: one for each Python that is tested.
VENV ?= .venv
export VENV
bin := $(VENV)/bin
pytest := $(bin)/python -m pytest -n auto --dist worksteal

# The caller's own Python settings are not for the Python of this checkout.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONWARNINGS PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup run test unit check lint format proto web pictures lock bench soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the locked packages (PYTHON=... to choose the Python)
	@scripts/setup

run: setup ## start the service
	@$(bin)/rta run --config config/site.toml $(ARGS)

test: ## run the tests (installs the servers they start, where it may)
	@scripts/setup test
	@$(pytest) $(ARGS)

unit: setup ## run the unit tests: those that start no server and no other process
	@$(pytest) -m 'not processes' $(ARGS)

check: lint test ## lint and test

lint: setup ## style, types, generated files
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/python scripts/protoc --check

format: setup ## put the code into the project's style
	$(bin)/ruff check --fix
	$(bin)/ruff format

proto: setup ## compile the schemas in proto/
	$(bin)/python scripts/protoc

web: ## build the page in the browser from its sources in web/ (needs npm)
	@scripts/setup web
	@npm --prefix web run --silent build

pictures: setup ## take the pictures of docs/page.md anew, which are of the demo
	@$(bin)/python -m pytest tests/page/test_pictures.py --pictures=docs/pictures

lock: ## write the lock files anew (ARGS=--upgrade for newer Python packages; needs uv)
	@scripts/lock $(ARGS)

bench: setup ## run the benchmarks
	@$(bin)/python -m scripts.bench $(ARGS)

soak: setup ## run for ten minutes while everything breaks (ARGS='--minutes 30 --kills 100')
	@$(bin)/python -m scripts.soak $(ARGS)

clean: ## remove all that make made; recordings and other state stay
	rm -rf .venv .make build dist .hypothesis .mypy_cache .ruff_cache .pytest_cache scripts/bench/bin scripts/attacks/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
