"""Every value of values.yaml changes the rendered objects, with a controller, by default or with every option."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.test_branches import CHART, EVERYTHING, copied

from task_gateway.kube.helm import merged
from task_gateway.kube.process import Word, run, tool

CONTOUR = CHART / "contour.yaml"
CONTEXTS: Mapping[str, tuple[Path, ...]] = {
    "defaults": (),
    "Contour": (CONTOUR,),
    "every option": (EVERYTHING,),
    "every option with Contour": (EVERYTHING, CONTOUR),
}
NOT_RENDERED = ("envoy-gateway", "tags", "controller.contour")
"""Values of Envoy Gateway's chart, and values that only Helm reads; the schema fixes the latter."""
OTHERS: Mapping[str, Any] = {
    "controller.name": "contour",
    "gatewayClass.name": "shared",
    "gatewayClass.controllerName": "example.com/another",
    "slotListeners.kind": "Gateway",
    "tls.secretName": "own",
    "envoy.service.type": "ClusterIP",
    "envoy.image": "envoy:other",
    "contour.image": "contour:other",
    "hooks.image": "kubectl:other",
    "operator.image": "operator:other",
    "metrics.serviceMonitor.interval": "10s",
    "contour.extraEnv": [],
    "envoy.autoscaling.scaleDownSeconds": 600,
    "metrics.dashboard.labels.grafana_dashboard": "2",
}
"""Other values for those that are neither a number nor a boolean, and whose default has no effect, or is refused."""
MAPS: Mapping[str, Mapping[str, Any]] = {
    "commonLabels": {"example.com/other": "a"},
    "annotations": {"example.com/other": "a"},
    "labels": {"example.com/other": "a"},
    "nodeSelector": {"example.com/other": "a"},
    "podLabels": {"example.com/other": "a"},
    "podAnnotations": {"example.com/other": "a"},
    "affinity": {"nodeAffinity": {}},
    "issuerRef": {"name": "other"},
    "podDisruptionBudget": {"minAvailable": 1},
    "resources": {"limits": {"memory": "3Gi"}},
}
"""Additional entries of maps, by the last part of their name."""
WITH: Mapping[str, dict[str, Any]] = {
    "gatewayClass.create": {"gatewayClass": {"name": "theirs"}},
    "gatewayClass.controllerName": {"controller": {"install": False}},
    "controller.name": {"controller": {"install": False}},
    "operator.enabled": {"operator": {"image": "operator:1"}},
    "tls.secretName": {"tls": {"certManager": {"issuerRef": {}, "dnsNames": []}}},
}
"""Other values that a value requires: without them it would be refused, or have no effect."""
DEFAULTS: dict[str, Any] = merged(
    {"contour": yaml.safe_load((CHART.parent / "contour" / "values.yaml").read_text())},
    yaml.safe_load((CHART / "values.yaml").read_text()),
)
Render = Callable[[str, str], str]


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here


def at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for key in path.split("."):
        found = found[key]
    return found


def put(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


def other(path: str, value: Any) -> Any:
    """Return a different value: from OTHERS, else the default if it differs, else by type."""
    default = at(DEFAULTS, path)
    if isinstance(value, dict):
        return MAPS[path.rpartition(".")[2]]
    if path in OTHERS:
        return OTHERS[path]
    if value != default:
        return default
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render the chart without sub-charts, with the values of a context and more as JSON; empty if it refuses."""
    chart = copied(tmp_path_factory.mktemp("chart"))

    @cache
    def call(context: str, more: str) -> str:
        words: list[Word] = [each for file in CONTEXTS[context] for each in ("--values", file)]
        done = run([tool("helm"), "template", "tg", chart, *words, "--values", "-"], input=more, check=False)
        return done.stdout if done.code == 0 else ""

    return call


@pytest.mark.parametrize("path", [each for each in leaves(DEFAULTS) if not each.startswith(NOT_RENDERED)])
def test_it_changes_what_is_rendered(render: Render, path: str) -> None:
    def changes(context: str) -> bool:
        files = [yaml.safe_load(file.read_text()) for file in CONTEXTS[context]]
        beside = WITH.get(path, {})
        value = at(merged(DEFAULTS, *files, beside), path)
        before = render(context, json.dumps(beside))
        after = render(context, json.dumps(merged(beside, put(path, other(path, value)))))
        return bool(before and after) and before != after

    assert any(changes(context) for context in CONTEXTS)
