"""Static slots on a real gateway: pods with a number in a label, like ClearML's; they are never claimed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import COUNT, NAMESPACE, RELEASE, START, Installed
from tests.faults import serving

from task_gateway.kube import helm
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Manifest
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.reach import wait_until_answers, wait_until_refused
from task_gateway.settings import POD_READY

POD, SERVICE = "v1/Pod", "v1/Service"
SERIAL, PORT = "ai.allegro.agent.serial", 10022
FIRST, STATIC = START + COUNT + 100, 2


@pytest.fixture(scope="module")
def static(installed: Installed, chart: Path) -> Iterator[Installed]:
    """The release with two static slots."""
    values: dict[str, Any] = {"gateway": {"addresses": [installed.gateway.gateway_ip]}}
    slots = [{"start": START, "count": COUNT}]
    group = {"start": FIRST, "count": STATIC, "selector": {SERIAL: "pod-{n}"}, "targetPort": PORT}
    helm.install(installed.cluster, RELEASE, chart, NAMESPACE, values | {"slots": [*slots, group]})
    yield installed
    helm.install(installed.cluster, RELEASE, chart, NAMESPACE, values | {"slots": slots})


def numbered(number: int) -> Manifest:
    """Return a pod with a number, like those of the ClearML agent."""
    made = serving.pod(f"clearml-{number}", NAMESPACE, (PORT,))
    made["metadata"]["labels"] = {SERIAL: f"pod-{number}"}
    return made


def test_each_port_leads_to_the_pod_of_its_number_and_nothing_is_written(static: Installed) -> None:
    addresses = {number: Address(static.gateway.gateway_ip, FIRST + number - 1) for number in (1, 2)}
    services = [f"{RELEASE}-static-{each.port}" for each in addresses.values()]
    before = [static.kube.get(SERVICE, each, NAMESPACE)["metadata"]["resourceVersion"] for each in services]
    for number in addresses:
        static.kube.create(numbered(number))
    for number, address in addresses.items():
        wait_for(static.kube, POD_READY, POD, f"clearml-{number}", NAMESPACE, condition("Ready"))
        wait_until_answers(address)
        assert serving.greeting_of(address) == serving.greeting(f"clearml-{number}", PORT)
    static.kube.delete(POD, "clearml-1", NAMESPACE)
    wait_until_refused(addresses[1])
    assert serving.greeting_of(addresses[2]) == serving.greeting("clearml-2", PORT)
    static.kube.create(numbered(1))
    wait_for(static.kube, POD_READY, POD, "clearml-1", NAMESPACE, condition("Ready"))
    wait_until_answers(addresses[1])
    assert serving.greeting_of(addresses[1]) == serving.greeting("clearml-1", PORT)
    assert TaskGateway(static.kube, static.gateway, NAMESPACE).reconcile(grace_seconds=0) == []
    after = [static.kube.get(SERVICE, each, NAMESPACE)["metadata"]["resourceVersion"] for each in services]
    assert after == before
    for number in addresses:
        static.kube.delete(POD, f"clearml-{number}", NAMESPACE)
        wait_until_refused(addresses[number])
