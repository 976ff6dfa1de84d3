"""The protocol and the registry of ways to reach a task. To add one, add a module to this package.

The measurement only uses these records, and never compares names.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from task_gateway.model import InternalTaskGateway, Say
from task_gateway.registry import Registry
from task_gateway_lab.bench.bench_cluster import BenchCluster
from task_gateway_lab.bench.http_client import HttpEndpoint


class Unavailable(Exception):
    """A way does not exist in a cluster; the message is the reason. Raised when it starts."""


@dataclass(frozen=True)
class PeerContext:
    """A cluster with a gateway, in which all ways are measured in turns."""

    bench: BenchCluster
    gateway: InternalTaskGateway
    say: Say


@dataclass(frozen=True)
class PeerTarget:
    """A pod to reach: its name, which is also its answer, its address and its port."""

    name: str
    host: str
    port: int


@dataclass(frozen=True)
class PeerComponent:
    """A component that connections pass through, or that configures such a component.

    `restart` ends it and returns when it runs again.
    """

    name: str
    restart: Callable[[PeerContext], None]


class Connector(Protocol):
    """Makes pods of one cluster reachable in one way."""

    def open(self, target: PeerTarget) -> HttpEndpoint:
        """Make a pod reachable and return the endpoint, without waiting until it answers."""
        ...

    def close(self, target: PeerTarget) -> None:
        """Make a pod unreachable again. A pod that is not reachable is accepted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One way to reach tasks. `start` starts what it requires, removes it at the end, and can raise Unavailable."""

    name: str
    start: Callable[[PeerContext], AbstractContextManager[Connector]]
    middle: tuple[PeerComponent, ...]
    """The parts whose restart can cut its connections."""
    reference: bool = False
    """Whether the others are compared with it."""
    versions: Callable[[PeerContext], Mapping[str, str]] = lambda _context: {}
    """The versions of components that only this way uses, read when it runs."""


PEERS: Registry[Peer] = Registry("way to reach a task", "task_gateway_lab.bench.peers")


def declare(peer: Peer) -> Peer:
    """Register a way under its name."""
    return PEERS.register(peer.name)(peer)


def in_order() -> list[Peer]:
    """Return all ways: the one that the others are compared with first, then by name."""
    return sorted(PEERS, key=lambda each: (not each.reference, each.name))


def components_of(peers: Collection[Peer]) -> list[PeerComponent]:
    """Return the components in the middle of some ways, each once."""
    return list(dict.fromkeys(part for each in peers for part in each.middle))
