"""Builds the patch that the operator writes to a pod (addresses, condition and task label), and the Event about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.operator.pods import Pod, PublishedCondition
from task_gateway.operator.request import ExposeReason
from task_gateway.routing import names

EVENT_MESSAGE = 1024
"""The longest message of an Event that the API server accepts, in characters."""


@dataclass(frozen=True, slots=True)
class ExposeResult:
    """What a pod should show: its addresses, by port in the form of its label, and the reason.

    Without a reason, all fields of the operator are removed from the pod.
    """

    addresses: tuple[tuple[str, str], ...] = ()
    reason: ExposeReason | None = None
    message: str = ""

    @property
    def status(self) -> str:
        """The status of the condition."""
        return "True" if self.reason is ExposeReason.EXPOSED else "False"


def same(pod: Pod, result: ExposeResult) -> bool:
    """Return whether a pod already shows the result. A message about missing slots is ignored: its numbers change."""
    if pod.published != result.addresses or (pod.task == pod.uid) != bool(result.addresses):
        return False
    if result.reason is None:
        return pod.condition.status == ""
    if (pod.condition.status, pod.condition.reason) != (result.status, result.reason):
        return False
    return result.reason is ExposeReason.NO_FREE_SLOT or pod.condition.message == result.message


def is_news(said: PublishedCondition, result: ExposeResult) -> bool:
    """Return whether an Event should report the result: its reason, or the message for that reason, is new."""
    if result.reason is None:
        return False
    return said.reason != result.reason or (
        result.reason is not ExposeReason.NO_FREE_SLOT and said.message != result.message
    )


def patch(pod: Pod, result: ExposeResult, now: datetime) -> Manifest:
    """Return the strategic merge patch of a pod's status, if the pod has not changed."""
    found, (first, dot, _) = dict(result.addresses), (pod.label or "").partition(".")
    notes = {names.ADDRESS: found.get(first), names.ADDRESSES: json.dumps(found) if found and dot else None}
    meta: Manifest = {"uid": pod.uid, "resourceVersion": pod.version, "annotations": notes}
    if result.addresses:
        meta["labels"] = {TASK_LABEL: pod.uid}
    elif pod.task == pod.uid:
        meta["labels"] = {TASK_LABEL: None}
    return {"metadata": meta, "status": {"conditions": [_condition(pod.condition, result, now)]}}


def event(pod: Pod, reason: str, message: str, now: datetime, component: str) -> Manifest:
    """Return the Event of a pod; a Warning unless the pod is exposed."""
    at = seconds(now)
    name = f"{pod.name[:200]}.{time_of(now):x}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": pod.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": pod.uid,
            "resourceVersion": pod.version,
        },
        "reason": reason,
        "message": message[:EVENT_MESSAGE],
        "type": "Normal" if reason == ExposeReason.EXPOSED else "Warning",
        "source": {"component": component},
        "reportingComponent": component,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def time_of(now: datetime) -> int:
    """Return a time as microseconds since 1970, for use in a name."""
    return int(now.timestamp() * 1_000_000)


def seconds(now: datetime) -> str:
    """Return RFC 3339 in UTC with whole seconds, as the API server stores it in conditions and Events."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(said: PublishedCondition, result: ExposeResult, now: datetime) -> Mapping[str, str | None]:
    if result.reason is None:
        return {"type": names.EXPOSED, "$patch": "delete"}
    since = said.since if said.status == result.status and said.since else seconds(now)
    return {
        "type": names.EXPOSED,
        "status": result.status,
        "reason": result.reason.value,
        "message": result.message,
        "lastTransitionTime": since,
    }
