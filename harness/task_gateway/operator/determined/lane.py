"""Watches the Gateway, routes and slots of one lane, and writes the slots."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from task_gateway.errors import Conflict, NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Manifest
from task_gateway.operator.determined import status
from task_gateway.operator.determined.gates import Gates
from task_gateway.operator.determined.ports import ClaimForRoute, LanePorts, ReleaseFromRoute
from task_gateway.operator.determined.status import StatusContent
from task_gateway.operator.log import say
from task_gateway.operator.metrics import Metrics
from task_gateway.operator.namespaces import Key
from task_gateway.operator.work_queue import WorkQueue
from task_gateway.routing import determined, determined_lane, names
from task_gateway.routing.determined_lane import LaneSlot, Route
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, ROUTES, route_kind

STEPS = 100
"""The number of consecutive writes for one port before other ports have a turn."""
STATUS, PORT, POD = "status", "port/", "pod/"
"""The kinds of keys of the lane: its statuses, a port, a held pod."""


@dataclass(frozen=True, slots=True)
class LaneGateway:
    """The data that is kept of the lane's Gateway: the allocation of each port, its class, and its status."""

    held: tuple[tuple[int, str], ...]
    class_name: str
    content: StatusContent


def parse(gateway: Manifest) -> LaneGateway:
    """Read the lane's Gateway."""
    held = tuple(determined.ports(gateway).items())
    return LaneGateway(held, str(gateway["spec"].get("gatewayClassName", "")), status.content_of(gateway))


