"""Static slots on a real API server: no strategy claims or repairs one, or counts one as free."""

from dataclasses import replace

import pytest
from tests.apiserver import planes
from tests.apiserver.test_slots import START, SlotSite, empty

from task_gateway.errors import NoFreeSlot
from task_gateway.model import Manifest
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.use import Use

__all__ = ["empty"]
SERIAL = "ai.allegro.agent.serial"


@pytest.fixture
def site(empty: SlotSite) -> SlotSite:
    """One slot, and two static ones next to it."""
    static = {"start": START + 1, "count": 2, "selector": {SERIAL: "pod-{n}"}, "targetPort": 10022}
    values = {"slots": [{"start": START, "count": 1}, static]}
    for each in planes.rendered("gw", empty.namespace, values, "services", "configmap", "gateway", "listenersets"):
        empty.kube.apply(each, field_manager="helm")
    return replace(empty, gateway=replace(empty.gateway, gateway_port_range_end=START + 2))


def static(site: SlotSite) -> list[Manifest]:
    return [site.kube.get("v1/Service", f"gw-static-{START + index}", site.namespace) for index in (1, 2)]


def test_nothing_claims_a_static_slot(site: SlotSite) -> None:
    before = static(site)
    assert [each["spec"]["selector"] for each in before] == [{SERIAL: "pod-1"}, {SERIAL: "pod-2"}]
    assert site.slots.expose(site.task("a"))[0].port == START
    with pytest.raises(NoFreeSlot):
        site.slots.expose(site.task("b"))
    assert site.slots.ports() == {START: Use.TASK, START + 1: Use.FOREIGN, START + 2: Use.FOREIGN}
    repairs = TaskGateway(site.kube, site.gateway, site.namespace).reconcile(dry_run=False, grace_seconds=0)
    assert [(each.action, each.port) for each in repairs] == [("free", START)]
    assert static(site) == before
