"""Ways to reach a task are measured in turns and restarted one after the other; here without a cluster."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from task_gateway.controllers.base import CONTROLLERS
from task_gateway.errors import ScenarioFailed
from task_gateway.model import Cluster, InternalTaskGateway
from task_gateway.registry import Registry
from task_gateway_lab.bench import compare, http_task, restarts
from task_gateway_lab.bench.bench_cluster import BenchCluster, Charts
from task_gateway_lab.bench.compare import Amount
from task_gateway_lab.bench.http_client import HttpEndpoint
from task_gateway_lab.bench.meters import Count, MeteredKube
from task_gateway_lab.bench.peers import base
from task_gateway_lab.bench.peers.base import Peer, PeerComponent, PeerContext, PeerTarget, Unavailable
from task_gateway_lab.bench.restarts import Outage

LITTLE = Amount(rounds=2, starts=2, samples=3, seconds=0.02, pause=0.0)


class NoKube(MeteredKube):
    """Counts the writes that the ways below claim to make."""

    def __init__(self) -> None:
        pass

    def write(self) -> None:
        count: Count | None = getattr(self._here, "count", None)
        if count is not None:
            count.writes += 1


class CuttingServer(http_task.TaskServer):
    """A task whose connections all end with it."""

    def __init__(self, name: str) -> None:
        super().__init__("127.0.0.1", 0, name)
        self.sockets: list[socket.socket] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.sockets.append(request)
        super().process_request(request, client_address)

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Direct:
    """Runs the task itself, on a new port for each time that it is opened; `name` is what it answers."""

    def __init__(self, kube: NoKube, writes: int = 1, name: str = "") -> None:
        self.servers: dict[str, CuttingServer] = {}
        self._kube, self._writes, self._name = kube, writes, name

    def open(self, target: PeerTarget) -> HttpEndpoint:
        for _ in range(self._writes):
            self._kube.write()
        server = self.servers[target.name] = CuttingServer(self._name or target.name)
        return HttpEndpoint("127.0.0.1", server.server_address[1])

    def close(self, target: PeerTarget) -> None:
        if server := self.servers.pop(target.name, None):
            server.end()


@pytest.fixture
def context() -> PeerContext:
    cluster = Cluster("here", "kind", Path("kubeconfig"))
    charts = Charts(Path("a"), Path("b"))
    bench = BenchCluster(CONTROLLERS.get("contour"), cluster, NoKube(), None, "127.0.0.1", charts)  # type: ignore[arg-type]
    return PeerContext(bench, InternalTaskGateway("itg", "gateways", "127.0.0.1", 20000, 20063), print)


TARGETS = [PeerTarget(name, "127.0.0.1", 1) for name in compare.TARGETS]
NOTHING = PeerComponent("nothing", lambda _place: None)


def peer(name: str, *middle: PeerComponent, reference: bool = False, reason: str = "") -> Peer:
    @contextmanager
    def start(context: PeerContext) -> Iterator[Direct]:
        if reason:
            raise Unavailable(reason)
        yield Direct(context.bench.kube)  # type: ignore[arg-type]

    return Peer(name=name, start=start, middle=middle, reference=reference)


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Registry[Peer]:
    found: Registry[Peer] = Registry("way", "task_gateway_lab.bench.peers")
    found._loaded = True
    monkeypatch.setattr(base, "PEERS", found)
    return found


def test_a_way_is_declared_and_measured_without_another_change(peers: Any, context: PeerContext) -> None:
    base.declare(peer("other", NOTHING))
    base.declare(peer("mine", NOTHING, reference=True))
    base.declare(peer("absent", reason="there is no such thing"))
    with compare.started(context, "contour") as (running, missing):
        assert [each.name for each in running] == ["mine", "other"]
        found = compare.figures(context.bench.kube, "contour", running, TARGETS, LITTLE, say=print)
        cut = restarts.measure(context, "contour", running, TARGETS[0], watched=0.2, say=print)
    assert [(each.peer, each.reason) for each in missing] == [("absent", "there is no such thing")]
    assert [(each.controller, each.peer) for each in found] == [("contour", "mine"), ("contour", "other")]
    for each in found:
        assert (each.starts, each.samples, each.api_writes) == (4, 6, 1.0)
        assert 0 < each.start_seconds.median <= each.start_seconds.p99
        assert min(each.connect_seconds.median, each.round_trip_seconds.median) > 0
        assert min(each.one_stream_mib_per_second, each.eight_streams_mib_per_second) > 0
    assert [(each.part, each.peer, each.cut, each.away_seconds, each.back) for each in cut] == [
        ("nothing", name, 0, 0.0, True) for name in ("mine", "other")
    ]


def test_a_way_that_leads_to_another_task_ends_the_run() -> None:
    kube = NoKube()
    with pytest.raises(ScenarioFailed, match="bench-peer-1, and other answered"):
        compare.sample(kube, Direct(kube, name="other"), TARGETS[0])


def test_the_writes_of_a_start_are_counted_and_those_of_the_end_are_not() -> None:
    kube = NoKube()
    writes, seconds = compare.sample(kube, Direct(kube, writes=3), TARGETS[0])
    assert writes == 3
    assert seconds > 0


def test_a_restart_that_ends_the_task_cuts_all_connections(context: PeerContext) -> None:
    direct = Direct(context.bench.kube)  # type: ignore[arg-type]

    def restart(_place: PeerContext) -> None:
        direct.close(TARGETS[0])

    (found,) = restarts.one_restart(
        context, "contour", {peer("mine"): direct}, TARGETS[0], PeerComponent("the task", restart), 0.3
    )
    assert (found.open, found.cut, found.back, found.in_the_middle) == (restarts.OPEN, restarts.OPEN, False, False)
    assert found.away_seconds > 0


@pytest.mark.parametrize(
    ("attempts", "lost"),
    [
        ([], Outage(0.0, back=True)),
        ([(1, True), (2, True)], Outage(0.0, back=True)),
        ([(1, True), (2, False), (3, False), (5, True)], Outage(3, back=True)),
        ([(1, False), (2, True), (3, False), (4, True)], Outage(3, back=True)),
        ([(1, True), (2, False), (7, False)], Outage(5, back=False)),
        ([(1, False)], Outage(0, back=False)),
    ],
)
def test_an_outage_is_from_the_first_failure_to_the_last(attempts: list[restarts.Attempt], lost: Outage) -> None:
    assert restarts.outage(attempts) == lost


def test_each_part_is_restarted_once() -> None:
    one, two = PeerComponent("one", lambda _place: None), PeerComponent("two", lambda _place: None)
    assert base.components_of([peer("a", one, two), peer("b", two), peer("c", one)]) == [one, two]
