# What a person runs here. Every target makes what it needs first; `make` prints this list.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VENV := .venv
PYTHON := $(VENV)/bin/python
NAME ?= e2e
export KEEP
GO_BIN ?= /usr/local/go/bin
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)$(if $(GO_BIN),:$(GO_BIN))

## help: print this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z0-9]*\): \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{printf "  %-10s  %s\n", $$1, $$2}'

## setup: make .venv with the task-gateway command in it
.PHONY: setup
setup: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml ci/python.lock ci/setup.lock ci/setup.sh
	@ci/setup.sh $(VENV)

## toolchain: fetch all programs and images a cluster needs, or build them (17 minutes on 2 cores, then nothing)
.PHONY: toolchain
toolchain: setup
	@$(PYTHON) ci/toolchain.py

## charts: package both Helm charts into dist/, with the controller's chart from its pinned module
.PHONY: charts
charts: setup
	@$(PYTHON) ci/toolchain.py helm
	@$(PYTHON) ci/charts.py

## image: build the operator's image and write it to dist/ as an OCI archive
.PHONY: image
image: toolchain
	@$(PYTHON) ci/operator_image.py

## package: write both charts, the wheel, the operator's image, a bill of materials and checksums to dist/
.PHONY: package
package: toolchain
	@$(PYTHON) ci/package.py

## publish: make a release on GitHub from what `make package` wrote; TAG=v…, as the release workflow does
.PHONY: publish
publish:
	@test "$(TAG)" = "v$$($(PYTHON) -c 'import task_gateway; print(task_gateway.__version__)')" \
		|| { echo "error: TAG is \"$(TAG)\", which is not the version of this commit" >&2; exit 2; }
	@gh release create "$(TAG)" --verify-tag --title "$(TAG)" --notes-file CHANGELOG.md $$(cd dist && sed 's/^[^ ]*  /dist\//' SHA256SUMS) dist/SHA256SUMS

## e2e: open notebooks in two clusters through the gateway; NAME=… for runs side by side, KEEP=1 keeps the clusters
.PHONY: e2e
e2e: toolchain charts
	@task-gateway e2e --name $(NAME)

## bugbash: play every scenario on three clusters and make the checklist in reports/bugbash; KEEP=1 keeps the clusters
.PHONY: bugbash
bugbash: toolchain charts
	@task-gateway bugbash

## docs: build the site of all pages into build/docs; a broken link or anchor ends it
.PHONY: docs
docs: setup
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict > $(VENV)/docs.txt 2>&1 && echo "√ docs: build/docs/index.html" \
		|| { cat $(VENV)/docs.txt; exit 1; }

## check: lint, types, import contracts, pins, the charts' own checks, unit and chart tests: no cluster, 5 minutes
.PHONY: check
check: static charts
	@$(PYTHON) ci/toolchain.py kube-score kubeconform helm-unittest actionlint
	@$(PYTHON) ci/workflow_check.py
	@$(PYTHON) ci/policy_check.py
	@$(PYTHON) ci/schema_check.py
	@$(PYTHON) ci/chart_suites.py
	@$(PYTHON) -m pytest --numprocesses 2 --dist worksteal tests/unit tests/chart

## static: lint, format, types, import contracts, pins, pages, the style of texts and the site
.PHONY: static
static: setup docs
	@ruff check -q harness tests ci && ruff format -q --check harness tests ci && echo "√ lint and format"
	@mypy --no-error-summary && echo "√ types"
	@lint-imports > $(VENV)/imports.txt && echo "√ import contracts" || { cat $(VENV)/imports.txt; exit 1; }
	@$(PYTHON) ci/pins.py verify
	@$(PYTHON) ci/pages.py verify
	@$(PYTHON) ci/style.py verify

## test: unit and chart tests, then those with a browser, a real API server and a real cluster
.PHONY: test
test: check image
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadfile tests/page tests/apiserver
	@$(PYTHON) -m pytest tests/cluster

## many: as many kind clusters as the kernel's inotify limits allow, and one more; as root, with no other cluster up
.PHONY: many
many: toolchain
	@$(PYTHON) -m pytest tests/machine

## guides: every command of the guides in docs/, each guide on a cluster of its own (20 minutes)
.PHONY: guides
guides: image charts
	@$(PYTHON) -m pytest tests/guides

## matrix: releases of the CRDs and of the charts, verbs of the Role, both controllers in production (40 minutes)
.PHONY: matrix
matrix: toolchain charts
	@$(PYTHON) ci/previous.py
	@$(PYTHON) -m pytest tests/matrix

## bench: what exposing a task costs, every strategy on both controllers; the records go to reports/bench (an hour)
.PHONY: bench
bench: toolchain charts
	@for what in expose burst dataplane crd-write; do task-gateway bench $$what --record reports/bench; done

## faults: what breaks is killed, cut off or taken away, on real clusters; docs/reliability.md is made from it
.PHONY: faults
faults: image charts
	@$(PYTHON) -m pytest -p tests.faults.record --fault-record reports/recorded/faults/faults.json \
		tests/faults tests/scenarios tests/apiserver/test_kills.py tests/apiserver/test_interleavings.py \
		tests/apiserver/test_operator_faults.py tests/apiserver/test_operator_policy.py \
		tests/apiserver/test_operator_replicas.py tests/apiserver/test_operator_walk.py

## policies: the chart's NetworkPolicies on clusters whose network heeds them, with both controllers
.PHONY: policies
policies: toolchain charts
	@PYTHONPATH=ci $(PYTHON) -m offline.policy_node
	@$(PYTHON) -m pytest tests/policies

## rehearse: a first start in pull mode, with a registry on this machine and no internet; MODE=build: in build mode
.PHONY: rehearse
rehearse: toolchain charts
	@$(PYTHON) ci/rehearse.py $(or $(MODE),pull)

## oldest: the cluster tests on the oldest Kubernetes that is supported, with its own toolchain (30 minutes, 15 warm)
.PHONY: oldest
oldest: charts
	@TASK_GATEWAY_KUBERNETES=oldest $(PYTHON) ci/toolchain.py
	@TASK_GATEWAY_KUBERNETES=oldest $(PYTHON) -m pytest tests/cluster

## pins: write the Go tool modules and lock files again after a change of ci/versions.env or pyproject.toml
.PHONY: pins
pins: setup
	@$(PYTHON) ci/pins.py

## pages: write what docs/ renders from the records in reports/recorded and from the code
.PHONY: pages
pages: setup
	@$(PYTHON) ci/pages.py

## clean: remove this checkout's build results; the toolchain's cache stays
.PHONY: clean
clean:
	@rm -rf $(VENV) dist build harness/*.egg-info charts/*/charts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
