# One command per target; each sets up .venv by itself the first time.
PYTHON  ?= python3
RESULTS ?= results
PLAN    ?= quick
ARGS    ?=
PIP_ARGS ?=
BIN     := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help benchmark test smoke leaderboard facts report ui dashboard docs lint check perf publish cluster-demo release lock clean clean-results

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

benchmark: .venv/installed  ## run a plan, rank its strategies, write the report (PLAN=, RESULTS=, ARGS=)
	@$(BIN)/multiepoch benchmark "$(PLAN)" --results "$(RESULTS)" $(ARGS)

test: .venv/installed  ## run the tests (ARGS="tests/engine -k window": some)
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile $(ARGS)

smoke: .venv/installed  ## the same path as benchmark in under a minute: 2 strategies, 1 seed, 2 epochs
	@$(BIN)/multiepoch benchmark smoke --results "$(RESULTS)" $(ARGS)

leaderboard: .venv/installed  ## 26 strategies and combinations, all searched alike, on seven draws of avazu_like: an hour
	@$(BIN)/multiepoch benchmark main_avazu --results "$(RESULTS)" $(ARGS)

facts: .venv/installed  ## try what the literature reports, and write a verdict on each fact (ARGS="F1 F3": these alone)
	@$(BIN)/multiepoch facts --results "$(RESULTS)" $(ARGS)

report: .venv/installed  ## write report.html and report/ again from the records
	@$(BIN)/multiepoch report --results "$(RESULTS)" $(ARGS)

ui: .venv/installed  ## open MLflow on http://127.0.0.1:5000
	@$(BIN)/multiepoch ui --results "$(RESULTS)" $(ARGS)

dashboard: .venv/installed  ## open the Optuna dashboard on http://127.0.0.1:8080
	@$(BIN)/multiepoch dashboard --results "$(RESULTS)" $(ARGS)

docs: .venv/docs  ## build the documents as a site, in docs/_build; a warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -d .venv/doctrees -b html docs docs/_build $(ARGS)
	@echo "docs/_build/index.html"

lint: .venv/installed  ## ruff, ruff format and mypy strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

check: lint test  ## all that a change must pass: lint, then the tests, the conformance of every plug-in among them

perf: .venv/peers  ## measure speed side by side with other libraries (half an hour; ARGS="--only net")
	@$(BIN)/python -m perf.throughput $(ARGS)
	@$(BIN)/python -m perf.generator

publish:  ## copy tables of results/report/ to the published ones in results/tables/ (TABLES="quick facts")
	@$(PYTHON) tools/publish.py --results "$(RESULTS)" $(TABLES)

cluster-demo: .venv/installed  ## a Ray cluster, PostgreSQL and MLflow on this machine; two of them killed in mid-run
	@PYTHONPATH=.:tests $(BIN)/python tools/cluster_demo.py

release: check  ## build wheel and sdist into dist/ and try them on every Python there is; publishes nothing
	@$(BIN)/python tools/release.py $(PIP_ARGS)

lock:  ## resolve requirements.lock anew (needs uv)
	@uv pip compile --universal --python-version 3.11 --extra dev --extra docs --no-header --no-annotate --upgrade \
	  pyproject.toml --output-file requirements.lock

clean:  ## delete .venv and caches; results stay
	rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis build docs/_build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-results:  ## delete records, MLflow, Optuna and report (asks for YES=1)
	@test -n "$(YES)" || { echo "this deletes every result in $(RESULTS)/; say so with: make clean-results YES=1" >&2; exit 2; }
	@test -n "$(RESULTS)" || { echo "RESULTS is empty; accepted: a results folder, as RESULTS=results" >&2; exit 2; }
	rm -rf $(addprefix "$(RESULTS)"/,.locks checkpoints data descriptions inputs jobs launches mlartifacts optuna.artifacts plans report runs states)
	rm -f $(addprefix "$(RESULTS)"/,store mlflow.db* optuna.journal .optuna.journal.lock report.html report-*.html)

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "multiepoch needs Python 3.11 or newer; name one with: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) tools/set_up.py --args='$(PIP_ARGS)'

.venv/docs: .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock $(PIP_ARGS) --editable '.[docs]'
	@touch $@

.venv/peers: .venv/installed perf/peers.txt
	@echo "installing the peers; one that does not install is reported as such"
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock $(PIP_ARGS) --editable '.[peers]'
	-@for peer in $$(cat perf/peers.txt); do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(PIP_ARGS) $$peer; done
	@touch $@
