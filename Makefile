# Two commands: `make report` and `make test`. Each makes the environment in .venv first; nothing is done twice.
PYTHON ?= $(or $(shell command -v python3.11),python3)
DATA ?= data_synthetic
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMP := .venv/.ready
SPARK := .venv/.spark
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet \
  --custom-compile-command "make lock"

export MPLCONFIGDIR := $(CURDIR)/.venv/matplotlib
export IPYTHONDIR := $(CURDIR)/.venv/ipython
export JUPYTER_PLATFORM_DIRS := 1
export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env report test lint unit notebooks expected refresh world lock slow bench fuzz clean

help: ## Say what each command does
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(STAMP) ## Make the environment in .venv

$(STAMP): requirements.lock pyproject.toml
	@echo "Making the environment in .venv (once; a minute or two) …"
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found. Install Python 3.11, or name yours: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian: apt install python3.11-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -W ignore -c 'import matplotlib.font_manager' 2>/dev/null
	@touch $(STAMP)
	@echo "The environment is ready."

report: $(STAMP) ## From the linked data to reports/annual_report.html, .pdf, .docx and one file per chapter
	@$(BIN)/impact report --data $(DATA) $(if $(LAST),--last $(LAST))

test: lint unit notebooks ## The whole suite, notebooks included

lint: $(STAMP) $(SPARK)
	@echo "Checking style and types …"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary

$(SPARK): requirements-spark.lock $(STAMP)
	@echo "Adding Spark for the tests of the second engine …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-spark.lock
	@touch $(SPARK)

unit: $(STAMP) $(SPARK)
	@echo "Running the tests …"
	@$(BIN)/pytest -q -rs -n 2 --dist loadfile

notebooks: $(STAMP)
	@echo "Running every notebook again and comparing each output …"
	@$(BIN)/pytest -q -n 2 --dist loadfile --nbval notebooks -o filterwarnings=default

expected: $(STAMP) ## Accept the report's present numbers as the expected ones
	@$(BIN)/impact report --data data_synthetic --accept

refresh: $(STAMP) ## Run the notebooks and store their outputs in them
	@$(BIN)/impact notebooks

world: $(STAMP) ## Make data_synthetic again from its seed
	@$(BIN)/impact simulate data_synthetic

slow: $(STAMP) $(SPARK) ## Tests of a minute or more, and simulations of coverage (an hour or so)
	@$(BIN)/pytest -q -rs -m slow
	@for file in benchmarks/coverage_*.py; do $(BIN)/python $$file || exit 1; done

bench: $(STAMP) ## Benchmarks beside the peers
	@for file in $(filter-out benchmarks/coverage_% benchmarks/fuzz_% benchmarks/timing.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$file || exit 1; done

fuzz: $(STAMP) ## Returns changed at random, ten minutes; what it finds is in fuzz_found
	@$(BIN)/python -W ignore benchmarks/fuzz_returns.py

lock: ## Resolve pyproject.toml to requirements.lock and requirements-spark.lock again
	@$(BIN)/$(COMPILE) pyproject.toml --extra cli --extra notebooks --extra report --extra returns --extra link --extra dev --output-file requirements.lock
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' \
	  | $(BIN)/$(COMPILE) - --constraint requirements.lock --output-file requirements-spark.lock

clean: ## Remove the environment, caches and built reports
	@rm -rf .venv reports/.cache reports/*.html reports/*.pdf reports/*.docx reports/*.csv reports/chapters .mypy_cache .ruff_cache
