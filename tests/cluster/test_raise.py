"""A raised limit on a real cluster: the controller writes the status of each listener, which needs more than spec."""

from collections.abc import Iterator

import pytest
from tests.cluster.conftest import GATEWAY, NAMESPACE, RELEASE, Installed

from task_gateway.crds import raised, schema
from task_gateway.crds.raising import raise_to
from task_gateway.crds.restore import restore
from task_gateway.errors import TaskGatewayError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import wait_for
from task_gateway.model import Manifest
from task_gateway.settings import Wait

LISTENERS = 213
FIRST_PORT = 30000
NAME = "many"
STATUS_WRITTEN = Wait("status-written", "the controller has written the status of every listener", 180)


@pytest.fixture
def kube(installed: Installed) -> Iterator[Kube]:
    kube = installed.kube
    yield kube
    kube.delete(GATEWAY, NAME, NAMESPACE)
    restore(kube)


def gateway(count: int) -> Manifest:
    ports = range(FIRST_PORT, FIRST_PORT + count)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "gatewayClassName": f"{RELEASE}.{NAMESPACE}",
            "listeners": [{"name": f"p-{port}", "port": port, "protocol": "TCP"} for port in ports],
        },
    }


def status_missing(obj: Manifest | None) -> str | None:
    accepted = [
        each["name"]
        for each in ((obj or {}).get("status") or {}).get("listeners") or []
        if {"type": "Accepted", "status": "True"}.items() <= _condition(each, "Accepted").items()
    ]
    return None if len(accepted) == LISTENERS else f"{len(accepted)} listeners are Accepted"


def _condition(listener: Manifest, kind: str) -> Manifest:
    return next((each for each in listener["conditions"] if each["type"] == kind), {})


def test_a_gateway_of_213_listeners_is_accepted_and_its_status_written(kube: Kube) -> None:
    before = kube.get(schema.KIND, schema.GATEWAYS)
    with pytest.raises(UsageError, match=f"at most {LISTENERS} listeners in this CRD, not {LISTENERS + 1}"):
        raise_to(kube, LISTENERS + 1)
    assert (
        kube.get(schema.KIND, schema.GATEWAYS)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    )

    raise_to(kube, LISTENERS)
    kube.create(gateway(LISTENERS))
    seen = wait_for(kube, STATUS_WRITTEN, GATEWAY, NAME, NAMESPACE, status_missing)
    names = {each["name"] for each in seen["status"]["listeners"]}
    assert names == {each["name"] for each in gateway(LISTENERS)["spec"]["listeners"]}

    with pytest.raises(TaskGatewayError, match=rf"{NAMESPACE}/{NAME} \({LISTENERS}\)"):
        restore(kube)
    kube.delete(GATEWAY, NAME, NAMESPACE)
    restore(kube)
    assert kube.get(schema.KIND, schema.GATEWAYS)["spec"] == before["spec"]
    assert not raised.state(kube).ports_policy
