# `make help` lists what there is. All that is installed goes into $(VENV); nothing needs root.
#
#   PYTHON=python3.12   the Python to make the environment with (default: the newest suitable one)
#   VENV=.venv-3.12     where to make it
#   ARGS="-k echo"      more arguments for pytest, or for the demo
#   JOBS=2              how many processes run the tests

VENV ?= .venv
JOBS ?= auto
ARGS ?=

BIN := $(VENV)/bin
# A version manager's stand-in for a Python that is not active exists, but does not run: so try each.
FIND_PYTHON = for python in $(PYTHON) $(if $(PYTHON),,python3.13 python3.12 python3.11 python3.10 python3 python python3.14); do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 \
	&& { echo "$$python"; exit 0; }; done; exit 1
INSTALL = $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help check demo test test-fast test-rest test-pages test-gradio5 test-newest lint format types types-docs layers fuzz bench bench-soak frontend frontend-check docs build clean env env-dev env-gradio5

help: ## list these targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

check: lint types layers test-fast ## all that is quick: what to run before each commit

demo: $(VENV)/.run ## run the echo demo on http://127.0.0.1:7860
	$(BIN)/python demo/app.py $(ARGS)

test: $(VENV)/.dev ## run the whole test suite (ARGS="-k name" for a part of it)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-fast: $(VENV)/.dev ## run the tests that need no real peer, page or other program, a minute or two
	$(BIN)/python -m pytest -n $(JOBS) -m fast $(ARGS)

test-rest: $(VENV)/.dev ## run the tests that test-fast leaves out
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not fast" $(ARGS)

test-pages: $(VENV)/.dev ## run the tests of the Gradio page alone, in two workers
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --browsers 2 $(ARGS) tests/gradio

test-gradio5: $(VENV)-gradio5/.made ## test the page on Gradio 5; the other tests have Gradio 6
	$(VENV)-gradio5/bin/python -m pytest -n $(JOBS) --dist loadgroup --browsers 2 $(ARGS) tests/gradio tests/ui tests/test_webrtc.py

test-newest: $(VENV)-newest/.made ## test WebRTC with the newest aiortc and aioice, which pyproject.toml may not allow yet
	-$(VENV)-newest/bin/fastrtc doctor
	$(VENV)-newest/bin/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS) tests/transport/webrtc tests/webrtc tests/abuse

lint: $(VENV)/.dev ## look for mistakes and for unformatted files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## format the files and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## check the types
	$(BIN)/mypy

types-docs: $(VENV)/.pyright ## check the types of the programs in docs/src, as their readers' mypy and pyright do
	$(BIN)/python -m tests.docs.types $(ARGS)

layers: $(VENV)/.dev ## check who imports whom
	$(BIN)/lint-imports

fuzz: $(VENV)/.dev ## fuzz what reads messages of strangers, 13 minutes (ARGS="offer --seconds 600")
	$(INSTALL) atheris
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/.dev ## measure it beside FastRTC 0.0.34 and aiortc alone, 15 minutes (ARGS=--full: all)
	$(BIN)/python -m benchmarks $(ARGS)

bench-soak: $(VENV)/.dev ## hold 80% of the sessions that it can for 10 minutes (ARGS="--minutes 1")
	$(BIN)/python -m benchmarks --only soak --skip reference --skip aiortc $(ARGS)

frontend: frontend/node_modules/.made ## build what the browser loads (needs Node)
	cd frontend && npm run --silent build

frontend-check: frontend/node_modules/.made ## check and test what the browser loads
	cd frontend && npm run --silent check

docs: $(VENV)/.docs ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m tests.docs.site site
	$(BIN)/python -m tests.docs.search site
	$(BIN)/python -m tests.docs.llms site

build: $(VENV)/.build ## build the wheel and the sdist into dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

clean: ## remove the environment and all that was made
	rm -rf $(VENV) $(VENV)-gradio5 $(VENV)-newest dist site frontend/node_modules demo/*/frontend/node_modules demo/*/frontend/.next tests/protocols/whip/libdatachannel/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

env: $(VENV)/.run ## make the environment that the demo needs

env-dev: $(VENV)/.dev ## make the environment that the tests need

env-gradio5: $(VENV)-gradio5/.made ## make the environment that test-gradio5 needs

# Exactly what the lock file says; `npm install` would change it.
frontend/node_modules/.made: frontend/package-lock.json
	cd frontend && npm ci --silent --ignore-scripts
	@touch $@

# Old pips cannot install a pyproject.toml in place (PEP 660), so the first thing is a newer one.
$(VENV)/.made:
	@python=$$($(FIND_PYTHON)) || { \
		echo "No Python >= 3.10 with venv and ensurepip was found$(if $(PYTHON), at PYTHON=$(PYTHON))."; \
		echo "On Debian and Ubuntu: apt-get install python3 python3-venv. Or name one: make PYTHON=/path/to/python3 ..."; \
		exit 1; }; \
	echo "making $(VENV) with $$python"; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV)
	$(INSTALL) --upgrade pip
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	@echo "installing fastrtc (the first time takes a minute or two)"
	$(INSTALL) --editable '.[offline]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "installing fastrtc and what the tests need (the first time takes a minute or two)"
	$(INSTALL) --editable '.[dev,vad,turn,stt,tts,cartesia,offline,ears]'
	$(INSTALL) --no-deps 'pipecat-ai==1.14.0; python_version >= "3.11"' # only for its model
	@touch $@ $(VENV)/.run

$(VENV)/.pyright: $(VENV)/.dev
	$(INSTALL) pyright
	@touch $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(INSTALL) --group docs
	@touch $@

$(VENV)-gradio5/.made: $(VENV)/.made pyproject.toml
	@echo "installing fastrtc with Gradio 5 (the first time takes a minute or two)"
	rm -rf $(VENV)-gradio5 && $(BIN)/python -m venv $(VENV)-gradio5
	$(VENV)-gradio5/bin/python -m pip --disable-pip-version-check install --quiet --upgrade pip
	$(VENV)-gradio5/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[dev,vad]' 'gradio>=5,<6'
	@touch $@

$(VENV)-newest/.made: $(VENV)/.made pyproject.toml
	@echo "installing fastrtc with the newest aiortc and aioice (the first time takes a minute or two)"
	rm -rf $(VENV)-newest && $(BIN)/python -m venv $(VENV)-newest
	$(VENV)-newest/bin/python -m pip --disable-pip-version-check install --quiet --upgrade pip
	$(VENV)-newest/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[dev,vad]'
	$(VENV)-newest/bin/python -m pip --disable-pip-version-check install --quiet --upgrade aiortc aioice
	@touch $@

$(VENV)/.build: $(VENV)/.made
	$(INSTALL) build
	@touch $@
