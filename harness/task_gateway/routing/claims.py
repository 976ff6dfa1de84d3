"""What a Service says that was made for one port of one task: the claim of the strategies that make objects.

Anyone who may write Services may write one of these, so that reading one never fails.
"""

from dataclasses import dataclass
from datetime import datetime

from task_gateway.model import TASK_LABEL, Address, Exposure, Manifest, Task, TaskObject
from task_gateway.routing import names


@dataclass(frozen=True)
class Claim:
    """One port of one task. `released` says that its release has begun: the Service reaches nothing any more.

    `target_port` is a number, or the name of a port of the pod where somebody else wrote one.
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
    """Read a Service as a claim; None if it is none, for it has no port or no task."""
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
    """Return a claim as a user sees it."""
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
    """Return an object that Kubernetes removes with the task's own, if that is known."""
    if owner is None:
        return obj
    version, _, kind = owner.kind.rpartition("/")
    reference = {"apiVersion": version, "kind": kind, "name": owner.name, "uid": owner.uid}
    return obj | {"metadata": obj["metadata"] | {"ownerReferences": [reference]}}
