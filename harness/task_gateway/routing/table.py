"""The table of slots: reads a Service as a slot, picks the next free slot, builds the writes. Pure: no cluster.

A slot is free if its Service has no `claimed-by` annotation. Times come from the clocks of the clients that write.
They only order the reuse of ports: different clocks affect fairness, never safety.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from task_gateway.model import TASK_LABEL, Manifest, Task
from task_gateway.routing import names

EXTERNAL_NAME = "ExternalName"


@dataclass(frozen=True)
class Slot:
    """One slot as it was read. `task` is None if it is free, `released_at` empty if it was never used.

    `selects` is the task in its selector. `extra_selector_keys` are keys that neither a claim nor a release writes.
    If `unselected`, it has no selector or the type ExternalName, and Kubernetes does not update its endpoints. `pod` is
    the name of the pod that the operator claimed it for, whose uid is the task; empty for any other claim.
    """

    port: int
    service: str
    resource_version: str
    target_port: int | str | None = None
    task: str | None = None
    owner: str = ""
    object: str = ""
    claimed_at: str = ""
    released_at: str = ""
    extra_selector_keys: tuple[str, ...] = ()
    selects: str | None = None
    unselected: bool = False
    pod: str = ""

    @property
    def by_operator(self) -> bool:
        """Whether the operator claimed it."""
        return bool(self.pod)


def parse(service: Manifest) -> Slot | None:
    """Read a Service as a slot; None if the chart did not create it: no port equals its slot label."""
    meta, spec = service["metadata"], service["spec"]
    label = (meta.get("labels") or {}).get(names.SLOT_LABEL)
    port: dict[str, Any] | None = next((p for p in spec.get("ports") or [] if str(p["port"]) == label), None)
    if port is None:
        return None
    notes, selector = meta.get("annotations") or {}, spec.get("selector") or {}
    task = notes.get(names.CLAIMED_BY)
    return Slot(
        port=port["port"],
        service=meta["name"],
        resource_version=meta["resourceVersion"],
        target_port=port.get("targetPort"),
        task=task,
        owner=notes.get(names.OWNER, ""),
        object=notes.get(names.OBJECT, ""),
        claimed_at=notes.get(names.CLAIMED_AT, ""),
        released_at=notes.get(names.RELEASED_AT, ""),
        extra_selector_keys=tuple(key for key in selector if key != TASK_LABEL),
        selects=selector.get(TASK_LABEL),
        unselected=not selector or spec.get("type") == EXTERNAL_NAME,
        pod=_pod(notes.get(names.POD_NOTE, ""), task),
    )


def in_port_range(slots: Iterable[Slot], first: int, last: int) -> list[Slot]:
    """Return the slots with a port from `first` to `last`, both included."""
    return [slot for slot in slots if first <= slot.port <= last]


def pick(slots: Iterable[Slot]) -> list[Slot]:
    """Return the free slots in the order to try: those never used by port, then the least recently used first."""
    free = (slot for slot in slots if slot.task is None)
    return sorted(free, key=lambda slot: (slot.released_at, slot.port))


def resting(slot: Slot, now: datetime, seconds: float) -> bool:
    """Return whether a slot is free, but was released less than `seconds` ago."""
    released = parse_time(slot.released_at)
    return slot.task is None and released is not None and (now - released).total_seconds() < seconds


def claim(slot: Slot, task: Task, target_port: int, now: datetime, *, pod: str = "") -> Manifest:
    """Return the strategic merge patch that claims a slot for a port of a task, if the slot has not changed.

    `pod` marks a claim by the operator. It is the name of the pod whose uid is the id of the task.
    """
    notes = {
        names.CLAIMED_BY: names.check_task_id(task.id),
        names.OWNER: task.owner,
        names.OBJECT: names.object_note(task.object),
        names.CLAIMED_AT: format_time(now),
        names.RELEASED_AT: None,
        names.POD_NOTE: f"{pod}/{task.id}" if pod else None,
    }
    ports = [{"port": slot.port, "targetPort": target_port}]
    return _patch(slot, notes, {"selector": selecting(slot, task.id), "ports": ports})


def release(slot: Slot, now: datetime) -> Manifest:
    """Return the strategic merge patch that frees a slot, if the slot has not changed.

    The new selector matches no pod. A Service without a selector would keep its endpoints.
    """
    notes = {
        names.CLAIMED_BY: None,
        names.OWNER: None,
        names.OBJECT: None,
        names.CLAIMED_AT: None,
        names.RELEASED_AT: format_time(now),
        names.POD_NOTE: None,
    }
    return _patch(slot, notes, {"selector": selecting(slot, names.released(slot.port))})


def close(slot: Slot, now: datetime) -> Manifest:
    """Return the strategic merge patch that sets the selector of a slot to its claim or, if free, to match no pod.

    Kubernetes then removes every other endpoint, also those of a Service that had no selector before. The cooldown of a
    free slot starts again, as after a release.
    """
    spec: Manifest = {"type": "ClusterIP", "externalName": None, "selector": selecting(slot, wanted(slot))}
    return _patch(slot, {names.RELEASED_AT: format_time(now)} if slot.task is None else {}, spec)


def wanted(slot: Slot) -> str:
    """Return the task that the selector of a slot should name: the slot's, or an id that no task can have."""
    return names.released(slot.port) if slot.task is None else slot.task


def agrees(slot: Slot) -> bool:
    """Return whether the selector of a slot matches its claim. A free slot that was never used has none."""
    if slot.unselected:
        return slot.task is None
    return slot.selects == wanted(slot) and not slot.extra_selector_keys


def selecting(slot: Slot, task: str) -> dict[str, str | None]:
    """Return the change of a slot's selector after which it only has the task's label."""
    return {**dict.fromkeys(slot.extra_selector_keys), TASK_LABEL: task}


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds: text of fixed width, which sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime | None:
    """Parse the result of `format_time`; None for any other text."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _pod(note: str, task: str | None) -> str:
    """Return the pod that an annotation names; empty if the annotation is from an earlier claim by another task."""
    name, _, uid = note.partition("/")
    return name if uid and uid == task else ""


def _patch(slot: Slot, notes: Mapping[str, str | None], spec: Manifest) -> Manifest:
    meta = {"resourceVersion": slot.resource_version, "annotations": notes}
    return {"metadata": meta, "spec": spec}
