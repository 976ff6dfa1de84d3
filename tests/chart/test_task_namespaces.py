"""Slots for several namespaces: each port leads into its own one, and nobody else may write there."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.chart.test_production import CONTOUR

from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
PORTS = {"a": range(20000, 20070), "b": range(21000, 21065), "c": range(19010, 19011)}
VALUES = {
    "slots": {"namespace": "a", "count": 70},
    "taskNamespaces": [
        {"namespace": "b", "start": 21000, "count": 65},
        {"namespace": "c", "start": 19010, "count": 1},
    ],
    "rbac": {"subjects": [{"kind": "User", "name": "rm"}]},
}


@pytest.fixture(params=["ListenerSet", "Gateway", "contour"])
def objects(request: pytest.FixtureRequest, render: Render) -> list[Manifest]:
    """What is rendered for three namespaces, with listeners of each kind."""
    if request.param == "contour":
        return render(VALUES | CONTOUR)
    return render(VALUES | {"slots": {**VALUES["slots"], "parent": request.param}})  # type: ignore[dict-item]


def of(objects: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in objects if each["kind"] == kind]


def test_each_port_leads_into_its_own_namespace(objects: list[Manifest]) -> None:
    allowed: dict[int, str] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for parent in of(objects, "ListenerSet") + of(objects, "Gateway"):
        for listener in parent["spec"]["listeners"]:
            if listener["name"] != "placeholder":
                selector = listener["allowedRoutes"]["namespaces"]["selector"]["matchLabels"]
                allowed[listener["port"]] = selector["kubernetes.io/metadata.name"]
                names.setdefault((parent["kind"], parent["metadata"]["name"]), set()).add(listener["name"])
    assert allowed == {port: namespace for namespace, ports in PORTS.items() for port in ports}
    assert all(len(listeners) <= 64 for (kind, _), listeners in names.items() if kind == "ListenerSet")

    routes = {route["spec"]["rules"][0]["backendRefs"][0]["port"]: route for route in of(objects, "TCPRoute")}
    services = {
        service["spec"]["ports"][0]["port"]: service
        for service in of(objects, "Service")
        if "task-gateway.dev/slot" in service["metadata"].get("labels", {})
    }
    assert routes.keys() == services.keys() == allowed.keys()
    for port, namespace in allowed.items():
        assert routes[port]["metadata"]["namespace"] == services[port]["metadata"]["namespace"] == namespace
        assert routes[port]["metadata"]["name"] == services[port]["metadata"]["name"]
        (parent,) = routes[port]["spec"]["parentRefs"]
        assert parent["sectionName"] in names[parent["kind"], parent["name"]]


def test_the_resource_manager_writes_to_each_namespaces_own_slots(objects: list[Manifest]) -> None:
    writes = {}
    for role in of(objects, "Role"):
        for rule in role["rules"]:
            if rule["verbs"] == ["patch"] and rule["resources"] == ["services"]:
                writes[role["metadata"]["namespace"]] = rule["resourceNames"]
    assert writes == {space: [f"tg-slot-{port}" for port in ports] for space, ports in PORTS.items()}
    bound = {
        each["metadata"]["namespace"] for each in of(objects, "RoleBinding") if each["subjects"][0]["name"] == "rm"
    }
    assert bound == {"gateways", *PORTS}


def test_contour_looks_into_every_namespace(render: Render) -> None:
    (contour,) = render(VALUES | CONTOUR, only="Deployment/tg-contour")
    arguments = contour["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--watch-namespaces=gateways,a,b,c" in arguments


def test_notes_say_which_ports_each_namespace_has(release: Callable[..., Manifest]) -> None:
    notes = release(VALUES)["info"]["notes"]
    assert "65 slots to tasks in namespace b, ports 21000-21064" in notes
    block = yaml.safe_load(notes[notes.index("internal_task_gateway:") : notes.index("Check it:")])
    ports = block["internal_task_gateway"]
    assert (ports["gateway_port_range_start"], ports["gateway_port_range_end"]) == (19010, 21064)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"namespace": "b", "start": 20063, "count": 2}, ["taskNamespaces[0].start=20063", "slots has", "20000-20063"]),
        ({"namespace": "gateways", "start": 21000, "count": 2}, ["taskNamespaces[0]", "namespace gateways"]),
        ({"namespace": "b", "start": 65500, "count": 37}, ["taskNamespaces[0].start=65500", "65500-65536"]),
        ({"namespace": "b", "start": 1030, "count": 18000}, ["taskNamespaces[0].start=1030", "19000-19003"]),
        ({"namespace": "", "start": 21000, "count": 2}, ["'/taskNamespaces/0/namespace'"]),
        ({"namespace": "b", "start": 21000}, ["'/taskNamespaces/0'"]),
    ],
    ids=json.dumps,
)
def test_ports_and_namespaces_are_given_once(
    helm: Callable[..., Completed], more: dict[str, Any], words: list[str]
) -> None:
    done = helm("template", "tg", values={"taskNamespaces": [more]}, options=("--namespace", "gateways"))
    assert done.code != 0
    assert [word for word in words if word not in done.stderr] == []
