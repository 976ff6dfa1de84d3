"""Compares a slot with other ways to reach a task, in turns in one cluster, with the same client and task."""

import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import resources

from task_gateway import images
from task_gateway.controllers.base import CONTROLLERS
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.wait import condition, wait_for, wait_until_gone
from task_gateway.model import TASK_LABEL, Manifest, Say
from task_gateway.settings import POD_GONE, POD_READY
from task_gateway.spread import spread
from task_gateway_lab.bench import http_client, machine, restarts
from task_gateway_lab.bench.bench_cluster import NAMESPACE, Charts, bring_up, install
from task_gateway_lab.bench.combos import ALONE, Combo
from task_gateway_lab.bench.meters import MeteredKube
from task_gateway_lab.bench.peers import base
from task_gateway_lab.bench.peers.base import Connector, Peer, PeerContext, PeerTarget, Unavailable
from task_gateway_lab.model_bench import MissingPeer, PeerRecord, PeerReport, RestartRecord

PORT = 7780
TARGETS = ("bench-peer-1", "bench-peer-2")
"""Pods that take turns, so an answer of the previous pod is detected by its name."""
ROUNDS, STARTS, SAMPLES = 5, 10, 200
"""In each round: starts, and new connections and round trips."""
STREAM_SECONDS, STREAMS = 2.0, 8
JITTER = (0.6, 1.4)
Running = Mapping[Peer, Connector]


@dataclass(frozen=True)
class Amount:
    """How much is measured in each of the rounds. `pause` is the mean of the seconds between two starts."""

    rounds: int = ROUNDS
    starts: int = STARTS
    samples: int = SAMPLES
    seconds: float = STREAM_SECONDS
    pause: float = ALONE


@dataclass
class PeerMeasurements:
    """The measurements of one way."""

    writes: list[int] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    connects: list[float] = field(default_factory=list)
    failed: int = 0
    round_trips: list[float] = field(default_factory=list)
    one_stream: list[float] = field(default_factory=list)
    eight_streams: list[float] = field(default_factory=list)


def measure(combos: Sequence[Combo], charts: Charts, amount: Amount, *, say: Say) -> Iterator[PeerReport]:
    """Measure all ways next to each controller, in a cluster for each, and yield the report so far after each."""
    versions: dict[str, str] = {}
    found: list[PeerRecord] = []
    cut: list[RestartRecord] = []
    missing: list[MissingPeer] = []
    reference = base.in_order()[0].name
    for combo in combos:
        with bring_up(CONTROLLERS.get(combo.controller), charts, say=say) as cluster:
            context = PeerContext(cluster, install(cluster, combo, say=say), say)
            machine.note(versions, machine.versions(cluster.kube, NAMESPACE))
            with served(cluster.kube) as targets, started(context, combo.controller) as (running, without):
                missing += without
                for peer in running:
                    machine.note(versions, peer.versions(context))
                found += figures(cluster.kube, combo.controller, running, targets, amount, say=say)
                cut += restarts.measure(context, combo.controller, running, targets[0], say=say)
        yield PeerReport(versions, machine.machine(), reference, tuple(found), tuple(cut), tuple(missing))


@contextmanager
def served(kube: Kube) -> Iterator[list[PeerTarget]]:
    """Run the target pods, and remove them at the end."""
    try:
        for name in TARGETS:
            kube.create(pod(name))
        there = [wait_for(kube, POD_READY, POD, name, NAMESPACE, condition("Ready")) for name in TARGETS]
        yield [PeerTarget(each["metadata"]["name"], each["status"]["podIP"], PORT) for each in there]
    finally:
        for name in TARGETS:
            kube.delete(POD, name, NAMESPACE)
        for name in TARGETS:
            wait_until_gone(kube, POD_GONE, POD, name, NAMESPACE)


