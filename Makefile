# Everything here needs Python 3.13 and make, and nothing else. PYTHON=… names the interpreter to use.

STAGE ?= dev
PARAMETERS ?=
PORT ?= 4566
export PORT IMAGES KEEP

READY := .venv/ready

run: $(READY)  ## the stack on this machine, with pictures in it, until Ctrl-C; IMAGES=folder for one's own
	@exec .venv/bin/python -m infra.run

up: $(READY)  ## the same stack, detached and empty; described in .local/stack.json
	@exec .venv/bin/python -m infra.local up

down: $(READY)  ## ends it; KEEP=1 keeps its state for the next `make up`
	@exec .venv/bin/python -m infra.local down

test: $(READY)  ## all tests
	@infra/browser.sh
	@exec .venv/bin/python -m pytest -n 2 --dist loadgroup

lint: $(READY)  ## style, types, the rooms' arrows, the packaged template
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/mypy --config-file client/pyproject.toml
	.venv/bin/lint-imports
	.venv/bin/python -m infra.package
	.venv/bin/cfn-lint -t .local/package/template.json

bench: $(READY)  ## what it costs
	@exec .venv/bin/python -m bench

deploy: $(READY)  ## into the AWS account of the environment: STAGE=name PARAMETERS="Size=large …"
	@exec .venv/bin/python -m infra.deploy $(STAGE) $(PARAMETERS)

org: $(READY)  ## an organization with its first admin key, in the local stack or in that of STAGE=…: NAME=acme
	@exec .venv/bin/python -m infra.organization "$(NAME)" $(if $(NEW_KEY),--new-key) \
		$(if $(filter command environment,$(origin STAGE)),--stage $(STAGE))

clean:  ## back to what is checked in
	@[ ! -e $(READY) ] || .venv/bin/python -m infra.local down
	rm -rf .venv .local .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/\1\t\2/p' Makefile

$(READY): requirements.txt requirements-dev.txt client/pyproject.toml
	@infra/environment.sh "$(PYTHON)"
	@touch $@

.PHONY: run up down test lint bench deploy org clean help
