"""Writes to slots on a condition: each claim or release contains the version that was read.

Of two writes to one slot the API server accepts one, whichever thread, process or machine they run in.
"""

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from task_gateway.errors import Conflict, NotFound, WaitTimeout
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import ENDPOINT_SLICE, SERVICE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Manifest
from task_gateway.routing import endpoints, table
from task_gateway.routing.table import Slot
from task_gateway.settings import DEFAULTS, Settings


class SlotWriter:
    """The writes to the slots of one namespace; `slots` is where they are read from, and each answer is noted."""

    def __init__(self, kube: Kube, namespace: str, slots: Mirror[Slot], settings: Settings = DEFAULTS) -> None:
        self._kube, self._namespace, self._slots, self._settings = kube, namespace, slots, settings

    def deadline(self) -> float:
        """Return until when a write that begins now may be tried, as a time of `time.monotonic`."""
        return time.monotonic() + self._settings.slot_write_seconds

    def write(
        self,
        slot: Slot | None,
        until: float,
        wanted: Callable[[Slot], bool],
        body: Callable[[Slot], Manifest],
    ) -> Slot | None:
        """Write to a slot for as long as it is `wanted`, and return it as seen last; None if it is gone.

        A conflict only means that something wrote, perhaps this call, whose answer was lost: the slot is read again.
        WaitTimeout at `until`, a time of `time.monotonic`.
        """
        while slot is not None and wanted(slot):
            if time.monotonic() > until:
                raise self._timed_out(slot)
            try:
                patch = body(slot)
                service = self._kube.patch(SERVICE, slot.service, self._namespace, patch, strategic=True)
                return self._slots.keep(service)
            except Conflict:
                slot = self.reread(slot)
            except NotFound:
                return None
        return slot

    def reread(self, slot: Slot) -> Slot | None:
        """Return a slot as it is now, None if it is gone."""
        found = self._kube.find(SERVICE, slot.service, self._namespace)
        return None if found is None else self._slots.keep(found)

    def shut(self, slot: Slot, until: float) -> bool:
        """Close a free slot that still leads somewhere: no task may have it before. False if it has no endpoint.

        Kubernetes does not change the endpoints of a Service without a selector: reading them is enough.
        """
        if not slot.unselected or not endpoints.left(slot, self.endpoints([slot])):
            return False
        self.write(slot, until, lambda each: each.task is None and each.unselected, closed)
        return True

    def restore(self, slot: Slot, until: float) -> None:
        """Give a claimed slot the selector of its claim again, unless it has it, or is another task's by now."""
        self.write(slot, until, lambda each: each.task == slot.task and not table.agrees(each), closed)

    def endpoints(self, slots: Collection[Slot]) -> endpoints.Endpoints:
        """Return the endpoints of the free slots of which Kubernetes removes none; of one slot by its own Service."""
        unselected = [slot for slot in slots if slot.task is None and slot.unselected]
        if not unselected:
            return {}
        labels = f"{endpoints.SERVICE_OF}={unselected[0].service}" if len(unselected) == 1 else endpoints.SERVICE_OF
        return endpoints.by_service(self._kube.list(ENDPOINT_SLICE, self._namespace, labels))

    def _timed_out(self, slot: Slot) -> WaitTimeout:
        holder = "free" if slot.task is None else f"held by {slot.task}"
        state = f"port {slot.port} is {holder} at version {slot.resource_version}, others wrote first each time"
        return self._settings.slot_written.timed_out(state, f"Service {self._namespace}/{slot.service}")


def is_free(slot: Slot) -> bool:
    """Return whether no task has a slot."""
    return slot.task is None


def closed(slot: Slot) -> Manifest:
    """Return the patch that gives a slot the selector of its claim, or one that matches no pod."""
    return table.close(slot, datetime.now(UTC))


def released(slot: Slot) -> Manifest:
    """Return the patch that frees a slot."""
    return table.release(slot, datetime.now(UTC))
