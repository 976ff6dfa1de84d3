"""The ports that a task can have are the same for limits and expose, with every controller."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from task_gateway.errors import Forbidden, NoFreeSlot
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.limits.base import LIMITS
from task_gateway.model import InternalTaskGateway, Manifest, ResourceManager
from task_gateway.routing import templates
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS
from task_gateway.routing.strategies.base import STRATEGIES
from task_gateway.routing.use import Use
from task_gateway.settings import Settings

CONTOUR, ENVOY = "projectcontour.io/gateway-controller", "gateway.envoyproxy.io/gatewayclass-controller"
OTHER = "example.com/gateway-controller"
Ports = range | list[int]


class FakeCluster:
    """An API server with one Gateway, its class, the chart's ConfigMap, and the proxy's Service where there is one."""

    def __init__(self, controller: str, service: Ports | None, held: Ports, refused: tuple[str, ...] = ()) -> None:
        self._controller, self._service, self._held, self._refused = controller, service, held, refused
        self.chart = {"version": templates.VERSION}

    def served(self, _kind: str) -> bool:
        return False

    def get(self, kind: str, _name: str, _namespace: str | None = None) -> Manifest:
        if kind != GATEWAY:
            return {"data": self.chart}
        listeners = [{"name": f"of-others-{port}", "port": port} for port in self._held]
        meta = {"name": "gw", "namespace": "ns", "resourceVersion": "1"}
        return {"kind": "Gateway", "metadata": meta, "spec": {"gatewayClassName": "klass", "listeners": listeners}}

    def find(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        if kind in self._refused:
            raise Forbidden("no", where=kind)
        return {"spec": {"controllerName": self._controller}} if kind == GATEWAY_CLASS else self.get(kind, name)

    def list(self, kind: str, _namespace: str | None = None, labels: str = "") -> list[Manifest]:
        if kind != SERVICE or "gateway-name=" not in labels or self._service is None:
            return []
        if kind in self._refused:
            raise Forbidden("no", where=kind)
        return [{"metadata": {}, "spec": {"ports": [{"port": port} for port in self._service]}}]

    def snapshot(self, kind: str, namespace: str | None = None, **_: object) -> tuple[Sequence[Manifest], str]:
        return ([self.get(kind, "gw")] if kind == GATEWAY else []), "1"


def free(cluster: FakeCluster, first: int, last: int) -> list[int]:
    """Return the ports that expose would try, by the strategy `listeners`."""
    kube: Any = cluster
    strategy: Any = STRATEGIES.get("listeners")(kube, InternalTaskGateway("gw", "ns", "192.0.2.7", first, last), "ns")
    found = sorted(each.port for each in strategy._free(set(), 1))
    uses = strategy.ports()
    assert found == [port for port, use in uses.items() if use in (Use.FREE, Use.RESTING)]
    return found


def counted(cluster: FakeCluster, first: int, last: int) -> int:
    """Return how many tasks the limit `port-range` leaves room for, with the strategy `listeners`."""
    gateway = InternalTaskGateway("gw", "ns", "192.0.2.7", first, last)
    target = GatewayTarget(ResourceManager("east", "east", internal_task_gateway=gateway), cast(Kube, cluster))
    found = LIMITS.get("port-range").limit_at(GatewaySnapshot(target, "listeners")).tasks
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("controller", "first", "last", "usable"),
    [
        (CONTOUR, 18990, 19009, 20),
        (ENVOY, 18990, 19009, 16),
        (OTHER, 18990, 19009, 20),
        (CONTOUR, 57536, 59581, 1023),
        (ENVOY, 57536, 59581, 2046),
        (OTHER, 57536, 59581, 2046),
        (CONTOUR, 32768, 65535, 31745),
        (ENVOY, 32768, 65535, 32768),
        (OTHER, 32768, 65535, 32768),
    ],
)
def test_a_task_can_have_every_port_that_its_controller_can_serve(
    controller: str, first: int, last: int, usable: int
) -> None:
    cluster = FakeCluster(controller, range(first, last + 1), held=[])
    assert (counted(cluster, first, last), len(free(cluster, first, last))) == (usable, usable)


@pytest.mark.parametrize(
    ("controller", "service", "held", "usable"),
    [
        (CONTOUR, range(58559, 58563), [], [58559, 58560, 58561, 58562]),
        (CONTOUR, range(58559, 58569), [57536], [*range(58560, 58569)]),  # 57536 is 58559 inside Contour's Envoy
        (CONTOUR, range(58559, 58569), [58562, 59584], [58559, 58560, 58561, *range(58563, 58569)]),
        (CONTOUR, None, [], [*range(58559, 58569)]),
        (ENVOY, range(58559, 58563), [57536], [*range(58559, 58569)]),
        (OTHER, range(58559, 58563), [58560], [58559, *range(58561, 58569)]),
    ],
)
def test_ports_of_the_service_and_of_others_count(
    controller: str, service: range | None, held: list[int], usable: list[int]
) -> None:
    cluster = FakeCluster(controller, service, held)
    assert free(cluster, 58559, 58568) == usable
    assert counted(cluster, 58559, 58568) == len(usable)


def test_an_identity_that_may_read_neither_knows_both_from_the_chart() -> None:
    cluster = FakeCluster("not to be read", [], held=[], refused=(GATEWAY_CLASS, SERVICE))
    cluster.chart |= {"controllerName": CONTOUR, "servicePorts": "58500-58560 58565-58600"}
    assert free(cluster, 58559, 58568) == [58559, 58560, 58565, 58566, 58567, 58568]
    assert counted(cluster, 58559, 58568) == 6


@pytest.mark.parametrize(("controller", "reserved"), [(ENVOY, 4), (CONTOUR, 0), (OTHER, 0)])
def test_a_port_without_a_slot_is_reserved_only_where_the_controller_keeps_it(controller: str, reserved: int) -> None:
    kube: Any = FakeCluster(controller, None, held=[])
    gateway = InternalTaskGateway("gw", "ns", "192.0.2.7", 18990, 19009)
    uses = list(STRATEGIES.get("slots")(kube, gateway, "ns").ports().values())
    assert (uses.count(Use.RESERVED), uses.count(Use.ABSENT)) == (reserved, 20 - reserved)


def test_a_chart_of_another_release_tells_nothing() -> None:
    cluster = FakeCluster("not to be read", None, held=[], refused=(GATEWAY_CLASS,))
    cluster.chart = {"version": "1", "controllerName": CONTOUR}
    assert len(free(cluster, 57536, 59581)) == 2046


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr("task_gateway.routing.serving.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


@pytest.mark.parametrize("kept", [60.0, 5.0])
def test_what_serves_a_gateway_is_read_again_after_a_while(clock: Callable[[float], None], kept: float) -> None:
    cluster: Any = FakeCluster(ENVOY, None, held=[])
    gateway, settings = InternalTaskGateway("gw", "ns", "", 19000, 19003), Settings(controller_cache_seconds=kept)
    strategy: Any = STRATEGIES.get("listeners")(cluster, gateway, "ns", settings)
    with pytest.raises(NoFreeSlot, match="4 kept by the controller"):
        strategy._free(set(), 1)
    cluster._controller = OTHER
    with pytest.raises(NoFreeSlot):
        strategy._free(set(), 1)
    clock(kept - 1)
    with pytest.raises(NoFreeSlot):
        strategy._free(set(), 1)
    clock(1.0)
    assert len(strategy._free(set(), 1)) == 4
