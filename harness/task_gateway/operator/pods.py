"""Reads pods for the operator: only the fields that it needs, because it keeps thousands of pods in memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern

from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import TASK_LABEL, Manifest, TaskObject
from task_gateway.routing import names
from task_gateway.routing.live import end_of

TCP = "TCP"


@dataclass(frozen=True, slots=True)
class PublishedCondition:
    """The condition that the operator last wrote to a pod; `since` is RFC 3339, empty without a condition."""

    status: str = ""
    reason: str = ""
    message: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod with the label, as it was read. Its claims name `object`: its Job if it has one, else the pod.

    `named` are the TCP ports of its containers that have a name. `published` are the addresses that are written on it,
    by port in the form of its label. `task` is the value of its task label. `label` is None if the pod lost the label.
    A pod that is being deleted (`deleted`) counts as ended.
    """

    namespace: str
    name: str
    uid: str
    version: str
    label: str | None
    created: str
    object: TaskObject
    gateway_ports: str = ""
    owner: str = ""
    address: str = ""
    ended: bool = False
    deleted: bool = False
    task: str = ""
    named: tuple[tuple[str, int], ...] = ()
    published: tuple[tuple[str, str], ...] = ()
    condition: PublishedCondition = PublishedCondition()

    @property
    def ports(self) -> dict[str, int]:
        """The gateway's ports that are written on the pod, by port in the form of its label."""
        found = {}
        for written, address in self.published:
            port = address.rpartition(":")[2]
            if port.isdecimal():
                found[written] = int(port)
        return found

    @property
    def marked(self) -> bool:
        """Whether the pod has any field that the operator wrote."""
        return bool(self.published or self.condition.status or self.task == self.uid)


def parse(pod: Manifest) -> Pod:
    """Read a pod. Invalid labels and annotations from users never raise an error."""
    meta, status, spec = pod["metadata"], pod.get("status") or {}, pod.get("spec") or {}
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    label = labels.get(names.EXPOSE)
    return Pod(
        namespace=intern(meta["namespace"]),
        name=meta["name"],
        uid=meta["uid"],
        version=meta["resourceVersion"],
        label=label,
        created=meta.get("creationTimestamp") or "",
        object=_object(meta),
        gateway_ports=notes.get(names.PORT_WISH, ""),
        owner=notes.get(names.OWNER, ""),
        address=status.get("podIP") or "",
        ended=end_of(pod) is not None,
        deleted=bool(meta.get("deletionTimestamp")),
        task=labels.get(TASK_LABEL, ""),
        named=_named(spec),
        published=addresses(label or "", notes),
        condition=_condition(status),
    )


def _object(meta: Manifest) -> TaskObject:
    for each in meta.get("ownerReferences") or []:
        if each.get("controller") and f"{each.get('apiVersion')}/{each.get('kind')}" == JOB:
            return TaskObject(JOB, each["name"], each["uid"])
    return TaskObject(POD, meta["name"], meta["uid"])


def _named(spec: Manifest) -> tuple[tuple[str, int], ...]:
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    ports = (port for each in containers for port in each.get("ports") or [])
    return tuple(
        (port["name"], port["containerPort"]) for port in ports if port.get("name") and port.get("protocol", TCP) == TCP
    )


def addresses(label: str, notes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the addresses in the annotations of a pod, the first one only if both annotations agree on it.

    A value that is not a JSON object of strings was written by another client, and has no addresses.
    """
    written, first = label.partition(".")[0], notes.get(names.ADDRESS)
    if names.ADDRESSES in notes:
        try:
            found = json.loads(notes[names.ADDRESSES])
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and all(isinstance(each, str) for each in found.values()):
            return tuple((port, address) for port, address in found.items() if port != written or address == first)
    return () if first is None else ((written, first),)


def _condition(status: Manifest) -> PublishedCondition:
    for each in status.get("conditions") or []:
        if each.get("type") == names.EXPOSED:
            fields = ("status", "reason", "message", "lastTransitionTime")
            return PublishedCondition(*(each.get(field) or "" for field in fields))
    return PublishedCondition()
