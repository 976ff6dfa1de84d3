"""Components: every object of the chart has the label, and no selector of pods has it."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from tests.chart.conftest import ROOT
from tests.chart.test_production import CONTROLLERS

from task_gateway.kube.helm import merged
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
COMPONENT = "app.kubernetes.io/component"
EVERYTHING: dict[str, Any] = yaml.safe_load((ROOT / "tests/chart/everything.yaml").read_text())
COMMON = {"slot", "gateway", "envoy", "rbac", "policy", "tls", "metrics", "hook", "test", "operator", "static", "lane"}


@pytest.fixture(params=CONTROLLERS)
def controller(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def own(objects: list[Manifest]) -> list[Manifest]:
    """Return the objects that do not belong to a sub-chart."""
    return [each for each in objects if "task-gateway.dev/gateway" in (each["metadata"].get("labels") or {})]


def test_every_object_has_its_component(render: Render, controller: str) -> None:
    objects = own(render(merged(EVERYTHING, CONTROLLERS[controller])))
    found = Counter(each["metadata"]["labels"].get(COMPONENT) for each in objects)
    assert found.keys() == COMMON | ({"contour"} if controller == "contour" else set())
    slots = [each["kind"] for each in objects if each["metadata"]["labels"][COMPONENT] == "slot"]
    assert Counter(slots) == {
        "TCPRoute": 72,
        "Service": 72,
        **({"ListenerSet": 3} if controller == "envoy-gateway" else {}),
    }


def test_what_is_made_for_one_task_is_no_slot(render: Render) -> None:
    (config,) = render(show="configmap")
    made = list(yaml.safe_load_all(config["data"]["listeners.yaml"]))[1:]
    assert {each["metadata"]["labels"][COMPONENT] for each in made} == {"task"}


def selectors(node: Any) -> Iterator[dict[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("selector", "podSelector", "matchLabels") and isinstance(value, dict):
                yield value
            yield from selectors(value)
    elif isinstance(node, list):
        for each in node:
            yield from selectors(each)


def test_no_pod_is_selected_by_it(render: Render, controller: str) -> None:
    """A Deployment's selector cannot change, and pods of an earlier release have no such label."""
    objects = own(render(merged(EVERYTHING, CONTROLLERS[controller])))
    kinds = ("Deployment", "Service", "PodDisruptionBudget")
    found = [each for one in objects if one["kind"] in kinds for each in selectors(one["spec"])]
    assert found
    assert [each for each in found if COMPONENT in each] == []
