"""The measurements, in small, on a real gateway: the figures are plausible, and everything is removed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cluster.conftest import COUNT, NAMESPACE, Installed

from task_gateway.controllers.base import CONTROLLERS
from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kinds import POD
from task_gateway.probe import port_probe
from task_gateway.routing.gateway import TaskGateway
from task_gateway_lab.bench import burst, compare, dataplane, expose, fake_pods, restarts
from task_gateway_lab.bench.bench_cluster import BenchCluster, Charts
from task_gateway_lab.bench.closed_ports import PortPool
from task_gateway_lab.bench.combos import Combo
from task_gateway_lab.bench.labels import LabelExposer
from task_gateway_lab.bench.meters import MeteredKube
from task_gateway_lab.bench.peers import base as peers
from task_gateway_lab.bench.peers import components
from task_gateway_lab.bench.peers.base import PeerContext
from task_gateway_lab.bench.ways import LibraryExposer
from task_gateway_lab.model_bench import ExposeRecord

SIZES, SAMPLES = (1, 3), 4
COMBO = Combo("envoy-gateway", "slots", COUNT, SIZES, SAMPLES)


@pytest.fixture
def bench(installed: Installed, chart: Path) -> Iterator[BenchCluster]:
    kube = MeteredKube(installed.cluster)
    with fake_pods.FakePods(kube, NAMESPACE) as tasks:
        controller = CONTROLLERS.get(COMBO.controller)
        yield BenchCluster(
            controller, installed.cluster, kube, tasks, installed.gateway.gateway_ip, Charts(chart, chart)
        )
    left = [pod["metadata"]["name"] for pod in kube.list("v1/Pod", NAMESPACE) if "bench" in pod["metadata"]["name"]]
    assert left == []
    assert fake_pods.NODE not in [node["metadata"]["name"] for node in kube.list("v1/Node")]


@pytest.fixture
def master(bench: BenchCluster, installed: Installed) -> Iterator[TaskGateway]:
    with TaskGateway(bench.kube, installed.gateway, NAMESPACE) as tasks:
        yield tasks
        for each in tasks.exposed():
            tasks.release(each.task_id)


def test_one_task_more_is_one_write_and_answers_by_its_own_name(bench: BenchCluster, master: TaskGateway) -> None:
    ladder = expose.Ladder(bench, COMBO, LibraryExposer(master, bench.kube), print)
    records = ladder.climb()
    check(records)
    for each in records:
        assert each.api_writes == 1
        assert 1 <= each.kube_requests <= 2  # the first claim of a slot also reads its endpoints
    assert {each.task_id for each in master.exposed()} == {"bench-1"}  # the first size is measured again at the end
    ladder.leave()
    assert not master.exposed()


def check(records: Sequence[ExposeRecord]) -> None:
    assert [(each.active, each.samples, each.slots) for each in records] == [(size, SAMPLES, COUNT) for size in SIZES]
    for each in records:
        assert 0 < each.api_seconds.median <= each.ready_seconds.median <= each.ready_seconds.p99
        assert each.refused_seconds.median > 0
        assert min(each.controller_memory_mib, each.envoy_memory_mib) > 0


def test_a_port_that_leads_to_another_task_ends_the_run(bench: BenchCluster, master: TaskGateway) -> None:
    bench.tasks.add([1])
    (address,) = master.expose(fake_pods.task(1, NAMESPACE))
    port_probe.wait_first_byte(address, "bench-1")
    with pytest.raises(ScenarioFailed, match="is the port of bench-2, and bench-1 answered"):
        port_probe.wait_first_byte(address, "bench-2")


def test_tasks_at_once_each_get_a_port(bench: BenchCluster, master: TaskGateway) -> None:
    bench.tasks.add(range(1, COUNT + 1))
    ports = PortPool(master.gateway)
    ports.see_all_closed(built=True, say=print)
    for _ in range(2):
        number, api, ready = burst.one_round(LibraryExposer(master, bench.kube), ports, COUNT, say=print)
        assert number == COUNT
        assert 0 < api <= ready


def test_both_paths_to_a_pod_are_measured(bench: BenchCluster, master: TaskGateway) -> None:
    records = dataplane.both_paths(bench.kube, master, COMBO.controller, 20, say=print)
    straight, through = records
    assert [each.path for each in records] == ["pod", "gateway"]
    assert straight.samples == through.samples == 20 * dataplane.ROUNDS
    assert min(straight.mib_per_second, through.mib_per_second) > 0


def test_a_label_is_measured_as_a_claim_is_and_leaves_nothing_on_the_pods(
    bench: BenchCluster, operator: Installed
) -> None:
    bench.tasks.carry_task_label(carry=False)
    combo = replace(COMBO, strategy="operator")
    with LabelExposer(bench.kube, operator.gateway, NAMESPACE) as labels:
        records = expose.Ladder(bench, combo, labels, print).climb()
        check(records)
        for each in records:
            assert each.api_writes == 4, "label, claim, result and Event"
            assert each.kube_requests >= 4
        ports = PortPool(operator.gateway)
        labels.release(fake_pods.task(1, NAMESPACE))
        ports.see_all_closed(built=True, say=print)
        assert burst.one_round(labels, ports, COUNT, say=print)[0] == COUNT
        labels.expose(fake_pods.task(1, NAMESPACE))
    for pod in bench.kube.list(POD, NAMESPACE, fake_pods.POD_LABEL):
        assert set(pod["metadata"]["labels"]) == {fake_pods.POD_LABEL}
        assert not pod["metadata"].get("annotations")


def test_each_way_reaches_the_same_pod(bench: BenchCluster, installed: Installed) -> None:
    here = PeerContext(bench, installed.gateway, print)
    amount = compare.Amount(rounds=1, starts=2, samples=5, seconds=0.2, pause=0.1)
    with compare.served(bench.kube) as targets, compare.started(here, COMBO.controller) as (running, missing):
        figures = compare.figures(bench.kube, COMBO.controller, running, targets, amount, say=print)
        cut = restarts.one_restart(here, COMBO.controller, running, targets[0], components.NODE_PROXY, 1.0)
    found = {each.peer: each for each in figures}
    ways = {each.name for each in peers.in_order()}
    assert set(found) | {each.peer for each in missing} == ways
    assert {"slot", "kubectl port-forward", "NodePort Service"} <= set(found)
    assert (found["slot"].api_writes, found["kubectl port-forward"].api_writes) == (1, 0)
    assert {(each.cut, each.back) for each in cut} == {(0, True)}  # kube-proxy leaves its rules in the kernel


def test_the_restart_of_the_api_server_only_cuts_what_passes_it(bench: BenchCluster, installed: Installed) -> None:
    here = PeerContext(bench, installed.gateway, print)
    with compare.served(bench.kube) as targets, compare.started(here, COMBO.controller) as (running, _):
        cut = restarts.one_restart(here, COMBO.controller, running, targets[0], components.API_SERVER, 5.0)
    lost = {each.peer for each in cut if each.cut}
    assert lost == {"kubectl port-forward"}
    assert {each.peer for each in cut if not each.back} == lost
