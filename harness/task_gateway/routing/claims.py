"""Reads the claim in a Service that was created for one port of a task, by a strategy that creates objects.

Any user with permission to write Services can write such a claim, so parsing one never fails.
"""

from dataclasses import dataclass
from datetime import datetime

from task_gateway.model import TASK_LABEL, Address, Exposure, Manifest, Task, TaskObject
from task_gateway.routing import names


@dataclass(frozen=True)
class Claim:
    """One port of one task. If `released`, its release has begun, and the Service no longer selects pods.

    `target_port` is a number, or the name of a container port if another client wrote one.
    """

    port: int
    target_port: int | str
    service: str
    uid: str
    version: str
    task: str
    owner: str
    object: str
    made: datetime
    released: bool


def parse(service: Manifest) -> Claim | None:
    """Read a Service as a claim; None if it has no port or no task."""
    meta, spec = service["metadata"], service["spec"]
    notes, task = meta.get("annotations") or {}, (meta.get("labels") or {}).get(TASK_LABEL)
    if not task or not spec.get("ports"):
        return None
    port = spec["ports"][0]
    return Claim(
        port=int(port["port"]),
        target_port=port.get("targetPort") or port["port"],
        service=meta["name"],
        uid=meta["uid"],
        version=meta["resourceVersion"],
        task=task,
        owner=notes.get(names.OWNER, ""),
        object=notes.get(names.OBJECT, ""),
        made=datetime.fromisoformat(meta["creationTimestamp"]),
        released=(spec.get("selector") or {}).get(TASK_LABEL) != task,
    )


def exposure(claim: Claim, namespace: str, strategy: str, ip: str) -> Exposure:
    """Return a claim in the form that users see."""
    return Exposure(
        task_id=claim.task,
        namespace=namespace,
        owner=claim.owner,
        kind=names.object_kind(claim.object),
        port=claim.port,
        target_port=claim.target_port,
        strategy=strategy,
        address=Address(ip, claim.port),
        since=claim.made,
        object_name=names.object_name(claim.object),
        service=claim.service,
    )


def task(claim: Claim, namespace: str) -> Task:
    """Return the task of a claim, with that one port if it is a number."""
    ports = (claim.target_port,) if isinstance(claim.target_port, int) else ()
    return Task(claim.task, namespace, ports, claim.owner, names.noted_object(claim.object))


def owned_by(obj: Manifest, owner: TaskObject | None) -> Manifest:
    """Return an object with an owner reference to the task's object, if that is known: both are deleted together."""
    if owner is None:
        return obj
    version, _, kind = owner.kind.rpartition("/")
    reference = {"apiVersion": version, "kind": kind, "name": owner.name, "uid": owner.uid}
    return obj | {"metadata": obj["metadata"] | {"ownerReferences": [reference]}}