@contextmanager
def started(context: PeerContext, controller: str) -> Iterator[tuple[dict[Peer, Connector], list[MissingPeer]]]:
    """Start each way, and return those that run and those that do not exist here."""
    running: dict[Peer, Connector] = {}
    missing: list[MissingPeer] = []
    with ExitStack() as stack:
        for peer in base.in_order():
            context.say(f"{controller}: starting {peer.name}")
            try:
                running[peer] = stack.enter_context(peer.start(context))
            except Unavailable as reason:
                context.say(f"{controller}: {peer.name} is not available: {reason}")
                missing.append(MissingPeer(controller, peer.name, str(reason)))
        yield running, missing


def figures(
    kube: MeteredKube, controller: str, running: Running, targets: Sequence[PeerTarget], amount: Amount, *, say: Say
) -> list[PeerRecord]:
    """Measure the ways in turns, so load on the machine affects all of them."""
    found = {peer: PeerMeasurements() for peer in running}
    for number in range(amount.rounds):
        for peer, connector in running.items():
            say(f"{controller}: {peer.name}, round {number + 1} of {amount.rounds}")
            one_round(kube, connector, targets, amount, found[peer], warm=number > 0)
    return [record(controller, peer.name, each) for peer, each in found.items()]


def one_round(
    kube: MeteredKube,
    connector: Connector,
    targets: Sequence[PeerTarget],
    amount: Amount,
    found: PeerMeasurements,
    *,
    warm: bool,
) -> None:
    """Measure one way once. The first start of a way that is not warm yet is not counted."""
    if not warm:
        sample(kube, connector, targets[-1])
    for number in range(amount.starts):
        time.sleep(random.uniform(*JITTER) * amount.pause)
        writes, seconds = sample(kube, connector, targets[number % len(targets)])
        found.writes.append(writes)
        found.starts.append(seconds)
    target = targets[0]
    endpoint = connector.open(target)
    try:
        http_client.wait_first_byte(endpoint, target.name)
        answered = http_client.connects(endpoint, amount.samples)
        found.connects += answered
        found.failed += amount.samples - len(answered)
        found.round_trips += http_client.round_trips(endpoint, amount.samples)
        found.one_stream.append(http_client.streams(endpoint, 1, amount.seconds))
        found.eight_streams.append(http_client.streams(endpoint, STREAMS, amount.seconds))
    finally:
        connector.close(target)
    http_client.wait_gone(endpoint)


def sample(kube: MeteredKube, connector: Connector, target: PeerTarget) -> tuple[int, float]:
    """Open one way to a pod and close it; return the API writes, and the seconds from the call to the first byte."""
    with kube.counted() as asked:
        started = time.perf_counter()
        endpoint = connector.open(target)
    try:
        seconds = http_client.wait_first_byte(endpoint, target.name) - started
    finally:
        connector.close(target)
    http_client.wait_gone(endpoint)
    return asked.writes, seconds


def record(controller: str, peer: str, found: PeerMeasurements) -> PeerRecord:
    """Return the record of one way."""
    return PeerRecord(
        controller=controller,
        peer=peer,
        starts=len(found.starts),
        samples=len(found.connects),
        api_writes=round(statistics.fmean(found.writes), 2),
        start_seconds=spread(found.starts),
        connect_seconds=spread(found.connects, digits=6),
        round_trip_seconds=spread(found.round_trips, digits=6),
        one_stream_mib_per_second=round(statistics.median(found.one_stream)),
        eight_streams_mib_per_second=round(statistics.median(found.eight_streams)),
        failed=found.failed,
    )


def pod(name: str) -> Manifest:
    """Return a pod that runs http_task.py as a task of this name."""
    text = resources.files("task_gateway_lab.bench").joinpath("http_task.py").read_text("utf-8")
    container = {
        "name": "task",
        "image": images.load().notebook,
        "command": ["python3", "-c", text, name, str(PORT)],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {TASK_LABEL: name}},
        "spec": {"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False, "containers": [container]},
    }
