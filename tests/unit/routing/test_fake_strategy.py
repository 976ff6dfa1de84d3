"""A new strategy is one module: the library, limits, checks and the bench use it without other changes."""

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.memory import Memory

from task_gateway.checks import crds, security
from task_gateway.checks.base import Finding
from task_gateway.controllers.base import in_order as controllers
from task_gateway.errors import UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import ENDPOINT_SLICE
from task_gateway.limits.base import LIMITS
from task_gateway.model import Address, Exposure, InternalTaskGateway, Manifest, Repair, Task
from task_gateway.routing.endpoints import SERVICE_OF
from task_gateway.routing.gateway import TaskGateway
from task_gateway.routing.gateway_listeners import Listener
from task_gateway.routing.strategies import base
from task_gateway.routing.strategies.base import STRATEGIES, BeforeReuse
from task_gateway.routing.strategies.traits import Right, Traits
from task_gateway.routing.use import Use
from task_gateway.settings import DEFAULTS, Settings
from task_gateway_lab.bench import bench_cluster, combos

Make = Callable[..., GatewaySnapshot]
GATEWAY = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)


class Beacons:
    """Creates a listener in a ListenerSet of the task's own, and counts how often its state is read."""

    traits = Traits(
        name="beacons",
        per_task=True,
        on_gateway=False,
        cluster_ip=True,
        rights=(Right("create", "example.com", "beacons", with_tasks=True),),
        recognises=lambda listener, ours: ours and listener.name.startswith("beacon-"),
    )

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str, settings: Settings = DEFAULTS) -> None:
        self.settings = settings
        self._namespace, self._host, self._found, self.reads = namespace, gateway.gateway_ip, list[Exposure](), 0

    def expose(self, task: Task, *, before_reuse: BeforeReuse | None = None) -> tuple[Exposure, ...]:
        self._found += [
            Exposure(task.id, self._namespace, "", "", port, port, "beacons", Address(self._host, port), service="one")
            for port in task.ports
        ]
        return tuple(self._found)

    def release(self, task_id: str) -> list[Address]:
        return []

    def exposed(self) -> list[Exposure]:
        self.reads += 1
        return self._found

    def ports(self) -> dict[int, Use]:
        return {}

    def reconcile(self, live: Callable[[], Collection[str]], before: datetime, *, dry_run: bool) -> list[Repair]:
        return []

    def follow(self) -> None:
        pass

    def close(self) -> None:
        pass


class Granting(Memory):
    """An API server that grants everything but beacons, and counts what is listed."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[str] = []
        self.asked: list[str] = []

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        self.listed.append(kind)
        return super().list(kind, namespace, labels)

    def create(self, obj: Manifest, *, dry_run: bool = False) -> Manifest:
        review = obj
        one = review["spec"]["resourceAttributes"]
        self.asked.append(f"{one['verb']} {one['resource']} in {one['namespace']}")
        return {"status": {"allowed": one["resource"] != "beacons"}}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    STRATEGIES.names()  # those of the house are loaded first
    monkeypatch.setitem(STRATEGIES._parts, "beacons", Beacons)


@pytest.fixture
def found(snapshot: Make) -> GatewaySnapshot:
    """A gateway with one listener of a beacon and one of somebody else's, and no slots."""
    spec = {"parentRef": {"name": "gw"}, "listeners": [{"name": "beacon-2001", "port": 2001}, {"name": "x", "port": 1}]}
    meta = {"name": "set", "namespace": "ns", "labels": {"task-gateway.dev/gateway": "gw"}}
    quota = {"metadata": {"name": "q"}, "status": {"hard": {"services": "5"}, "used": {"services": "2"}}}
    return snapshot(kube=Granting(), listener_sets=[{"metadata": meta, "spec": spec}], quotas=[quota], chart={})


def test_its_listeners_are_recognised_and_it_is_the_one_in_use(found: GatewaySnapshot) -> None:
    uses = [(each.name, each.use) for each in found.objects.listeners]
    assert uses == [("beacon-2001", "beacons"), ("x", "foreign")]
    assert (found.strategy, found.active) == ("beacons", 1)
    assert base.default() != "beacons"


def test_limits_ask_its_traits(found: GatewaySnapshot) -> None:
    def tasks(id: str) -> int | None:
        return LIMITS.get(id).limit_at(found).tasks

    assert tasks("quota-services") == 4  # three are left in addition to the one that the task has
    assert tasks("slots") is None
    assert tasks("crd-spec-max-items") is None, "it adds no listener to the Gateway"
    assert tasks("listener-set-max-items") == 0, "no ListenerSets are served"


def test_checks_ask_its_traits(snapshot: Make) -> None:
    kube = Granting()
    found = snapshot("beacons", kube=kube, chart={})
    assert crds.listener_sets(found) == Finding("not served: gateway.networking.k8s.io/v1/ListenerSet")
    lacking = security.rights(found)
    assert lacking is not None
    assert lacking.message == "missing: create beacons in ns"
    assert kube.asked == ["get gateways in ns", "create beacons in ns"]


def test_the_bench_has_rows_for_it(tmp_path: Path) -> None:
    rows = combos.chosen([], ["beacons"], [], None)
    assert [(each.controller, each.sizes, each.claimed) for each in rows] == [
        (each.name, combos.SIZES, 0) for each in controllers()
    ]
    (controller, *_) = controllers()
    values = bench_cluster.values(controller, tmp_path / "chart.tgz", rows[0], "192.0.2.1")
    assert values["slots"] == [{"start": combos.FIRST_PORT, "count": 1}]
    assert f"{controller.name} with beacons" in combos.names()


def test_the_library_reads_its_state_once() -> None:
    cluster = Granting()
    cluster.put(ENDPOINT_SLICE, {"endpoints": [{}]}, "one-x", "ns", f"{SERVICE_OF}=one")
    settings = Settings(port_cooldown_seconds=1)
    tasks = TaskGateway(cluster, GATEWAY, "ns", "beacons", settings=settings)
    assert tasks.expose(Task("one", "ns", (2001,))) == (Address("192.0.2.7", 2001),)
    (exposed,) = tasks.exposed(ready=True)
    strategy: Any = tasks._strategy
    assert strategy.settings is settings
    assert (exposed.ready, strategy.reads, cluster.listed) == (True, 1, [ENDPOINT_SLICE])


def test_an_unknown_strategy_is_refused_with_the_known_ones_and_a_removed_one_with_what_to_use() -> None:
    with pytest.raises(UsageError) as unknown:
        base.traits_of("slot")
    assert unknown.value.hint == "known: beacons, listeners, slots"
    with pytest.raises(UsageError) as removed:
        base.traits_of("listenersets")
    assert (removed.value.message, removed.value.hint) == ("the strategy 'listenersets' was removed", "use slots")


def test_each_strategy_of_the_house_recognises_its_own_listeners_only() -> None:
    def use(name: str, *, ours: bool = True, kind: str = "Gateway") -> list[str]:
        listener = Listener(name, 2001, kind, "ns", "gw", "foreign")
        return [each.name for each in base.in_order() if each.recognises(listener, ours)]

    assert use("slot-2001") == ["slots"]
    assert use("slot-2001", ours=False) == use("slot-2002") == use("task-2001", kind="ListenerSet") == []
    assert use("task-2001") == use("det-x") == ["listeners"]
