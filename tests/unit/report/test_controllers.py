"""The results of probing controllers, for a terminal."""

import io

from rich.console import Console

from docs import controllers as controllers_page
from task_gateway.model_controllers import ControllerRecord, RequirementRecord
from task_gateway.report import controllers

ROUTE = RequirementRecord("tcp-route", "Traffic | reaches.", True, "met", "v1", {"reached": 0.35, "reached_longest": 1})
SETS = RequirementRecord("listener-set", "Sets serve.", False, "not supported", "nobody looks")
MAPPED = RequirementRecord("port-mapping", "Ports are had.", True, "failed", "refused")
GOOD = ControllerRecord(
    "c", "gateway.envoyproxy.io/x", "of its own", True, {"envoy": "v1"}, {"nodes": "1", "cores": "2"}, (ROUTE, SETS)
)
BAD = ControllerRecord("d", "example.com/y", "ns/gw", False, {"kong": "3"}, {}, (ROUTE, MAPPED))


def shown(record: ControllerRecord) -> list[str]:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(controllers.terminal(record))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_what_is_required_and_not_met_is_marked_and_named_at_the_end() -> None:
    lines = shown(BAD)
    assert lines[1].split()[:5] == ["√", "tcp-route", "required", "met", "v1"]
    assert lines[1].endswith("reached 0.35, reached longest 1")
    assert lines[2].split() == ["×", "port-mapping", "required", "failed", "refused"]
    assert lines[-1] == "× GatewayClass d (example.com/y) lacks port-mapping"


def test_what_is_optional_and_not_met_is_no_failure() -> None:
    lines = shown(GOOD)
    assert lines[2].split() == ["‼", "listener-set", "optional", "not", "supported", "nobody", "looks"]
    assert lines[-1] == "√ GatewayClass c (gateway.envoyproxy.io/x) meets all that is required"


def test_controllers_stand_side_by_side_with_their_versions() -> None:
    page = controllers_page.measured([GOOD, BAD]).splitlines()
    assert page[0] == "|  | Envoy Gateway | example.com/y |"
    assert "| envoy | v1 | - |" in page
    assert "| cluster | 1 nodes, 2 cores |  |" in page
    assert "| probed through | its own Gateway | Gateway ns/gw |" in page
    assert "| all required features | met | not met |" in page
    assert "| `listener-set` | not supported: nobody looks | not measured |" in page
    met = "met: v1; reached 0.35, reached longest 1 s"
    assert f"| `tcp-route` | {met} | {met} |" in page


def test_the_requirements_are_told_once() -> None:
    found = [(each.name, each.required, each.sentence) for each in GOOD.requirements]
    page = controllers_page.requirements(found)
    assert r"| `tcp-route` | required | Traffic \| reaches. |" in page
    assert "| `listener-set` | optional | Sets serve. |" in page
