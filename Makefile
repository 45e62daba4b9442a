# Everything a newcomer needs: `make demo` and `make test`. Uses uv when it is there, venv and pip otherwise.
# Every path is relative: make takes a name with a space for two, and the checkout may lie in "My Documents".
ifeq ($(wildcard target_klaviyo_segments/cli.py),)
  $(error Start make in the folder that holds this Makefile, or name that folder: make -C FOLDER $(MAKECMDGOALS))
endif
PYTHON ?= python3
RUNS ?= 5000
UV := $(shell command -v uv 2>/dev/null)
VENV := .venv
TAP_VENV := .venv-tap
MELTANO_VENV := .venv-meltano
DAGSTER_VENV := .venv-dagster
TOOLS_VENV := .venv-tools
LOWEST_VENV := .venv-lowest
BIN := $(VENV)/bin
TAP := tap-jsonl==0.3.1
P := */target_klaviyo_segments
PURE := $(P)/segment/*,$(P)/klaviyo/protocol.py,$(P)/klaviyo/bodies.py,$(P)/klaviyo/answers.py,$(P)/klaviyo/refusals.py,$(P)/klaviyo/words.py,$(P)/klaviyo/pacing.py,$(P)/klaviyo/membership.py,$(P)/klaviyo/removing.py,$(P)/klaviyo/shares.py,$(P)/klaviyo/probing.py,$(P)/export/leaving.py,$(P)/export/modes.py,$(P)/export/checkpoint.py,$(P)/export/plan.py,$(P)/report/tally.py

# Tests of the whole target that are also the tests of what is pure in these features.
ALONGSIDE := $(addprefix tests/shell/test_,clearing.py consent.py grouparoo.py list_names.py removals.py segment_field.py suppression.py tags.py)

ifdef UV
  make_venv = $(UV) venv --quiet --allow-existing --python $(PYTHON) $(1)
  install = VIRTUAL_ENV=$(1) $(UV) pip install --quiet
else
  make_venv = $(PYTHON) -m venv $(1)
  install = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
endif
fill = ($(call make_venv,$(1)) && $(call install,$(1)) $(2)) || { \
  echo "$(1) could not be set up; the lines above say why. Without a network, or with a package index that does not answer," \
  "they speak of packages that cannot be found. Mend it and start make again: it goes on here." >&2; exit 1; }

.PHONY: help demo demo-meltano demo-dagster test test-all test-faults test-runs test-lowest soak coverage test-wheel lint lock sbom docs format settings bench clean
.DEFAULT_GOAL := help

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.ready $(TAP_VENV)/.ready  ## A real tap into a sandbox Klaviyo, and the report.
	@$(BIN)/python examples/demo/demo.py --tap $(TAP_VENV)/bin/tap-jsonl

demo-meltano: $(VENV)/.ready $(MELTANO_VENV)/.ready  ## The same through `meltano run`.
	@$(BIN)/python examples/demo/demo_meltano.py --meltano $(MELTANO_VENV)/bin/meltano

demo-dagster: $(VENV)/.ready $(TAP_VENV)/.ready $(DAGSTER_VENV)/.ready  ## Two accounts' segments on Dagster, and files of many workers.
	@PATH="$$PWD/$(BIN):$$PWD/$(TAP_VENV)/bin:$$PATH" $(DAGSTER_VENV)/bin/python examples/dagster/try_it.py

test: $(VENV)/.ready  ## The tests that need Python alone, in parallel; says what it left out.
	@$(BIN)/python -m pytest -n 2 -q

test-all: $(VENV)/.ready $(TAP_VENV)/.ready $(MELTANO_VENV)/.ready  ## All tests, with real taps and a browser; fails when PostgreSQL or Chromium is missing.
	@$(BIN)/python -m pytest -n 2 -q --all

coverage: $(VENV)/.ready  ## Branch coverage of the pure core, which must be whole.
	@COVERAGE_FILE=$(VENV)/coverage $(BIN)/python -m coverage run --include='$(PURE)' -m pytest -q \
	  tests/segment tests/klaviyo tests/export tests/report tests/settings tests/check $(ALONGSIDE) && rm -f $(VENV)/coverage && \
	  $(BIN)/python -m coverage combine -q --data-file=$(VENV)/coverage && $(BIN)/python -m coverage report \
	  --data-file=$(VENV)/coverage --fail-under=100 --show-missing --skip-covered

test-faults: $(VENV)/.ready  ## Every fault of docs/reliability.md, the slow ones too; ONLY=reset_after_body for one.
	@$(BIN)/python -m pytest -n 2 -q tests/faults -m 'slow or not slow' -k '$(ONLY)'

test-runs: $(VENV)/.ready  ## Random runs against models, of the whole target and of its parts, minutes for a thousand; RUNS=5000.
	@RUNS=$(RUNS) $(BIN)/python -m pytest -n 2 -q -m thorough

soak: $(VENV)/.ready  ## Three million records of a hundred streams; fails when memory grows.
	@$(BIN)/python -m tests.faults.soak

test-lowest: $(VENV)/.dev  ## The tests with the oldest versions that pyproject.toml allows; best PYTHON=python3.10.
	@$(BIN)/uv venv --quiet --allow-existing --python $(PYTHON) $(LOWEST_VENV)
	@VIRTUAL_ENV=$(LOWEST_VENV) $(BIN)/uv pip install --quiet --resolution lowest-direct -e '.[test]'
	@$(LOWEST_VENV)/bin/python -m pytest -n 2 -q

test-wheel: $(VENV)/.dev  ## Build the wheel and test it, installed, away from the checkout.
	@$(BIN)/python .ci/wheel.py

lint: $(VENV)/.dev $(TOOLS_VENV)/.ready  ## ruff, mypy, import-linter; the Dockerfile and what runs on GitHub.
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/hadolint Dockerfile && $(BIN)/zizmor --offline --quiet --no-progress .github
	@cd .github && ../$(TOOLS_VENV)/bin/check-jsonschema -qq --builtin-schema vendor.github-workflows workflows/*.yml && \
	  ../$(TOOLS_VENV)/bin/check-jsonschema -qq --builtin-schema vendor.dependabot dependabot.yml && \
	  ../$(TOOLS_VENV)/bin/check-jsonschema -qq --builtin-schema vendor.github-issue-forms ISSUE_TEMPLATE/bug.yml ISSUE_TEMPLATE/wish.yml && \
	  ../$(TOOLS_VENV)/bin/check-jsonschema -qq --builtin-schema vendor.meltano ../meltano.yml

lock: $(VENV)/.dev  ## Write the versions to be tested into constraints.txt; ARGS=--upgrade for the newest.
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --all-extras --no-annotate \
	  --custom-compile-command 'make lock' $(ARGS) --output-file constraints.txt pyproject.toml

sbom: $(VENV)/.dev $(TOOLS_VENV)/.ready  ## The bill of materials of a release, CycloneDX, into dist/.
	@$(BIN)/python .ci/sbom.py $(TOOLS_VENV)/bin/python

docs: $(VENV)/.dev  ## The site of docs/ into site/; fails at a dead link.
	@$(BIN)/python -m mkdocs build --strict --quiet

format: $(VENV)/.dev  ## Put the code into shape.
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

settings: $(VENV)/.ready  ## Rewrite the settings in meltano.yml and README.md from the table.
	@$(BIN)/python .ci/settings.py

bench: $(VENV)/.ready  ## The table of docs/performance.md, at most twenty minutes; ARGS=--quick for one.
	@$(BIN)/python benchmarks/bench.py $(ARGS)

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) $(TAP_VENV) $(MELTANO_VENV) $(DAGSTER_VENV) $(TOOLS_VENV) $(LOWEST_VENV) .meltano .demo dist

$(VENV)/.ready: pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "There is no command $(PYTHON). Name a Python 3.10 to 3.13:" \
	  "make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; have = sys.version.split()[0]; sys.exit(sys.version_info < (3, 10) and \
	  "$(PYTHON) is Python " + have + ", and 3.10 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" or \
	  sys.version_info > (3, 14) and print("Python " + have + " is newer than what this was tried with (3.10 to 3.13)." + \
	  " If it does not work: make clean, then make PYTHON=python3.13 $(MAKECMDGOALS)"))'
	@echo "setting up $(VENV) (once, about a minute)"
	@$(call fill,$(VENV),-e '.[test]')
	@touch $@

$(VENV)/.dev: $(VENV)/.ready
	@$(call fill,$(VENV),-e '.[dev]')
	@touch $@

# They bring a checker of addresses that jsonschema would import from then on, 0.8 s at each start of the target.
$(TOOLS_VENV)/.ready: Makefile
	@$(call fill,$(TOOLS_VENV),'check-jsonschema>=0.38' 'cyclonedx-bom>=7')
	@touch $@

$(TAP_VENV)/.ready: Makefile
	@echo "setting up $(TAP_VENV) with $(TAP), apart from the target as Meltano keeps plugins"
	@$(call fill,$(TAP_VENV),'$(TAP)')
	@touch $@

$(MELTANO_VENV)/.ready: Makefile
	@echo "setting up $(MELTANO_VENV)"
	@$(call fill,$(MELTANO_VENV),'meltano~=4.4')
	@touch $@

$(DAGSTER_VENV)/.ready: Makefile
	@echo "setting up $(DAGSTER_VENV)"
	@$(call fill,$(DAGSTER_VENV),'dagster~=1.13' 'pyarrow>=17' requests)
	@touch $@
