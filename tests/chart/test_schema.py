"""Schema, values.yaml and templates agree: misspelt values are refused, and no value is hidden."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs import values as values_page
from task_gateway.kube.process import Completed

CHARTS = Path(__file__).resolve().parents[2] / "charts"
GATEWAY, CRDS, CONTOUR = "internal-task-gateway", "gateway-api-crds", "contour"
NOT_OURS = {
    "global.images": "Envoy Gateway's chart has its images there",
    "contour-crds": "removed, and Helm gives each sub-chart an entry",
    "contour": "values of its own chart, of which ours sets a few",
    "ports": "the chart around contour reads it",
    "envoy-gateway": "values of its own chart, of which ours sets a few",
    "global": "Helm gives it to each chart",
    **dict.fromkeys(("service", "kubectl", "taskNamespaces"), "removed: the templates name what replaces it"),
    "standard": "Helm gives each sub-chart an entry",
    "experimental": "Helm gives each sub-chart an entry",
}
"""Values that a schema allows in addition to those of values.yaml, and why."""
SAMPLES: dict[str, dict[str, Any]] = {
    GATEWAY: {
        "global.imagePullSecrets": [{"name": "mirror"}],
        "tls.certManager.issuerRef": {"name": "internal", "kind": "Issuer"},
        "rbac.subjects": [{"kind": "User", "name": "ada"}],
        "envoy.podDisruptionBudget": {"maxUnavailable": 1},
        "envoy.resources": {"limits": {"cpu": 1}},
        "envoy.shutdownManager.resources": {"requests": {"cpu": "50m"}},
        "operator.podDisruptionBudget": {"maxUnavailable": 1},
        "operator.resources": {"limits": {"memory": "512Mi"}},
        "hooks.resources": {"limits": {"memory": "256Mi"}},
    },
    CONTOUR: {
        "extraEnv": [{"name": "GOGC", "value": "400"}],
        "podDisruptionBudget": {"maxUnavailable": 1},
        "resources": {"requests": {"memory": "1Gi"}},
    },
    CRDS: {},
}
"""Contents of lists and maps that are empty by default and have their own names."""

Step = str | int


def read(chart: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return values.yaml with the samples in it, and the schema."""
    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    for path, sample in SAMPLES[chart].items():
        *parents, last = path.split(".")
        at(values, parents)[last] = sample
    return values, json.loads((CHARTS / chart / "values.schema.json").read_text())


def at(values: Any, path: list[Any]) -> Any:
    for step in path:
        values = values[step]
    return values


def keys(values: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield every key of values, including those of maps in lists."""
    for step, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(step, str):
            yield (*path, step)
        if isinstance(value, dict | list):
            yield from keys(value, (*path, step))


def misspelt() -> Iterator[Any]:
    for chart in SAMPLES:
        values, _ = read(chart)
        for path in keys(values):
            yield pytest.param(chart, path, id=f"{chart}:{'.'.join(map(str, path))}")


FREE = {("metrics", "dashboard", "labels"), ("envoy-gateway", "certgen", "rbac", "annotations")}
"""Maps with any keys that users choose."""


@pytest.mark.parametrize(("chart", "path"), list(misspelt()))
def test_a_misspelt_name_is_refused_where_it_stands(chart: str, path: tuple[Step, ...]) -> None:
    values, schema = read(chart)
    *parents, last = path
    changed = copy.deepcopy(values)
    holder = at(changed, parents)
    holder[f"{last}x"] = holder[last]
    errors = jsonschema.Draft7Validator(schema).iter_errors(changed)
    refused = [list(error.absolute_path) for error in errors]  # the map with the refused key
    assert (parents in refused) is (tuple(parents) not in FREE), refused


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"envoy": {"autoscaling": {"enabledx": True}}}, "'/envoy/autoscaling'"),
        ({"slots": [{"start": 21000, "count": 1, "startx": 1}]}, "'/slots/0'"),
        ({"envoy-gateway": {"config": {"envoyGateway": {"loging": {}}}}}, "'/envoy-gateway/config/envoyGateway'"),
        ({"global": {"imageRegistri": "mirror.example"}}, "'/global'"),
    ],
    ids=["map", "list", "sub-chart", "global"],
)
def test_helm_says_the_path(helm: Callable[..., Completed], values: dict[str, Any], where: str) -> None:
    done = helm("template", "tg", values=values)
    assert done.code != 0
    assert f"at {where}: additional properties" in done.stderr


@pytest.mark.parametrize("chart", list(SAMPLES))
def test_the_schema_offers_what_values_yaml_shows_and_nothing_else(chart: str) -> None:
    values, schema = read(chart)
    shown = {".".join(map(str, path)) for path in keys(values)}

    def offered(known: dict[str, Any], path: str) -> Iterator[str]:
        for key, each in values_page.resolved(known, schema).get("properties", {}).items():
            here = f"{path}.{key}".lstrip(".")
            if here in shown and here not in SAMPLES[chart]:
                yield from offered(each, here)
            elif here not in SAMPLES[chart]:
                yield here

    hidden = [each for each in offered(schema, "") if not any(each.startswith(f"{name}.") for name in NOT_OURS)]
    assert set(hidden) <= set(NOT_OURS), hidden


def test_the_keys_of_contours_chart_are_those_that_it_has() -> None:
    """Helm ignores the schema of a disabled sub-chart, so the schema of the parent lists the keys again."""
    _, schema = read(GATEWAY)
    _, own = read(CONTOUR)
    assert set(schema["properties"]["contour"]["properties"]) == set(own["properties"])


def test_the_keys_of_envoy_gateways_chart_are_those_that_it_has() -> None:
    """After an upgrade of that chart, a value that it accepts must not be refused here."""
    _, schema = read(GATEWAY)
    theirs = yaml.safe_load((CHARTS / GATEWAY / "charts" / "gateway-helm" / "values.yaml").read_text())

    def refused(known: dict[str, Any], values: dict[str, Any], path: str) -> Iterator[str]:
        known = values_page.resolved(known, schema)
        for key, value in values.items():
            if known.get("additionalProperties") is False and key not in known["properties"]:
                yield f"{path}.{key}"
            elif isinstance(value, dict) and key in known.get("properties", {}):
                yield from refused(known["properties"][key], value, f"{path}.{key}")

    assert list(refused(schema["properties"]["envoy-gateway"], theirs, "envoy-gateway")) == []
