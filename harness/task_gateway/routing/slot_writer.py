"""Writes slots conditionally: each claim or release contains the version that was read.

The API server accepts only one of two writes to a slot, from any thread, process or machine.
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
    """Writes the slots of one namespace. `slots` is the cache that they are read from; each response updates it."""

    def __init__(self, kube: Kube, namespace: str, slots: Mirror[Slot], settings: Settings = DEFAULTS) -> None:
        self._kube, self._namespace, self._slots, self._settings = kube, namespace, slots, settings

    def deadline(self) -> float:
        """Return the deadline of a write that begins now, as a time of `time.monotonic`."""
        return time.monotonic() + self._settings.slot_write_seconds

    def write(
        self,
        slot: Slot | None,
        until: float,
        wanted: Callable[[Slot], bool],
        body: Callable[[Slot], Manifest],
    ) -> Slot | None:
        """Write to a slot while it is `wanted`, and return its last state; None if it is gone.

        After a conflict the slot is read again: another client wrote it, or this call did and the response was lost.
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
        """Close a free slot that still has endpoints, before a task may claim it. False if it has no endpoint.

        Kubernetes does not change the endpoints of a Service without a selector, so one read is enough.
        """
        if not slot.unselected or not endpoints.left(slot, self.endpoints([slot])):
            return False
        self.write(slot, until, lambda each: each.task is None and each.unselected, closed)
        return True

    def restore(self, slot: Slot, until: float) -> None:
        """Restore the selector of a claimed slot, unless it is correct or another task holds the slot now."""
        self.write(slot, until, lambda each: each.task == slot.task and not table.agrees(each), closed)

    def endpoints(self, slots: Collection[Slot]) -> endpoints.Endpoints:
        """Return the endpoints of the free slots that Kubernetes does not update; for one slot only its own."""
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
    """Return the patch that sets the selector of a slot to its claim or, if free, to match no pod."""
    return table.close(slot, datetime.now(UTC))


def released(slot: Slot) -> Manifest:
    """Return the patch that frees a slot."""
    return table.release(slot, datetime.now(UTC))
