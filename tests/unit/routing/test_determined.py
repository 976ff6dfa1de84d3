"""The ports of a Determined master, from a Gateway and its routes, and the Gateway after some are freed."""

import pytest

from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import determined, determined_left
from task_gateway.routing.parents import listeners_of

NOTE = "determined.ai/det-gateway-port-"
GATEWAY = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)


def gateway(*ports: int, placeholder: bool = True, annotations: Manifest | None = None) -> Manifest:
    """A Gateway with a listener and an annotation of a Determined master for each port."""
    notes = {f"{NOTE}{port}": f"task-{port}.1" for port in ports} | (annotations or {})
    listeners = [{"name": f"det-{port}", "port": port} for port in ports]
    listeners = [{"name": "placeholder", "port": 1024}, *listeners] if placeholder else listeners
    return {"metadata": {"name": "gw", "namespace": "ns", "annotations": notes}, "spec": {"listeners": listeners}}


def test_the_annotation_of_a_listener_names_its_allocation() -> None:
    found = gateway(2000, 2001, annotations={f"{NOTE}2002": "no listener has this port"})
    assert determined.ports(found) == {2000: "task-2000.1", 2001: "task-2001.1"}
    assert determined.ports(None) == {}
    placeholder, first, _ = listeners_of(found, GATEWAY)
    assert (placeholder.use, placeholder.is_determined) == ("foreign", False)
    assert (first.use, first.allocation, first.is_determined) == ("listeners", "task-2000.1", True)


def test_a_listener_is_the_masters_by_its_annotation_whatever_its_name_is() -> None:
    found = gateway(2000)
    found["spec"]["listeners"][1]["name"] = "renamed"
    assert listeners_of(found, GATEWAY)[1].use == "listeners"


@pytest.mark.parametrize(
    ("named", "held", "expected"),
    [
        ("", (), (32768, 65535)),
        ("", (33000,), (32768, 65535)),
        ("", (20000, 20005), (20000, 65535)),
        ("24000-24498", (), (24000, 24498)),
        ("24000-24498", (24000, 24498), (24000, 24498)),
        ("24000-24498", (33000,), (32768, 65535)),
        ("24498-24000", (), (32768, 65535)),
        ("1-70000", (), (32768, 65535)),
        ("all", (), (32768, 65535)),
    ],
)
def test_the_range_is_the_charts_unless_the_master_holds_other_ports(
    named: str, held: tuple[int, ...], expected: tuple[int, int]
) -> None:
    notes = {"task-gateway.dev/task-ports": named} if named else {}
    assert determined.port_range(gateway(*held, annotations=notes)) == expected


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ({"name": "gw", "namespace": "ns", "port": 2000, "sectionName": "det-2000"}, {2000}),
        ({"name": "gw", "namespace": "ns", "port": 2000}, {2000}),
        ({"name": "gw", "namespace": "ns", "sectionName": "det-2001"}, {2001}),
        ({"name": "gw", "namespace": "ns"}, {1024, 2000, 2001}),
        ({"name": "gw"}, set()),
        ({"name": "other", "namespace": "ns", "port": 2000}, set()),
    ],
)
def test_the_ports_that_a_route_is_attached_to(parent: Manifest, expected: set[int]) -> None:
    route = {"metadata": {"name": "r", "namespace": "tasks"}, "spec": {"parentRefs": [parent]}}
    assert determined.targeted(route, gateway(2000, 2001)) == expected


def test_only_the_listeners_and_annotations_of_freed_ports_go() -> None:
    before = gateway(2000, 2001, annotations={"kept": "yes"})
    after, gone = determined_left.without(before, {2000: "task-2000.1"})
    assert gone == {2000: "task-2000.1"}
    assert [each["port"] for each in after["spec"]["listeners"]] == [1024, 2001]
    assert after["metadata"]["annotations"] == {f"{NOTE}2001": "task-2001.1", "kept": "yes"}
    assert len(before["spec"]["listeners"]) == 3


def test_the_last_listener_of_a_gateway_stays() -> None:
    before = gateway(2000, 2001, placeholder=False)
    after, gone = determined_left.without(before, determined.ports(before))
    assert gone == {2001: "task-2001.1"}
    assert [each["port"] for each in after["spec"]["listeners"]] == [2000]
    assert determined.ports(after) == {2000: "task-2000.1"}