class LaneController:
    """A lane. `place` is the first part of its keys in the queue, which is not a valid namespace."""

    def __init__(
        self, kube: Kube, gateway: str, home: str, lane: determined_lane.Lane, queue: WorkQueue[Key], metrics: Metrics
    ) -> None:
        """`gateway` is the Gateway with the slots, in the namespace `home` with that of the lane."""
        self._kube, self._home, self._lane, self._queue, self._metrics = kube, home, lane, queue, metrics
        self.place = f"determined:{lane.namespace}"
        self._ports, self._host = LanePorts(), ""
        self._gateway = Mirror(kube, GATEWAY, home, parse, name=lane.gateway, changed=self._gateway_changed)
        self._class: Mirror[StatusContent] | None = None
        self._slots = Mirror(
            kube,
            SERVICE,
            lane.namespace,
            determined_lane.parse_slot,
            labels=names.lane_selector(gateway, home),
            changed=lambda before, after: self._noted(self._ports.note_slot(before, after)),
        )
        self._routes = Mirror(
            kube,
            route_kind(kube) or ROUTES[0],
            lane.namespace,
            lambda route: determined_lane.parse_route(route, lane.gateway, home),
            labels=determined.LABEL,
            changed=self._route_changed,
        )
        self._gates: Gates | None = None
        if lane.gate:
            self._gates = Gates(kube, lane.namespace, self._ports.complete, self._pods, self._pod_later)

    @property
    def restarts(self) -> int:
        """The number of times that a watch was restarted after an error."""
        followed = (self._gateway, self._class, self._slots, self._routes, self._gates)
        return sum(each.restarts for each in followed if each is not None)

    def gauges(self) -> dict[str, dict[str, int]]:
        """Return the values of the metrics, by name and by task namespace."""
        counts, where = self._ports.counts(), self._lane.namespace
        found = {"determined_exposed": {where: counts.exposed}, "determined_missing": {where: counts.missing}}
        return found | ({"determined_held_pods": {where: self._gates.count}} if self._gates is not None else {})

    def follow(self) -> None:
        """Read everything and watch it from now on. Errors of the first read are raised.

        Slots come first, so a route finds the slot of its port.
        """
        self._slots.follow()
        self._routes.follow()
        self._gateway.follow()
        for seen in self._gateway.read():
            self._class = Mirror(
                self._kube,
                GATEWAY_CLASS,
                None,
                status.content_of,
                name=seen.class_name,
                changed=lambda *_: self._statuses(),
            )
            self._class.follow()
        if self._gates is not None:
            self._gates.follow()

    def close(self) -> None:
        """End the watches."""
        for each in (self._gateway, self._class, self._slots, self._routes, self._gates):
            if each is not None:
                each.close()

    def note_host(self, host: str) -> None:
        """Note the address of the gateway."""
        self._host = host
        self._statuses()

    def everybody(self) -> None:
        """Check everything again, because another replica may have stopped halfway."""
        self._statuses()
        self._queue.add([(self.place, f"{PORT}{port}") for port in self._ports.everything()])
        if self._gates is not None:
            self._pods(self._gates.everybody())

    def work(self, what: str, leads: Callable[[], bool]) -> bool:
        """Reconcile a port, a pod or the statuses while this process is the leader; False if there is more to do."""
        if what == STATUS:
            self._write_statuses(leads)
        elif what.startswith(PORT):
            return self._work_port(int(what.removeprefix(PORT)), leads)
        elif self._gates is not None and leads():
            self._gates.work(what.removeprefix(POD))
        return True

    def _work_port(self, port: int, leads: Callable[[], bool]) -> bool:
        for _ in range(STEPS):
            step = self._ports.step(port) if leads() else None
            if step is None:
                return True
            self._write(step)
        return False

    def _write(self, step: ClaimForRoute | ReleaseFromRoute) -> None:
        slot, now = step.slot, datetime.now(UTC)
        if isinstance(step, ClaimForRoute):
            body, event = determined_lane.claim(slot, step.route, now), "claimed"
            fields = {"task": step.route.allocation, "route": step.route.name, "target_port": step.route.target}
        else:
            body, event, fields = determined_lane.release(slot, now), "released", {"task": slot.allocation}
        try:
            self._slots.keep(self._kube.patch(SERVICE, slot.service, self._lane.namespace, body, strategic=True))
        except NotFound:
            self._slots.drop(self._lane.namespace, slot.service, slot.version)
            return
        except Conflict:
            self._metrics.retries.add()
            self._reread(slot)
            return
        say(event, namespace=self._lane.namespace, port=slot.port, gateway=self._lane.gateway, **fields)

    def _reread(self, slot: LaneSlot) -> None:
        found = self._kube.find(SERVICE, slot.service, self._lane.namespace)
        if found is None:
            self._slots.drop(self._lane.namespace, slot.service, slot.version)
        else:
            self._slots.keep(found)

    def _write_statuses(self, leads: Callable[[], bool]) -> None:
        now = datetime.now(UTC)
        for seen in self._gateway.read():
            wanted = status.of_gateway(self._host, now)
            if status.differs(seen.content, wanted) and leads():
                patched = self._patch_status(GATEWAY, self._lane.gateway, self._home, wanted)
                self._gateway.keep(patched)
            if self._class is None:
                continue
            wanted = status.of_class(now)
            for said in self._class.read():
                if status.differs(said, wanted) and leads():
                    self._class.keep(self._patch_status(GATEWAY_CLASS, seen.class_name, None, wanted))

    def _patch_status(self, kind: str, name: str, namespace: str | None, wanted: Manifest) -> Manifest:
        found = self._kube.patch(kind, name, namespace, {"status": wanted}, subresource="status")
        say("status", kind=kind.rpartition("/")[2], name=name)
        return found

    def _gateway_changed(self, before: LaneGateway | None, after: LaneGateway | None) -> None:
        self._noted(self._ports.note_held(dict(after.held) if after is not None else {}))
        if before is None or after is None or before.content != after.content:
            self._statuses()

    def _route_changed(self, before: Route | None, after: Route | None) -> None:
        self._noted(self._ports.note_route(before, after))

    def _noted(self, ports: Collection[int]) -> None:
        self._queue.add([(self.place, f"{PORT}{port}") for port in ports])
        if self._gates is not None:
            self._pods(self._gates.gated(self._ports.allocations(ports)))

    def _statuses(self) -> None:
        self._queue.add([(self.place, STATUS)])

    def _pods(self, pods: Iterable[str]) -> None:
        self._queue.add([(self.place, f"{POD}{name}") for name in pods])

    def _pod_later(self, pod: str, seconds: float) -> None:
        self._queue.add_after((self.place, f"{POD}{pod}"), seconds)
