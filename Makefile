# make demo   one working day of the consortium, seven processes, on this machine
# make test   the tests, on all cores
# make check  format, lint, strict types, architecture, sizes, English
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install up down demo test acceptance live nightly drill transcripts fingerprints properties lowest-versions seeded-bugs coverage check format bench base image up-docker python-versions clean docs messages typescript

help:  ## these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

install: $(STAMP)  ## make .venv and install consortium with its exact test dependencies

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "consortium needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

DIR ?= consortium-data
up: install  ## bring up a consortium that stands, in DIR (consortium-data)
	@$(BIN)/consortium up --dir "$(DIR)"

down: install  ## end it and remove its data; KEEP=1 keeps them
	@test ! -e "$(DIR)/consortium.json" || $(BIN)/consortium down --dir "$(DIR)" $(if $(KEEP),,--wipe)

demo: install  ## run scenarios/claim_day.py with seven local processes
	@$(BIN)/consortium run scenarios/claim_day.py

ON_ALL_CORES := -n auto --dist worksteal

test: install  ## run all tests that a change waits for, on all cores
	@$(BIN)/python -m pytest $(ON_ALL_CORES)

acceptance: install  ## run what docs/requirements.md says of each requirement, row by row (half an hour); ROWS=1,48 for some
	@$(BIN)/python -m tests.acceptance $(if $(ROWS),--rows $(ROWS)) $(if $(JOBS),--jobs $(JOBS))

live: install  ## run only the tests with real processes and brokers
	@$(BIN)/python -m pytest $(ON_ALL_CORES) -m 'live and not drill' tests/live

nightly: install  ## what is longer: all fingerprints, random properties, drills, seeded bugs, versions, exploration (an hour)
	@$(BIN)/python -m pytest $(ON_ALL_CORES) -m nightly
	@$(MAKE) --no-print-directory properties drill seeded-bugs coverage lowest-versions python-versions
	@$(BIN)/consortium explore --minutes 10

fingerprints: install  ## does every scenario leave the trace that it left before? (minutes)
	@$(BIN)/python -m tests.fingerprints

properties: install  ## every property on random examples, three times (`make test` takes the same examples each time)
	@for turn in 1 2 3; do $(BIN)/python -m pytest $(ON_ALL_CORES) --hypothesis-profile random tests/property \
	  $$(grep -rl "^from hypothesis" tests/unit tests/simulation) || exit 1; done

lowest-versions: install  ## unit tests and a local run with the lowest versions that pyproject.toml allows (minutes)
	@.ci/lowest-versions

drill: install  ## kill real processes at every failpoint, damage real disks (minutes)
	@$(BIN)/python -m pytest -m drill tests/live

transcripts: install  ## write the golden transcripts of both protocols anew: look at what changed before you commit it
	@$(BIN)/python -m tests.transcripts --write

seeded-bugs: install  ## break one rule of the protocol at a time: does a test of ours catch it? (minutes)
	@$(BIN)/python -m tests.seeded_bugs

COVERED := tests/unit/pbft tests/unit/protocols tests/unit/core tests/unit/node tests/unit/ledger \
  tests/unit/contracts/test_governance.py tests/unit/behaviours tests/property/test_pbft_hostile_messages.py tests/simulation/test_pbft_service.py \
  tests/simulation/test_membership_runs.py tests/simulation/test_membership_tuning.py tests/simulation/test_behaviours_show.py

coverage: install  ## branches of core, node, protocols/common and protocols/pbft that their tests take: fails below 95 % (a minute)
	@mkdir -p build
	@COVERAGE_FILE=build/.coverage $(BIN)/python -m pytest --cov=consortium/core --cov=consortium/node \
	  --cov=consortium/protocols/common --cov=consortium/protocols/pbft \
	  --cov-branch --cov-report=term-missing:skip-covered --cov-report=json:build/coverage.json --cov-fail-under=95 $(COVERED)
	@$(BIN)/python -m tests.branch_coverage build/coverage.json

check: install  ## format, lint, strict types, architecture, sizes, English
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/unit/test_sizes.py tests/unit/test_english.py

format: install  ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: install  ## settlement throughput of four local processes on a private Mosquitto
	@$(BIN)/consortium run scenarios/bench_settlement.py --broker mosquitto

PYTHONS ?= python3.11 python3.12 python3.13
python-versions:  ## the same seed is the same trace on every one of PYTHONS (minutes)
	@.ci/python-versions $(PYTHONS)

docs: install  ## write docs/systems.md and docs/systems/ anew from the code of the contracts
	@$(BIN)/python -m tests.systems

typescript: install  ## types of a client in TypeScript, into build/typescript (Node.js and npm)
	@$(BIN)/python -m tests.typescript build/typescript

messages: install  ## renew the catalogues of translated messages (consortium/locale)
	@$(BIN)/python -m tests.messages

up-docker: install  ## bring up seven organisations in containers (builds the image where it is missing); `consortium down` ends them
	@docker image inspect consortium >/dev/null 2>&1 || docker/build
	@$(BIN)/consortium up --docker

base:  ## a base image of Debian's packages, consortium-base, where none can be pulled (root and debootstrap)
	@docker/base

image:  ## the image of all roles, with its size and that of its base (BASE=consortium-base: on what `make base` made)
	@docker/build

clean:  ## remove the environment and caches; runs stay
	rm -rf $(VENV) .venv-versions build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
