# The verbs. `make` alone prints them. Needs Python 3.11 or newer and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
PY := PYTHONSAFEPATH=1 PYTHONPATH=. $(VENV)/bin/python

help: ## print this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/ready ## make .venv with everything (over 2 GB; several more where torch brings CUDA, as on Linux)

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[train,dev]'
	@touch $@

setup-serve: ## make .venv for serving and scoring only: no torch
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable .

serving: # whatever environment there is will do; else the whole one
	@test -x $(VENV)/bin/wijha-serve || $(MAKE) setup

train: setup ## fine-tune, calibrate, evaluate, write a checkpoint [BASE=<hub id or folder> DATA="<paths>" CONFIG=<toml> NAME=<name>]
	$(PY) -m train run $(if $(BASE),--base "$(BASE)") $(if $(DATA),--data "$(DATA)") $(if $(CONFIG),--config "$(CONFIG)") $(if $(NAME),--name "$(NAME)")

serve: serving ## HTTP on 127.0.0.1:8000 [CHECKPOINT=<folder> PORT=<port>]
	$(PY) -m serve api $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") $(if $(PORT),--port $(PORT))

score: serving ## score tables of articles: IN="articles.csv more.jsonl" OUT=scored.csv [CHECKPOINT=<folder>]
	@test -n "$(IN)" -a -n "$(OUT)" || { echo "make score IN=articles.csv OUT=scored.csv"; exit 2; }
	$(PY) -m serve score $(IN) "$(OUT)" $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)")

pretrain: setup ## pretrain an encoder: CORPUS=<folder, file or hub data set> [OUT=<folder> CONFIG=<toml> INIT=<folder>]
	@test -n "$(CORPUS)" || { echo "make pretrain CORPUS=<folder, file or hub data set>"; exit 2; }
	$(PY) -m train pretrain --corpus "$(CORPUS)" $(if $(OUT),--out "$(OUT)") $(if $(CONFIG),--config "$(CONFIG)") $(if $(INIT),--init "$(INIT)")

report: setup ## a page of figures and plots of a checkpoint, runs/report.html [CHECKPOINT=<folder> DATA="<paths>" OUT=<file>]
	$(PY) -m train report $(CHECKPOINT) $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)") $(if $(wildcard runs/curve/results.json),--curve runs/curve/results.json) $(if $(wildcard runs/ablations/results.json),--ablations runs/ablations/results.json)

gate: setup ## fail where the bundled checkpoint is worse than train/floors.json allows
	$(PY) -m train gate

benchmark: setup ## train and score on public sets, docs/benchmarks.md: DATA=<folder> [SEEDS=<n> BASE=<hub id, folder or random>]
	@test -n "$(DATA)" || { echo "make benchmark DATA=<folder of the sets>; see docs/benchmarks.md"; exit 2; }
	$(PY) -m train benchmark "$(DATA)" $(if $(SEEDS),--seeds $(SEEDS)) $(if $(BASE),--base "$(BASE)")

bench: setup ## side by side with other tools, docs/performance.md [ONLY="<sections>" SOURCE=<articles> SECONDS=<s> ROUNDS=<n> CHECKPOINT=<folder>]
	$(PY) -m tests.bench.performance $(if $(ONLY),--only $(ONLY)) $(if $(SOURCE),--source "$(SOURCE)") $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)")

test: setup ## run the tests (offline)
	$(PY) -m pytest

check: setup ## ruff, mypy strict, import contracts, the corpus
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	PYTHONPATH=. $(VENV)/bin/mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports
	$(PY) -m data check

clean: ## remove the environment, builds and caches; runs/ and the checkpoints stay
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help setup setup-serve serving train serve score pretrain report gate benchmark bench test check clean
