# Every command of this house. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run fresh test test-deep check coverage drill mutants bench package deploy redrive subscribers setup

PYTHON := .venv/bin/python
STAGE ?= prod
PACKAGE = --stage $(STAGE) $(if $(RUNTIME),--runtime $(RUNTIME)) $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE)) $(if $(CITY),--city $(CITY))
TESTS = -n 2 --dist worksteal

help:  ## list the commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup  ## run the whole city on this machine, at http://127.0.0.1:8001 (PORT, WORLD_PORT, CITY_TIME, CITY)
	@exec $(PYTHON) -m local

fresh:  ## forget the city on this machine: who joined, what was sent, its clock
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m local.fresh; else rm -rf .local; fi

test: setup  ## run the tests, in random order
	@$(PYTHON) -m pytest $(TESTS) -m "not package and not deep"

test-deep: setup  ## the same faults at full size, in pairs, and on AWS's adapters (an hour)
	@$(PYTHON) -m pytest $(TESTS) -m deep

drill: setup  ## a city of its own with faults switched on and its app killed: proves that everybody is settled
	@exec $(PYTHON) -m local.drill

mutants: setup  ## change the rules one by one and see a test fail for each; slow
	@sh infra/mutants.sh

check: setup  ## everything that has to hold before a change lands: lint, types, catalogues, package, tests
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m infra.catalogues check
	$(PYTHON) -m pytest $(TESTS) -m "not deep"

# Apart from check: nothing hangs on the number, and tracing each branch makes the tests take more than twice as long.
coverage: setup  ## list the lines and branches that no test goes through
	@$(PYTHON) -m pytest $(TESTS) -m "not package and not deep" --cov --cov-report=term-missing:skip-covered

bench: setup  ## measure calls, work and size; prints one JSON object
	@$(PYTHON) -m bench

package: setup  ## make what a city deploys, in build/<stage> (STAGE, RUNTIME, ARCHITECTURE, CITY)
	@$(PYTHON) -m infra.build $(PACKAGE)

deploy: package  ## deploy it with CloudFormation (STAGE, SET; see docs/deploy.md)
	@$(PYTHON) -m infra.deploy --stage $(STAGE) $(foreach value,$(SET),--set $(value))

redrive: setup  ## queue again what workers gave up on (QUEUE, STAGE)
	@$(PYTHON) -m infra.redrive $(QUEUE) --stage $(STAGE)

subscribers: setup  ## check, import or export subscribers (DO, FILE, STAGE, TABLE, BY; see docs/how-to.md)
	@$(PYTHON) -m infra.subscribers $(DO) $(FILE) --stage $(STAGE) $(if $(TABLE),--table $(TABLE)) $(if $(CITY),--city $(CITY)) $(if $(BY),--by $(BY)) $(if $(READ),--read)

setup:
	@sh infra/setup.sh
