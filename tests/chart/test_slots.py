"""Slots: each port has one listener, one route and one Service, and none has a field that a claim writes."""

import re
from collections.abc import Callable
from string import Template
from typing import Any

import pytest
import yaml

from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import names

Render = Callable[..., list[Manifest]]
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def by_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in objects if each["kind"] == kind]


def slot_objects(render: Render, values: dict[str, Any], release: str = "tg") -> list[Manifest]:
    kinds = ("listenersets", "tcproutes", "services")
    return [each for kind in kinds for each in render(values, release=release, show=kind)]


@pytest.mark.parametrize(("start", "count"), [(20000, 1), (20000, 64), (20000, 65), (1025, 130), (65535, 1)])
def test_each_port_has_one_listener_route_and_service(render: Render, start: int, count: int) -> None:
    values = {"slots": [{"start": start, "count": count, "namespace": "tasks"}]}
    objects = slot_objects(render, values)
    ports = list(range(start, start + count))

    sets = by_kind(objects, "ListenerSet")
    assert [each["metadata"]["name"] for each in sets] == [f"tg-slots-{n}" for n in range((count + 63) // 64)]
    holder = {}
    for each in sets:
        assert each["metadata"]["namespace"] == "gateways"
        assert each["spec"]["parentRef"]["name"] == "tg"
        assert len(each["spec"]["listeners"]) <= 64
        for listener in each["spec"]["listeners"]:
            assert listener["name"] == f"slot-{listener['port']}"
            assert listener["protocol"] == "TCP"
            selector = listener["allowedRoutes"]["namespaces"]["selector"]
            assert selector == {"matchLabels": {"kubernetes.io/metadata.name": "tasks"}}
            assert listener["port"] not in holder
            holder[listener["port"]] = each["metadata"]["name"]
    assert list(holder) == ports

    routes, services = by_kind(objects, "TCPRoute"), by_kind(objects, "Service")
    for port, route, service in zip(ports, routes, services, strict=True):
        parent = route["spec"]["parentRefs"][0]
        assert (parent["kind"], parent["namespace"]) == ("ListenerSet", "gateways")
        assert (parent["name"], parent["sectionName"]) == (holder[port], f"slot-{port}")
        backend = {"name": service["metadata"]["name"], "port": port}
        assert route["spec"]["rules"] == [{"backendRefs": [backend]}]
        assert service["spec"]["ports"] == [{"port": port, "protocol": "TCP"}]
        for each in (route, service):
            assert each["metadata"]["name"] == f"tg-slot-{port}"
            assert each["metadata"]["namespace"] == "tasks"
            assert each["metadata"]["labels"][names.GATEWAY_LABEL] == "tg"
            assert each["metadata"]["labels"][names.SLOT_LABEL] == str(port)


def test_no_field_that_a_claim_writes_is_rendered(render: Render) -> None:
    services = render(show="services")
    assert len(services) == 64
    for service in services:
        assert set(service["spec"]) == {"type", "clusterIP", "ipFamilyPolicy", "ports"}
        assert service["spec"]["ipFamilyPolicy"] == "SingleStack", "or the API server demands both, and refuses claims"
        assert service["spec"]["clusterIP"] == "None", "an address would have kube-proxy at work with each claim"
        assert all("targetPort" not in port for port in service["spec"]["ports"])
        assert "annotations" not in service["metadata"]


def test_a_policy_of_each_release_keeps_the_selectors_of_its_slots(render: Render) -> None:
    policy, binding = render(show="slots-policy")
    assert policy["metadata"]["name"] == binding["metadata"]["name"] == binding["spec"]["policyName"]
    assert policy["metadata"]["name"] == "tg.gateways-slots"
    selector = policy["spec"]["matchConstraints"]["objectSelector"]
    (service, *_) = render(show="services")
    assert selector["matchLabels"].items() <= service["metadata"]["labels"].items()
    (condition,) = policy["spec"]["matchConditions"]
    assert f"'{names.SLOT_LABEL}'" in condition["expression"]
    for values in ({"slotsPolicy": {"enabled": False}}, {"slots": [{"start": 20000, "count": 0}]}):
        found = [each["metadata"]["name"] for each in by_kind(render(values), policy["kind"])]
        assert policy["metadata"]["name"] not in found


def test_a_thousand_slots_render(render: Render) -> None:
    objects = render({"slots": [{"start": 20000, "count": 1000}]})
    slots = [each for each in objects if names.SLOT_LABEL in each["metadata"].get("labels", {})]
    assert len(by_kind(slots, "TCPRoute")) == len(by_kind(slots, "Service")) == 1000
    assert len(by_kind(objects, "ListenerSet")) == 16


def test_templates_are_what_the_slots_were_made_from(render: Render) -> None:
    values = {"slots": [{"start": 20100, "count": 1, "namespace": "tasks"}]}
    (config,) = render(values, show="configmap")
    assert config["metadata"]["name"] == names.templates("tg")
    assert config["data"]["version"] == "2"
    text = Template(config["data"]["slots.yaml"]).substitute(PORT=20100, SET=0, NAMESPACE="tasks")
    assert list(yaml.safe_load_all(text)) == slot_objects(render, values)


def test_templates_of_one_task(render: Render) -> None:
    (config,) = render({"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]}, show="configmap")
    words = {"PORT": 20100, "TARGET_PORT": 8888, "TASK": "t-1", "NAMESPACE": "elsewhere", "OWNER": "ada"}
    words |= {"OBJECT": "Pod/t-1/u-1"}
    text = Template(config["data"]["listeners.yaml"]).substitute(words)
    parent, route, service = yaml.safe_load_all(text)

    (listener,) = parent["spec"]["listeners"]
    assert listener["port"] == 20100
    reference = route["spec"]["parentRefs"][0]
    assert reference["kind"] == parent["kind"]
    assert (reference["name"], reference["namespace"]) == (parent["metadata"]["name"], "gateways")
    assert parent["metadata"]["namespace"] == "gateways"
    assert reference["sectionName"] == listener["name"]
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": service["metadata"]["name"], "port": 20100}]}]
    assert service["spec"]["ports"] == [{"port": 20100, "protocol": "TCP", "targetPort": 8888}]
    assert service["spec"]["selector"] == {TASK_LABEL: "t-1"}
    assert service["metadata"]["annotations"] == {
        names.CLAIMED_BY: "t-1",
        names.OWNER: "ada",
        names.OBJECT: "Pod/t-1/u-1",
    }
    for each in (route, service):
        labels = each["metadata"]["labels"]
        assert (labels[TASK_LABEL], labels[names.STRATEGY_LABEL]) == ("t-1", "listeners")
        assert names.SLOT_LABEL not in labels
    assert {each["metadata"]["namespace"] for each in (route, service)} == {"elsewhere"}


@pytest.mark.parametrize("release", ["a", "x" * 53, "y" * 40, "9gate.way", "a" * 27 + "." + "c" * 20])
def test_names_are_valid_and_labels_fit(render: Render, release: str) -> None:
    values = {"slots": [{"start": 65535, "count": 1}], "controller": {"install": False}}
    objects = render(values, release=release)
    gateway = by_kind(objects, "Gateway")[0]["metadata"]["name"]
    for each in objects:
        name = each["metadata"]["name"]
        if each["kind"] == "GatewayClass":
            assert name == f"{gateway}.gateways"
        elif each["kind"].startswith("ValidatingAdmissionPolicy"):
            assert name == f"{gateway}.gateways-slots"
        else:
            assert DNS_LABEL.fullmatch(name), name
        assert all(len(value) <= 63 for value in each["metadata"]["labels"].values())


def test_long_release_names_stay_apart(render: Render) -> None:
    found = {render(release="z" * 52 + end, show="gateway")[0]["metadata"]["name"] for end in "ab"}
    assert len(found) == 2
