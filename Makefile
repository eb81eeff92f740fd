# Every command of this house. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run fresh test check bench package deploy setup

PYTHON := .venv/bin/python
STAGE ?= prod
PACKAGE = --stage $(STAGE) $(if $(RUNTIME),--runtime $(RUNTIME)) $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE)) $(if $(CITY),--city $(CITY))
TESTS = -n 2 --dist worksteal

help:  ## list the commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup  ## run the whole city on this machine, at http://127.0.0.1:8001 (PORT, WORLD_PORT, CITY_TIME, CITY)
	@exec $(PYTHON) -m local

fresh:  ## forget the city on this machine: who joined, what was sent, its clock
	@rm -rf .local && echo "The city is forgotten; make run builds a new one."

test: setup  ## run the tests, in random order
	@$(PYTHON) -m pytest $(TESTS) -m "not package"

check: setup  ## everything that has to hold before a change lands: lint, types, catalogues, package, tests
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m infra.catalogues check
	$(PYTHON) -m pytest $(TESTS) --cov --cov-report=term:skip-covered

bench: setup  ## measure calls, work and size; prints one JSON object
	@$(PYTHON) -m bench

package: setup  ## make what a city deploys, in build/<stage> (STAGE, RUNTIME, ARCHITECTURE, CITY)
	@$(PYTHON) -m infra.build $(PACKAGE)

deploy: package  ## deploy it with CloudFormation (STAGE, SET; see docs/deploy.md)
	@$(PYTHON) -m infra.deploy --stage $(STAGE) $(foreach value,$(SET),--set $(value))

setup:
	@sh infra/setup.sh
