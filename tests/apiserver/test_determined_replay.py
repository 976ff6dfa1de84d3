"""The same tasks of a Determined master with the profile and with the lane: conflicts, failed tasks, leaked ports.

With the profile, a simulated controller writes the Gateway's status like Envoy Gateway. With the lane, the operator
runs, with only the permissions of its Roles.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
import yaml
from tests.apiserver.determined import listener
from tests.apiserver.determined_lanes import NAME, START, LaneSite, installed, plane
from tests.apiserver.determined_load import Loaded, LoadTask
from tests.apiserver.determined_record import file_of
from tests.apiserver.determined_statuses import Statuses
from tests.apiserver.operators import HOME, IP, TASKS, until
from tests.apiserver.planes import BUNDLE, CHART, apply_chart

import task_gateway
from docs.determined import ReplayRecord
from task_gateway.checks.determined import ROUTE
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import determined, determined_lane, names
from task_gateway.routing.determined_lane import LaneSlot
from task_gateway.routing.gateway_api import GATEWAY, addresses
from task_gateway_lab.bench.machine import machine
from task_gateway_lab.bench.meters import MeteredKube

FULL, FEW, BURST, LEFT = 200, 60, 20, 3
MANY_PORTS = 10
LED_SECONDS = 30.0
PROFILE: Manifest = yaml.safe_load((CHART / "determined.yaml").read_text())
PROFILE_NAME = "pf"


@dataclass
class ReplayTarget:
    """A Gateway, and the API server as its master. `runs` writes statuses or slots while tasks come and go."""

    where: str
    kube: Kube
    gateway: InternalTaskGateway
    runs: Callable[[], AbstractContextManager[Any]]


class Watching:
    """Watches the writes of others: how often the status changed, and the allocations of each slot with their times."""

    def __init__(self, kube: Kube, gateway: InternalTaskGateway) -> None:
        self.statuses = 0
        self.led: dict[tuple[int, str], float] = {}
        self.routed: dict[tuple[int, str], float] = {}
        self._mirrors: list[Mirror[Any]] = [
            Mirror(
                kube, GATEWAY, gateway.gateway_namespace, lambda obj: json.dumps(obj.get("status"), sort_keys=True),
                name=gateway.gateway_name, changed=self._status,
            ),
            Mirror(kube, SERVICE, TASKS, determined_lane.parse_slot, labels=names.LANE_LABEL, changed=self._slot),
            Mirror(kube, ROUTE, TASKS, _routed, labels=determined.LABEL, changed=self._route),
        ]  # fmt: skip

    def __enter__(self) -> "Watching":
        for each in self._mirrors:
            each.follow()
        self.statuses = 0
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._mirrors:
            each.close()

    @property
    def seconds(self) -> list[float]:
        """The seconds from a route to its slot, for each port; the watch of the slot can be faster."""
        return [max(0.0, at - self.routed[key]) for key, at in self.led.items() if key in self.routed]

    def _status(self, *_: object) -> None:
        self.statuses += 1

    def _slot(self, _before: LaneSlot | None, after: LaneSlot | None) -> None:
        if after is not None and after.allocation:
            self.led.setdefault((after.port, after.allocation), time.monotonic())

    def _route(self, _before: tuple[int, str] | None, after: tuple[int, str] | None) -> None:
        if after is not None:
            self.routed.setdefault(after, time.monotonic())


def _routed(route: Manifest) -> tuple[int, str]:
    return int(route["spec"]["parentRefs"][0]["port"]), str(route["metadata"]["labels"][determined.LABEL])


@pytest.fixture(scope="module")
def count(request: pytest.FixtureRequest) -> int:
    return FEW if file_of(request.config) is None else FULL


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, count: int) -> Iterator[LaneSite]:
    with plane("replay") as kube:
        made = installed(kube, tmp_path_factory.mktemp("replay"), count)
        ports = {"start": START, "count": count}
        given = {"slots": [{"namespace": TASKS, "start": 20000, "count": 0}], "taskPorts": ports}
        apply_chart(kube, PROFILE_NAME, HOME, PROFILE | given, "gateway", "gatewayclass")
        yield made


def replay_targets(site: LaneSite) -> tuple[ReplayTarget, ReplayTarget]:
    profile = replace(site.gateway, gateway_name=PROFILE_NAME)

    @contextmanager
    def statuses() -> Iterator[None]:
        with Statuses(Kube(site.kube.cluster), profile, TASKS):
            yield

    @contextmanager
    def operator() -> Iterator[None]:
        with site.operator():
            until(lambda: addresses(site.lane()) == [IP])
            yield

    return (
        ReplayTarget("profile", Kube(site.kube.cluster), profile, statuses),
        ReplayTarget("lane", site.master, site.gateway, operator),
    )


def replay(target: ReplayTarget, kube: MeteredKube, count: int) -> tuple[ReplayRecord, Watching]:
    """Start, replace and kill tasks, with a restart of the master in between, and return the results."""
    master, gateway = Loaded(target.kube, target.gateway, TASKS), target.gateway
    leave_behind(kube, gateway)
    cpu = kube.cpu_seconds()
    with target.runs(), Watching(kube, gateway) as watching:
        assert master.start_again([]) == []  # this frees the ports that an earlier run left
        assert held(kube, gateway) == {}
        tasks, launched = [LoadTask(f"task-{number}.1") for number in range(count)], []
        for first in range(0, count, BURST):
            began = time.monotonic()
            master.launch(tasks[first : first + BURST])
            launched.append(time.monotonic() - began)
        ports = len(held(kube, gateway))
        again = [LoadTask(f"again-{number}.1", MANY_PORTS) for number in range(BURST // MANY_PORTS)]
        master.replace(tasks[:BURST], again)
        alive = [each for each in (*tasks[BURST:], *again) if not each.lost]
        until_led(kube, target, alive)
        restored = master.start_again(alive)
        until_led(kube, target, restored)
        began = time.monotonic()
        master.kill(restored)
        killed = time.monotonic() - began
        until_led(kube, target, [])
    lost = sum(each.lost for each in (*tasks, *again))
    return (
        ReplayRecord(
            where=target.where,
            tasks=len(tasks) + len(again),
            ports=ports,
            writes=len(master.writes),
            write_seconds=round(statistics.mean(master.writes), 3),
            conflicts=master.conflicts,
            lost=lost,
            leaked=len(held(kube, gateway)),
            statuses=watching.statuses,
            cpu_seconds=round(kube.cpu_seconds() - cpu, 1),
            launch_seconds=round(statistics.mean(launched), 1),
            kill_seconds=round(killed, 1),
            restored=len(restored),
            led_seconds=round(statistics.median(watching.seconds), 3) if watching.seconds else None,
        ),
        watching,
    )


def leave_behind(kube: Kube, gateway: InternalTaskGateway) -> None:
    """Create a few listeners of ended tasks, like those of a master whose last write was refused."""
    found = kube.get(GATEWAY, gateway.gateway_name, HOME)
    ports = range(gateway.gateway_port_range_start, gateway.gateway_port_range_start + LEFT)
    found["spec"]["listeners"] += map(listener, ports)
    found["metadata"]["annotations"] |= {f"determined.ai/det-gateway-port-{port}": f"left-{port}.1" for port in ports}
    kube.replace(found)


def held(kube: Kube, gateway: InternalTaskGateway) -> dict[int, str]:
    return determined.ports(kube.get(GATEWAY, gateway.gateway_name, HOME))


def until_led(kube: Kube, target: ReplayTarget, alive: list[LoadTask]) -> None:
    """Return when the slot of each port selects its task, and no other slot selects pods; the profile has no slots."""
    if target.gateway.gateway_name != NAME:
        return
    wanted = {port: each.allocation for each in alive for port in each.ports}

    def led() -> dict[int, str]:
        slots = map(determined_lane.parse_slot, kube.list(SERVICE, TASKS, names.LANE_LABEL))
        return {slot.port: slot.allocation for slot in slots if slot is not None and not determined_lane.rests(slot)}

    until(lambda: led() == wanted, lambda: (led(), wanted), LED_SECONDS)


def test_nothing_conflicts_is_lost_or_stays_on_the_lane_and_on_the_profile_it_does(
    site: LaneSite, count: int, request: pytest.FixtureRequest
) -> None:
    profile, lane = replay_targets(site)
    kube = MeteredKube(site.kube.cluster)
    (before, _), (after, watching) = replay(profile, kube, count), replay(lane, kube, count)
    assert (after.conflicts, after.lost, after.leaked) == (0, 0, 0)
    assert (after.ports, after.restored) == (count, count - BURST + BURST // MANY_PORTS)
    assert after.statuses == 0
    assert not [allocation for _, allocation in watching.led if allocation.startswith("left-")]
    assert site.lane()["spec"]["listeners"] == [
        each for each in site.lane()["spec"]["listeners"] if each["port"] == 1024
    ]
    assert before.conflicts > 0
    assert before.statuses > 0
    if (file := file_of(request.config)) is not None:
        versions = {"Kubernetes": site.kube.version().removeprefix("v"), "Gateway API": BUNDLE.removeprefix("v")}
        versions |= {"task-gateway": task_gateway.__version__, "the calls of a Determined master": "0.38.1"}
        file.parent.mkdir(parents=True, exist_ok=True)
        record = {"versions": versions, "machine": machine(), "plays": [asdict(before), asdict(after)]}
        file.write_text(json.dumps(record, indent=2) + "\n")
