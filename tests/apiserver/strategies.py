"""Fixtures for the tests of strategies: one gateway, and API servers that fail at a selected time."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from task_gateway.errors import ClusterUnreachable
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import TASK_LABEL, InternalTaskGateway, Manifest, Task
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET
from task_gateway.routing.strategies.base import STRATEGIES, Strategy

NAMESPACE, IP = "gateways", "192.0.2.7"
ROUTE = "gateway.networking.k8s.io/v1/TCPRoute"
PLACEHOLDER = 1024
SLOTS = range(21000, 21060)
WRITES = ("create", "apply", "replace", "patch", "delete")


@dataclass
class StrategySite:
    kube: Kube
    first: int
    count: int = 100
    namespace: str = NAMESPACE

    @property
    def gateway(self) -> InternalTaskGateway:
        return InternalTaskGateway("gw", NAMESPACE, IP, self.first, self.first + self.count - 1)

    def strategy(self, name: str, kube: Any = None) -> Strategy:
        return STRATEGIES.get(name)(kube or self.kube, self.gateway, self.namespace)

    def task(self, name: str, *ports: int) -> Task:
        return Task(name, self.namespace, ports or (8888,), owner="ada")

    def left(self) -> list[str]:
        """Return the names of the objects of tasks in the cluster."""
        selector = f"{TASK_LABEL}"
        found = [
            f"{each['kind']} {each['metadata']['name']}"
            for kind in (SERVICE, ROUTE)
            for each in self.kube.list(kind, None, selector)
        ]
        found += [f"ListenerSet {each['metadata']['name']}" for each in self.kube.list(LISTENER_SET)]
        return found + [f"listener {port}" for port in self.listeners() if port != PLACEHOLDER]

    def listeners(self) -> list[int]:
        return [each["port"] for each in self.kube.get(GATEWAY, "gw", NAMESPACE)["spec"]["listeners"]]


class Writes:
    """An API server whose writes are counted: `write` receives the number of each, from 0, and performs it."""

    def __init__(self, kube: Kube) -> None:
        self._kube, self._numbers = kube, itertools.count()

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(self._kube, verb)
        if verb not in WRITES:
            return real
        return lambda *args, **kwargs: self.write(next(self._numbers), partial(real, *args, **kwargs))

    def write(self, number: int, real: Callable[[], Any]) -> Any:
        raise NotImplementedError


class Failing(Writes):
    """An API server that is not reachable after a number of writes."""

    def __init__(self, kube: Kube, writes: int) -> None:
        super().__init__(kube)
        self._writes = writes

    def write(self, number: int, real: Callable[[], Any]) -> Any:
        if number >= self._writes:
            raise ClusterUnreachable("gone")
        return real()


class Once(Writes):
    """An API server with one failing write: it does not arrive, or its response is lost."""

    def __init__(self, kube: Kube, write: int, error: BaseException, *, arrives: bool) -> None:
        super().__init__(kube)
        self._fails, self._error, self._arrives = write, error, arrives

    def write(self, number: int, real: Callable[[], Any]) -> Any:
        answer = real() if number != self._fails or self._arrives else None
        if number == self._fails:
            raise self._error
        return answer


def fill_gateway(site: StrategySite, count: int) -> None:
    """Add foreign listeners until the Gateway has `count` listeners."""
    gateway = site.kube.get(GATEWAY, "gw", NAMESPACE)
    missing = range(3000, 3000 + count - len(gateway["spec"]["listeners"]))
    gateway["spec"]["listeners"] += [{"name": f"det-{port}", "port": port, "protocol": "TCP"} for port in missing]
    site.kube.replace(gateway)


def listener_set(metadata: dict[str, str], parent: dict[str, str], port: int) -> Manifest:
    """Return a foreign ListenerSet."""
    listener = {"name": "x", "port": port, "protocol": "TCP"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "ListenerSet",
        "metadata": metadata,
        "spec": {"parentRef": {"name": "gw", **parent}, "listeners": [listener]},
    }
