"""A slot of this project's chart, claimed by the library: the way that the others are compared with."""

from collections.abc import Iterator
from contextlib import contextmanager

from task_gateway.model import Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway_lab.bench.bench_cluster import NAMESPACE
from task_gateway_lab.bench.http_client import HttpEndpoint
from task_gateway_lab.bench.peers import components
from task_gateway_lab.bench.peers.base import Peer, PeerContext, PeerTarget, declare


class SlotConnector:
    """Claims a slot with one write of its Service."""

    def __init__(self, tasks: TaskGateway) -> None:
        self._tasks = tasks

    def open(self, target: PeerTarget) -> HttpEndpoint:
        """Claim a slot."""
        (address,) = self._tasks.expose(Task(target.name, NAMESPACE, (target.port,)))
        return HttpEndpoint(address.host, address.port)

    def close(self, target: PeerTarget) -> None:
        """Release the slot."""
        self._tasks.release(target.name)


@contextmanager
def start(context: PeerContext) -> Iterator[SlotConnector]:
    """Keep the state of the slots by watches, like a master."""
    with TaskGateway(context.bench.kube, context.gateway, NAMESPACE) as tasks:
        yield SlotConnector(tasks)


declare(
    Peer(
        name="slot",
        start=start,
        middle=(components.API_SERVER, components.CONTROLLER, components.PROXY),
        reference=True,
    )
)
