"""Static slots: each port reaches the pods of a numbered label, and cannot be claimed."""

from collections.abc import Callable

import pytest
from tests.chart.test_production import CONTROLLERS, controller

from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import names, table
from task_gateway.routing.gateway_listeners import FOREIGN
from task_gateway.routing.parents import listeners_of

__all__ = ["controller"]
Render = Callable[..., list[Manifest]]
SERIAL = "ai.allegro.agent.serial"
CLAIMABLE = {"namespace": "tasks", "start": 20000, "count": 1}
STATIC = {"namespace": "agents", "start": 21000, "count": 20, "selector": {SERIAL: "pod-{n}"}, "targetPort": 10022}
VALUES = {"slots": [CLAIMABLE, STATIC]}


def static(objects: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in objects if each["kind"] == kind and each["metadata"]["name"].startswith("tg-static-")]


def test_each_port_leads_to_the_pods_of_its_number(render: Render, controller: str) -> None:
    objects = render(CONTROLLERS[controller] | VALUES)
    services, routes = static(objects, "Service"), static(objects, "TCPRoute")
    assert len(services) == len(routes) == 20
    for index, (service, route) in enumerate(zip(services, routes, strict=True)):
        port = 21000 + index
        assert service["metadata"]["namespace"] == route["metadata"]["namespace"] == "agents"
        assert service["spec"]["selector"] == {SERIAL: f"pod-{index + 1}"}
        assert service["spec"]["ports"] == [{"port": port, "protocol": "TCP", "targetPort": 10022}]
        assert route["spec"]["parentRefs"][0]["sectionName"] == f"static-{port}"
        assert route["spec"]["rules"] == [{"backendRefs": [{"name": service["metadata"]["name"], "port": port}]}]
    held = [each for each in objects if each["kind"] in ("Gateway", "ListenerSet")]
    listeners = {each["name"] for parent in held for each in parent["spec"]["listeners"]}
    assert {f"static-{21000 + index}" for index in range(20)} | {"slot-20000"} <= listeners


def test_routing_sees_no_slot_and_a_foreign_listener(render: Render, controller: str) -> None:
    objects = render(CONTROLLERS[controller] | VALUES)
    assert {name for each in static(objects, "Service") for name in each["metadata"]["labels"]}.isdisjoint(
        {names.SLOT_LABEL}
    )
    assert all(
        table.parse(each | {"metadata": each["metadata"] | {"resourceVersion": "1"}}) is None
        for each in static(objects, "Service")
    )
    gateway = InternalTaskGateway("tg", "gateways", "192.0.2.7", 20000, 21019)
    held = [each for each in objects if each["kind"] in ("Gateway", "ListenerSet")]
    uses = {each.port: each.use for parent in held for each in listeners_of(parent, gateway)}
    assert uses[20000] == "slots"
    assert {uses[21000 + index] for index in range(20)} == {FOREIGN}


def test_no_role_claims_one(render: Render) -> None:
    objects = render(VALUES | {"operator": {"enabled": True, "image": "operator:1"}})
    named = {
        name
        for each in objects
        if each["kind"] == "Role"
        for rule in each["rules"]
        for name in rule.get("resourceNames", [])
    }
    assert "tg-slot-20000" in named
    assert [name for name in named if name.startswith("tg-static-")] == []


def test_only_envoy_connects_to_their_pods(render: Render) -> None:
    objects = render(VALUES | {"networkPolicy": {"enabled": True}})
    policies = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "NetworkPolicy"}
    _, peer = policies["tg-envoy"]["egress"][0]["to"]
    pods = {"matchExpressions": [{"key": SERIAL, "operator": "Exists"}]}
    assert peer == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "agents"}},
        "podSelector": pods,
    }
    assert policies["tg-static-21000"]["podSelector"] == pods
    assert policies["tg-static-21000"]["ingress"] == policies["tg-tasks"]["ingress"]


@pytest.mark.parametrize("count", [64, 65])
def test_groups_keep_their_own_listener_sets(render: Render, count: int) -> None:
    objects = render({"slots": [CLAIMABLE, STATIC | {"count": count}]})
    sets = {each["metadata"]["name"]: each["spec"]["listeners"] for each in objects if each["kind"] == "ListenerSet"}
    for route in static(objects, "TCPRoute"):
        (parent,) = route["spec"]["parentRefs"]
        assert parent["sectionName"] in [each["name"] for each in sets[parent["name"]]]
