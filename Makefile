# Each target sets up what it needs on a fresh Debian 12; `make` alone lists them.
# Settings: VENV (virtual environment), PYTHON (3.11 or newer), ARCHIVE (for run), ARGS (passed on),
# JOBS (processes that share the tests).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV ?= .venv
ARCHIVE ?= ./archive
ARGS ?=
JOBS ?= 2
BIN := $(VENV)/bin

# command:Debian package. Running needs Python alone; tests let other people's tools judge what was written.
FOR_DEMO := openssl:openssl
FOR_TEST := openssl:openssl unzip:unzip zip:zip jq:jq gzip:gzip xxd:xxd node:nodejs npm:npm qpdf:qpdf \
	pdfsig:poppler-utils zbarimg:zbar-tools chromium:chromium firefox-esr:firefox-esr \
	nginx:nginx-light
FOR_BENCH := openssl:openssl zip:zip wget:wget nginx:nginx-light time:time

# Installs the packages whose command is missing when we are root, otherwise names them and stops.
define need
missing=(); \
for pair in $(1); do PATH=$$PATH:/usr/sbin type -P "$${pair%%:*}" >/dev/null || missing+=("$${pair##*:}"); done; \
command -v $(PYTHON) >/dev/null || missing+=(python3); \
[ -x $(BIN)/python ] || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv); \
if [ $${#missing[@]} -gt 0 ]; then \
	install="apt-get install -y --no-install-recommends $${missing[*]}"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive $$install; \
	else \
		echo "missing: $${missing[*]}; as root run: apt-get update && $$install" >&2; exit 1; \
	fi; \
fi; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 …" >&2; exit 1; }
endef

.PHONY: help demo run test lint fmt bench bench-watch docs clean need-run need-demo need-test need-bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 13

demo: need-demo $(VENV)/run.stamp ## a tour on loopback: a site whose policy changes, a timestamp authority, the daemon
	$(BIN)/archiver demo $(ARGS)

run: need-run $(VENV)/run.stamp ## the daemon on ARCHIVE (default ./archive); make one first with archiver init
	@[ -e "$(ARCHIVE)/archive.toml" ] || { echo "no archive at $(ARCHIVE); make one: $(BIN)/archiver init $(ARCHIVE)" >&2; exit 2; }
	$(BIN)/archiver --archive "$(ARCHIVE)" run $(ARGS)

test: need-test $(VENV)/dev.stamp ## the whole test suite in JOBS processes; ARGS="-k merkle" narrows it
	$(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: need-run $(VENV)/dev.stamp ## ruff check, ruff format --check, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: need-run $(VENV)/dev.stamp ## format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: need-bench $(VENV)/bench.stamp ## measure speed against other tools
	$(BIN)/python -m bench $(ARGS)

bench-watch: need-bench $(VENV)/bench.stamp ## replay real policies with known answers; BENCH_POLICIES names the data set
	$(BIN)/python -m bench watch $(ARGS)

docs: need-run $(VENV)/dev.stamp ## write docs/commands.md again from the command line's own help
	$(BIN)/python -m tests.commands_page

clean: ## remove what make and the tools made; never an archive
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis bench/scratch bench/results
	find archiver storage tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

need-run:
	@$(call need,)

need-demo:
	@$(call need,$(FOR_DEMO))

need-test:
	@$(call need,$(FOR_TEST))

need-bench:
	@$(call need,$(FOR_BENCH))

$(BIN)/python: | need-run
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint,bench]'
	@touch $@ $(VENV)/dev.stamp $(VENV)/run.stamp
