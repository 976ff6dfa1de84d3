"""The bench's client of the operator: it reads the address from the condition, counts requests, and cleans up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.apiserver.operators import HOME, IP, START, TASKS, OperatorSite, installed, until
from tests.apiserver.planes import gateway_api

from task_gateway.errors import WaitTimeout
from task_gateway.kube.kinds import POD
from task_gateway.model import InternalTaskGateway, Task
from task_gateway.operator.run import Operator
from task_gateway.routing import names
from task_gateway_lab.bench import labels as module
from task_gateway_lab.bench import meters
from task_gateway_lab.bench.fake_pods import POD_LABEL
from task_gateway_lab.bench.labels import LabelExposer
from task_gateway_lab.bench.meters import Count, MeteredKube

SLOTS, PORT = 8, 7777
GATEWAY = InternalTaskGateway("gw", HOME, IP, START, START + SLOTS - 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with gateway_api("bench-labels", HOME, TASKS) as kube:
        yield installed(kube, tmp_path_factory.mktemp("operator"), SLOTS)


@pytest.fixture
def operator(site: OperatorSite) -> Iterator[Operator]:
    site.clean()
    with site.operator() as made:
        yield made


@pytest.fixture
def kube(site: OperatorSite, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> MeteredKube:
    """The API server; the operator's metrics are read from the operator, because it is not a pod here."""
    made = MeteredKube(site.kube.cluster)
    monkeypatch.setattr(LabelExposer, "_requests", lambda _labels: meters.requests_of(operator.text()))
    return made


def task(site: OperatorSite, number: int) -> Task:
    name = f"pod-{number}"
    site.pod(name, None, address=f"10.0.0.{number}")
    site.change(name, labels={POD_LABEL: "task"})
    return Task(name, TASKS, (PORT,))


def test_the_address_is_known_and_each_request_is_counted(site: OperatorSite, kube: MeteredKube) -> None:
    first, second = task(site, 1), task(site, 2)
    with LabelExposer(kube, GATEWAY, TASKS) as labels:
        assert labels.expose(first).port == START
        with labels.counted() as count:
            assert str(labels.expose(second)) == site.address("pod-2") == f"{IP}:{START + 1}"
        assert count == Count(writes=4, requests=4), "label, claim, result and Event"
        labels.release(first)
        labels.settle()
        assert site.notes("pod-1") == {}
        assert labels.expose(first).port == START + 2, "an earlier result is not taken for the new one"


def test_many_at_once_each_get_their_own_address_and_nothing_stays(site: OperatorSite, kube: MeteredKube) -> None:
    tasks = [task(site, number) for number in range(1, SLOTS + 1)]
    with LabelExposer(kube, GATEWAY, TASKS) as labels, ThreadPoolExecutor(SLOTS) as pool:
        found = list(pool.map(labels.expose, tasks))
        assert {each.port for each in found} == set(range(START, START + SLOTS))
        assert [str(each) for each in found] == [site.address(each.id) for each in tasks]
    until(lambda: site.claims() == {})
    for pod in site.kube.list(POD, TASKS):
        assert not set(pod["metadata"]["labels"]) - {POD_LABEL}
        assert not pod["metadata"].get("annotations")
        assert names.EXPOSED not in [each["type"] for each in pod["status"].get("conditions") or []]


def test_a_pod_that_gets_no_port_ends_the_wait_with_the_reason(
    site: OperatorSite, kube: MeteredKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXPOSED", replace(module.EXPOSED, seconds=3))
    pods = [task(site, number) for number in range(1, SLOTS + 2)]
    with LabelExposer(kube, GATEWAY, TASKS) as labels:
        for each in pods[:SLOTS]:
            labels.expose(each)
        with pytest.raises(WaitTimeout, match="NoFreeSlot"):
            labels.expose(pods[-1])
    until(lambda: site.claims() == {})
