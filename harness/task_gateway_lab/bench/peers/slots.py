"""A slot of this project's chart, claimed by the library: the way that the others are compared with."""

from collections.abc import Iterator
from contextlib import contextmanager

from task_gateway.model import Task
from task_gateway.routing.gateway import TaskGateway
from task_gateway_lab.bench.http_client import Endpoint
from task_gateway_lab.bench.peers import parts
from task_gateway_lab.bench.peers.base import Peer, Place, Target, declare
from task_gateway_lab.bench.stand import NAMESPACE


class Slots:
    """Claims a slot with one write of its Service."""

    def __init__(self, tasks: TaskGateway) -> None:
        self._tasks = tasks

    def open(self, target: Target) -> Endpoint:
        """Claim a slot."""
        (address,) = self._tasks.expose(Task(target.name, NAMESPACE, (target.port,)))
        return Endpoint(address.host, address.port)

    def close(self, target: Target) -> None:
        """Release the slot."""
        self._tasks.release(target.name)


@contextmanager
def start(place: Place) -> Iterator[Slots]:
    """Follow the state of the slots by watches, as a master does."""
    with TaskGateway(place.stand.kube, place.gateway, NAMESPACE) as tasks:
        yield Slots(tasks)


declare(Peer(name="slot", start=start, middle=(parts.API_SERVER, parts.CONTROLLER, parts.PROXY), reference=True))
