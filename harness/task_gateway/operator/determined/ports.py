"""The last known ports of the lane, and the next step for each. No I/O happens here.

A port is exposed if the Gateway has a listener with the annotation of an allocation, and a route of that allocation has
the port. The master left a listener without a route behind. A route without such a listener does not belong to the
master. Neither is exposed.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from task_gateway.routing.determined_lane import LaneSlot, Route, leads, rests


@dataclass(frozen=True, slots=True)
class ClaimForRoute:
    """Make a slot select the pods of a route."""

    slot: LaneSlot
    route: Route


@dataclass(frozen=True, slots=True)
class ReleaseFromRoute:
    """Make a slot select no pods."""

    slot: LaneSlot


@dataclass(frozen=True, slots=True)
class LaneCounts:
    """The number of ports whose slot follows their route, and of ports whose slot does not, or is missing."""

    exposed: int
    missing: int


def next_step(slot: LaneSlot, route: Route | None) -> ClaimForRoute | ReleaseFromRoute | None:
    """Return the next step for a slot; None if there is nothing to do."""
    if route is None:
        return None if rests(slot) else ReleaseFromRoute(slot)
    return None if leads(slot, route) else ClaimForRoute(slot, route)


class LanePorts:
    """The ports of a lane. It is safe for threads. Each note returns the ports to reconcile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[int, LaneSlot] = {}
        self._routes: dict[int, dict[str, Route]] = {}
        """The routes of each port, by uid."""
        self._held: dict[int, str] = {}
        """The allocation of each port, from the annotations of the Gateway."""

    def note_route(self, before: Route | None, after: Route | None) -> Collection[int]:
        """Note that a route was created, changed or deleted."""
        with self._lock:
            if before is not None:
                for port in before.ports:
                    self._routes.get(port, {}).pop(before.uid, None)
            if after is not None:
                for port in after.ports:
                    self._routes.setdefault(port, {})[after.uid] = after
            return {port for each in (before, after) if each is not None for port in each.ports}

    def note_slot(self, before: LaneSlot | None, after: LaneSlot | None) -> Collection[int]:
        """Note that a slot was created, changed or deleted."""
        with self._lock:
            if before is not None:
                self._slots.pop(before.port, None)
            if after is not None:
                self._slots[after.port] = after
            return {each.port for each in (before, after) if each is not None}

    def note_held(self, held: Mapping[int, str]) -> Collection[int]:
        """Note the allocation of each port, from the Gateway."""
        with self._lock:
            before, self._held = self._held, dict(held)
            return {port for port in {*before, *held} if before.get(port) != held.get(port)}

    def everything(self) -> Collection[int]:
        """Return every port that has a slot or a route."""
        with self._lock:
            return {*self._slots, *(port for port, routes in self._routes.items() if routes)}

    def step(self, port: int) -> ClaimForRoute | ReleaseFromRoute | None:
        """Return the next step for a port; None also if it has no slot."""
        with self._lock:
            slot = self._slots.get(port)
            return None if slot is None else next_step(slot, self._route(port))

    def allocations(self, ports: Collection[int]) -> set[str]:
        """Return the allocations of those ports, from the Gateway or from their routes."""
        with self._lock:
            routed = {route.allocation for port in ports for route in self._routes.get(port, {}).values()}
            return routed | {self._held[port] for port in ports if port in self._held}

    def complete(self, allocation: str) -> bool:
        """Return whether an allocation has ports, and a route for each of them.

        The master writes all listeners of an allocation at once, before it creates the first route.
        """
        with self._lock:
            ports = [port for port, one in self._held.items() if one == allocation]
            return bool(ports) and all(self._route(port) is not None for port in ports)

    def counts(self) -> LaneCounts:
        """Return how many ports of allocations are exposed, and how many should be."""
        with self._lock:
            wanted = {port: route for port in self._held if (route := self._route(port)) is not None}
            exposed = sum(port in self._slots and leads(self._slots[port], route) for port, route in wanted.items())
            return LaneCounts(exposed, len(wanted) - exposed)

    def _route(self, port: int) -> Route | None:
        """Return the route that has a port; the oldest one if there are several, as in Gateway API."""
        allocation = self._held.get(port)
        found = [each for each in self._routes.get(port, {}).values() if each.allocation == allocation]
        return min(found, key=lambda each: (each.created, each.name), default=None)
