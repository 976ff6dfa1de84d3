"""Slots for several namespaces: each port reaches its own one, and no other user may write there."""

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
VALUES: dict[str, Any] = {
    "slots": [
        {"namespace": "a", "start": 20000, "count": 70},
        {"namespace": "b", "start": 21000, "count": 65},
        {"namespace": "c", "start": 19010, "count": 1},
    ],
    "rbac": {"subjects": [{"kind": "User", "name": "rm"}]},
}


@pytest.fixture(params=["ListenerSet", "Gateway", "contour"])
def objects(request: pytest.FixtureRequest, render: Render) -> list[Manifest]:
    """The rendered objects for three namespaces, with listeners of each kind."""
    return render(VALUES | (CONTOUR if request.param == "contour" else {"slotListeners": {"kind": request.param}}))


def objects_of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in objects if each["kind"] == kind]


def test_each_port_leads_into_its_own_namespace(objects: list[Manifest]) -> None:
    allowed: dict[int, str] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for parent in objects_of_kind(objects, "ListenerSet") + objects_of_kind(objects, "Gateway"):
        for listener in parent["spec"]["listeners"]:
            if listener["name"] != "placeholder":
                selector = listener["allowedRoutes"]["namespaces"]["selector"]["matchLabels"]
                allowed[listener["port"]] = selector["kubernetes.io/metadata.name"]
                names.setdefault((parent["kind"], parent["metadata"]["name"]), set()).add(listener["name"])
    assert allowed == {port: namespace for namespace, ports in PORTS.items() for port in ports}
    assert all(len(listeners) <= 64 for (kind, _), listeners in names.items() if kind == "ListenerSet")

    routes = {
        route["spec"]["rules"][0]["backendRefs"][0]["port"]: route for route in objects_of_kind(objects, "TCPRoute")
    }
    services = {
        service["spec"]["ports"][0]["port"]: service
        for service in objects_of_kind(objects, "Service")
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
    for role in objects_of_kind(objects, "Role"):
        for rule in role["rules"]:
            if rule["verbs"] == ["patch"] and rule["resources"] == ["services"]:
                writes[role["metadata"]["namespace"]] = rule["resourceNames"]
    assert writes == {space: [f"tg-slot-{port}" for port in ports] for space, ports in PORTS.items()}
    bound = {
        each["metadata"]["namespace"]
        for each in objects_of_kind(objects, "RoleBinding")
        if each["subjects"][0]["name"] == "rm"
    }
    assert bound == {"gateways", *PORTS}


def test_contour_looks_into_every_namespace(render: Render) -> None:
    (contour,) = render(VALUES | CONTOUR, only="Deployment/tg-contour")
    arguments = contour["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--watch-namespaces=gateways,a,b,c" in arguments


def test_notes_say_which_ports_each_namespace_has(release: Callable[..., Manifest]) -> None:
    notes = release(VALUES)["info"]["notes"]
    assert "65 slots for tasks in namespace b, ports 21000-21064" in notes
    block = yaml.safe_load(notes[notes.index("internal_task_gateway:") : notes.index("To test the installation:")])
    ports = block["internal_task_gateway"]
    assert (ports["gateway_port_range_start"], ports["gateway_port_range_end"]) == (19010, 21064)


def test_two_groups_of_a_namespace_are_one_of_its_roles(render: Render) -> None:
    groups = [{"start": 20000, "count": 65}, {"start": 21000, "count": 2}]
    objects = render({"slots": groups})
    names = [f"tg-slot-{port}" for port in (*range(20000, 20065), 21000, 21001)]
    assert [each["metadata"]["name"] for each in objects_of_kind(objects, "TCPRoute")] == names
    (role,) = [
        each for each in objects_of_kind(objects, "Role") if each["metadata"]["name"] == "tg-resource-manager-slots"
    ]
    assert role["rules"][-1]["resourceNames"] == names
    assert [len(each["spec"]["listeners"]) for each in objects_of_kind(objects, "ListenerSet")] == [64, 1, 2]
    (pod,) = render({"slots": groups}, show="tests/pod")
    assert [each["name"] for each in pod["spec"]["containers"]] == ["routes-0"]


def test_without_an_item_tasks_run_in_the_namespace_of_the_release(render: Render) -> None:
    (gateway,) = render({"slots": []}, show="gateway")
    assert gateway["metadata"]["annotations"]["task-gateway.dev/task-namespace"] == "gateways"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"namespace": "b", "start": 20063, "count": 2}, ["slots[1].start=20063", "those of slots[0]", "20000-20063"]),
        ({"namespace": "b", "start": 65500, "count": 37}, ["slots[1].start=65500", "65500-65536"]),
        ({"namespace": "b", "start": 1030, "count": 18000}, ["slots[1].start=1030", "19000-19003"]),
        ({"namespace": "b", "start": 21000}, ["'/slots/1': missing property 'count'"]),
        ({"namespace": "b", "count": 2}, ["'/slots/1': missing property 'start'"]),
        ({"namespace": "b", "start": 21000, "count": 2, "size": 2}, ["'/slots/1': additional properties 'size'"]),
    ],
    ids=json.dumps,
)
def test_each_group_has_its_own_ports(helm: Callable[..., Completed], more: dict[str, Any], words: list[str]) -> None:
    groups = [{"start": 20000, "count": 64}, more]
    done = helm("template", "tg", values={"slots": groups}, options=("--namespace", "gateways"))
    assert done.code != 0
    assert [word for word in words if word not in done.stderr] == []
