"""The chart and the library have the same facts about each controller, and an unknown one can serve a class."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from task_gateway.controllers.base import CONTROLLERS, GATEWAY_NAME, Controller, in_order
from task_gateway.kube.process import Completed
from task_gateway.model import Manifest
from task_gateway.routing import templates

Helm = Callable[..., Completed]
Render = Callable[..., list[Manifest]]
THEIRS = {
    "controller": {"install": False},
    "gatewayClass": {"controllerName": "fake.example/gateway-controller"},
    "slots": [{"start": 20000, "count": 2}],
    "networkPolicy": {"enabled": True},
}
ENVOY_GATEWAY_API = "gateway.envoyproxy.io"


def installs(controller: Controller, packages: Mapping[str, Path]) -> dict[str, Any]:
    """Return the values that install a controller, with few slots."""
    return controller.values(packages["internal-task-gateway"]) | {"slots": [{"start": 20000, "count": 2}]}


def only(objects: list[Manifest], kind: str) -> Manifest:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


@pytest.mark.parametrize("name", [each.name for each in in_order()])
def test_chart_and_library_agree(render: Render, packages: dict[str, Path], name: str) -> None:
    controller = CONTROLLERS.get(name)
    objects = render(installs(controller, packages))
    assert only(objects, "GatewayClass")["spec"]["controllerName"].startswith(controller.class_prefix)
    gateway = only(objects, "Gateway")["spec"]
    assert ("allowedListeners" in gateway) is controller.listener_sets
    key, _, value = controller.labels.partition("=")
    deployments = [each for each in objects if each["kind"] == "Deployment"]
    assert any(each["metadata"]["labels"].get(key) == value for each in deployments)
    images = [one["image"] for each in deployments for one in each["spec"]["template"]["spec"]["containers"]]
    assert any(image.rpartition(":")[0].endswith(controller.image) for image in images)
    (data,) = [each["data"] for each in objects if each["kind"] == "ConfigMap" and "version" in each["data"]]
    assert templates.controller_name(data).startswith(controller.class_prefix)
    assert (templates.service_ports(data) is None) is controller.adds_ports


@pytest.mark.parametrize("name", [each.name for each in in_order()])
def test_the_chart_refuses_the_ports_that_the_library_leaves_out(
    helm: Helm, packages: dict[str, Path], name: str
) -> None:
    controller = CONTROLLERS.get(name)
    values = installs(controller, packages)
    for first, count in ((19000, 4), (57536, 1100)):
        slots = {"slots": [{"start": first, "count": count}]}
        done = helm("template", "tg", values=values | slots)
        assert (done.code != 0) is bool(controller.unusable(range(first, first + count))), done.stderr


@pytest.mark.parametrize("port", [20000, 57535, 57536, 58558, 65535])
def test_ports_inside_a_proxy_are_those_of_the_library(render: Render, packages: dict[str, Path], port: int) -> None:
    for controller in in_order():
        if controller.proxy_port is not None:
            values = installs(controller, packages) | {"slots": [{"start": port, "count": 1}]}
            services = [each for each in render(values) if GATEWAY_NAME in each["metadata"].get("labels", {})]
            (found,) = only(services, "Service")["spec"]["ports"]
            assert (found["port"], found["targetPort"]) == (port, controller.proxy_port(port))


def test_more_ports_of_the_service_are_known_from_the_chart(render: Render, packages: dict[str, Path]) -> None:
    for controller in in_order():
        if not controller.adds_ports:
            values = installs(controller, packages) | controller.task_ports(29000, 3)
            (found,) = [each for each in render(values, show="configmap") if each["kind"] == "ConfigMap"]
            assert templates.service_ports(found["data"]) == frozenset({20000, 20001, 29000, 29001, 29002})


def test_a_controller_that_is_not_known_gets_nothing_of_another_one(render: Render) -> None:
    objects = render(THEIRS)
    assert not [each for each in objects if each["apiVersion"].startswith(ENVOY_GATEWAY_API)]
    spec = only(objects, "GatewayClass")["spec"]
    assert spec == {"controllerName": "fake.example/gateway-controller"}
    (peer, *_) = only(objects, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    assert peer["podSelector"]["matchLabels"] == {GATEWAY_NAME: "tg"}
    assert only(objects, "ListenerSet")["spec"]["listeners"][0]["port"] == 20000
    (data,) = [each["data"] for each in objects if each["kind"] == "ConfigMap" and "version" in each["data"]]
    assert templates.controller_name(data) == "fake.example/gateway-controller"


def test_a_controller_that_is_not_known_may_have_every_port(render: Render) -> None:
    assert render(THEIRS | {"slots": [{"start": 19000, "count": 4}]}, show="services")
