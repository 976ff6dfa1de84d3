# Targets for users and developers. Each target first builds what it requires. `make` prints the list.
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

## setup: create .venv with the command task-gateway
.PHONY: setup
setup: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml ci/python.lock ci/setup.lock ci/setup.sh
	@ci/setup.sh $(VENV)

## toolchain: fetch or build the programs and images that clusters require (17 minutes on 2 cores, then nothing)
.PHONY: toolchain
toolchain: setup
	@$(PYTHON) ci/toolchain.py

## charts: package both Helm charts into dist/, with Envoy Gateway's chart from its pinned module
.PHONY: charts
charts: setup
	@$(PYTHON) ci/toolchain.py helm
	@$(PYTHON) ci/charts.py

## image: build the operator's image and write it to dist/ as an OCI archive
.PHONY: image
image: toolchain
	@$(PYTHON) ci/operator_image.py

## hub: build the image of JupyterHub and its proxy for scenarios, and write it to dist/ as an OCI archive
.PHONY: hub
hub: toolchain
	@$(PYTHON) ci/hub_image.py

## package: write the files of a release to dist/: charts, wheel, operator's image, bill of materials, checksums
.PHONY: package
package: toolchain
	@$(PYTHON) ci/package.py

## publish: publish the files of `make package` as a release on GitHub, as the release workflow does; requires TAG=v…
.PHONY: publish
publish:
	@test "$(TAG)" = "v$$($(PYTHON) -c 'import task_gateway; print(task_gateway.__version__)')" \
		|| { echo "error: TAG is \"$(TAG)\", which is not the version of this commit" >&2; exit 2; }
	@gh release create "$(TAG)" --verify-tag --title "$(TAG)" --notes-file CHANGELOG.md $$(cd dist && sed 's/^[^ ]*  /dist\//' SHA256SUMS) dist/SHA256SUMS

## e2e: open three notebooks in two clusters; NAME=… for parallel runs, KEEP=1 keeps the clusters
.PHONY: e2e
e2e: image charts
	@task-gateway e2e --name $(NAME)

## bugbash: run every scenario on three clusters and write the checklist to reports/bugbash; KEEP=1 keeps the clusters
.PHONY: bugbash
bugbash: image hub charts
	@task-gateway bugbash

## pictures: record what expose, ls, limits and check print, as pictures in docs/pictures; KEEP=1 keeps the cluster
.PHONY: pictures
pictures: toolchain charts
	@$(PYTHON) ci/pictures.py
	@$(PYTHON) ci/pages.py

## limits: record the limits of a gateway with the defaults of the chart, for docs/limits.md (2 minutes)
.PHONY: limits
limits: toolchain charts
	@$(PYTHON) ci/record_limits.py
	@$(PYTHON) ci/pages.py

## docs: build the site of all pages into build/docs; a broken link or anchor is an error
.PHONY: docs
docs: setup
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict > $(VENV)/docs.txt 2>&1 && echo "√ docs: build/docs/index.html" \
		|| { cat $(VENV)/docs.txt; exit 1; }

## check: run static checks, checks of the charts, unit and chart tests: no cluster, 5 minutes
.PHONY: check
check: static charts
	@$(PYTHON) ci/toolchain.py kube-score kubeconform helm-unittest actionlint
	@$(PYTHON) ci/workflow_check.py
	@$(PYTHON) ci/policy_check.py
	@$(PYTHON) ci/schema_check.py
	@$(PYTHON) ci/chart_suites.py
	@$(PYTHON) -m pytest --numprocesses 2 --dist worksteal tests/unit tests/chart

## static: check lint, format, types, import contracts, pins, pages, style, and build the site
.PHONY: static
static: setup docs
	@ruff check -q harness tests ci && ruff format -q --check harness tests ci && echo "√ lint and format"
	@mypy --no-error-summary && echo "√ types"
	@lint-imports > $(VENV)/imports.txt && echo "√ import contracts" || { cat $(VENV)/imports.txt; exit 1; }
	@$(PYTHON) ci/pins.py verify
	@$(PYTHON) ci/pages.py verify
	@$(PYTHON) ci/style.py verify

## test: run make check, then the tests with a browser, an API server and a cluster
.PHONY: test
test: check image
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadfile tests/page tests/apiserver
	@$(PYTHON) -m pytest tests/cluster

## measures: test the measurements of the bench, in small, on real clusters (15 minutes)
.PHONY: measures
measures: image hub charts
	@$(PYTHON) -m pytest tests/bench

## jupyterhub: a real hub, its proxy and notebooks as processes, with an operator and a real API server (4 minutes)
.PHONY: jupyterhub
jupyterhub: toolchain charts
	@$(PYTHON) -m pytest tests/jupyterhub

## many: start as many kind clusters as the inotify limits of the kernel allow, and one more; requires root
.PHONY: many
many: toolchain
	@$(PYTHON) -m pytest tests/machine

## guides: run every command of the guides in docs/, each guide in its own cluster (20 minutes)
.PHONY: guides
guides: image hub charts
	@$(PYTHON) -m pytest tests/guides

## matrix: test releases of CRDs and charts, verbs of the Role, both controllers in production (40 minutes)
.PHONY: matrix
matrix: toolchain charts
	@$(PYTHON) ci/previous.py
	@$(PYTHON) -m pytest tests/matrix

## bench: measure each strategy on each controller and compare it with other ways; writes reports/bench (hours)
.PHONY: bench
bench: image hub charts
	@for what in expose burst scale dataplane crd-write operator peers; do task-gateway bench $$what --record reports/bench; done

## faults: kill, disconnect and delete components of real clusters; writes the record of docs/reliability.md
.PHONY: faults
faults: image charts
	@$(PYTHON) -m pytest -p tests.faults.record --fault-record reports/recorded/faults/faults.json \
		tests/faults tests/scenarios tests/apiserver/test_kills.py tests/apiserver/test_interleavings.py \
		tests/apiserver/test_operator_faults.py tests/apiserver/test_operator_policy.py \
		tests/apiserver/test_operator_replicas.py tests/apiserver/test_operator_walk.py

## policies: test the chart's NetworkPolicies on clusters that enforce them, with both controllers
.PHONY: policies
policies: image charts
	@PYTHONPATH=ci $(PYTHON) -m offline.policy_node
	@$(PYTHON) -m pytest tests/policies

## rehearse: start as on a new machine, in pull mode, with a local registry and no internet; MODE=build: in build mode
.PHONY: rehearse
rehearse: toolchain charts
	@$(PYTHON) ci/rehearse.py $(or $(MODE),pull)

## oldest: run the cluster tests on the oldest supported Kubernetes, with its own toolchain (30 minutes, 15 warm)
.PHONY: oldest
oldest: charts
	@TASK_GATEWAY_KUBERNETES=oldest $(PYTHON) ci/toolchain.py
	@TASK_GATEWAY_KUBERNETES=oldest $(PYTHON) ci/operator_image.py
	@TASK_GATEWAY_KUBERNETES=oldest $(PYTHON) -m pytest tests/cluster

## pins: update the Go tool modules and the lock files after a change of ci/versions.env or pyproject.toml
.PHONY: pins
pins: setup
	@$(PYTHON) ci/pins.py

## pages: render the generated parts of docs/ from the records and the code
.PHONY: pages
pages: setup
	@$(PYTHON) ci/pages.py

## clean: remove the build results of this checkout; keep the toolchain's cache
.PHONY: clean
clean:
	@rm -rf $(VENV) dist build harness/*.egg-info charts/*/charts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
