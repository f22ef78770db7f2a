# Every target bootstraps what it needs into .venv and says how long it took. CI calls `check` and `test`.
PYTHON ?= python3
PROMPT ?= A cute puppy playing with a ball in the park
SEED   ?= 9

BIN  := .venv/bin
STEP := @scripts/step.sh

export PIP_DISABLE_PIP_VERSION_CHECK := 1
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench docs

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.dev ## prepare .venv with everything that development needs, PyTorch for the CPU included

demo: .venv/.base ## draw PROMPT to puppy.png and show how it came about; needs Python 3.11+ only
	$(STEP) "Drawing puppy.png" $(BIN)/limner generate "$(PROMPT)" -o puppy.png --seed $(SEED) --trace

test: .venv/.dev .venv/.clients .venv/.browser ## run all tests
	$(STEP) "Running the tests" $(BIN)/python -m pytest

check: .venv/.dev ## check format, lint, types and architecture
	$(STEP) "Checking the format" $(BIN)/ruff format --check
	$(STEP) "Checking the lint rules" $(BIN)/ruff check
	$(STEP) "Checking the types" $(BIN)/mypy src tests scripts $(wildcard recipes bench)
	$(STEP) "Checking the architecture" $(BIN)/python -m pytest tests/test_architecture.py

bench: .venv/.dev ## measure speed and memory on this machine
	$(STEP) "Measuring" $(BIN)/python -m bench

docs: .venv/.base ## write the pages that are generated from the code
	$(STEP) "Writing docs/settings.md" $(BIN)/python scripts/settings_page.py
	$(STEP) "Writing docs/api-compat.md" $(BIN)/python scripts/api_page.py
	$(STEP) "Writing docs/serving.md" $(BIN)/python scripts/serving_page.py
	$(STEP) "Writing docs/deploy.md" $(BIN)/python scripts/deploy_page.py
	$(STEP) "Writing docs/engines.md" $(BIN)/python scripts/engines_page.py
	$(STEP) "Writing docs/model-card.md" $(BIN)/python scripts/model_card.py

.venv/.pip: scripts/make-venv.sh
	$(STEP) "Making .venv" scripts/make-venv.sh "$(PYTHON)" .venv
	@touch $@

.venv/.base: .venv/.pip pyproject.toml
	$(STEP) "Installing limner (a minute the first time)" $(BIN)/pip install --quiet --editable .
	@touch $@

.venv/.dev: .venv/.pip pyproject.toml scripts/install-torch.sh
	$(STEP) "Installing PyTorch" scripts/install-torch.sh $(BIN)/python
	$(STEP) "Installing limner for development" $(BIN)/pip install --quiet --editable '.[train]' --group check
	@touch $@ .venv/.base

.venv/.clients: scripts/make-venv.sh scripts/install-node-client.sh tests/clients/requirements.txt tests/clients/package.json
	$(STEP) "Making .venv/clients" scripts/make-venv.sh "$(PYTHON)" .venv/clients
	$(STEP) "Installing other clients of the API" .venv/clients/bin/pip install --quiet --requirement tests/clients/requirements.txt
	$(STEP) "Installing OpenAI's client for Node" scripts/install-node-client.sh tests/clients/package.json .venv/clients/node
	@touch $@

.venv/.browser: .venv/.pip scripts/install-browser-tools.sh tests/studio/browser/package.json
	$(STEP) "Installing what looks at the studio" scripts/install-browser-tools.sh tests/studio/browser/package.json .venv/browser
	@touch $@
