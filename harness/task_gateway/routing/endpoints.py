"""Finds endpoints of a slot without a claim: Kubernetes keeps the endpoints of a Service that loses its selector."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from task_gateway.model import Manifest
from task_gateway.routing.table import Slot

SERVICE_OF = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
KUBERNETES = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
"""The controllers of Kubernetes that remove endpoints when the Service selects no pod."""


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of a Service: its EndpointSlice, its pod if it has one, and its address.

    If `managed`, a controller of Kubernetes created the slice and removes it when the selector changes.
    """

    slice: str
    pod: str
    address: str
    managed: bool

    def __str__(self) -> str:
        return f"Pod {self.pod} ({self.address})" if self.pod else self.address


Endpoints = Mapping[str, Sequence[Endpoint]]


def by_service(slices: Iterable[Manifest]) -> Endpoints:
    """Return the endpoints of EndpointSlices by the name of their Service; all are of one namespace."""
    found: dict[str, list[Endpoint]] = {}
    for each in slices:
        labels = each["metadata"].get("labels") or {}
        managed = labels.get(MANAGED_BY) in KUBERNETES
        for endpoint in each.get("endpoints") or []:
            target = endpoint.get("targetRef") or {}
            pod = target.get("name", "") if target.get("kind") == "Pod" else ""
            address = ", ".join(endpoint.get("addresses") or [])
            found.setdefault(labels.get(SERVICE_OF, ""), []).append(
                Endpoint(each["metadata"]["name"], pod, address, managed)
            )
    return found


def left(slot: Slot, endpoints: Endpoints) -> Sequence[Endpoint]:
    """Return the endpoints that a free slot should not have; empty for a claimed one.

    After a release or a claim wrote the selector, Kubernetes removes the endpoints that it manages.
    """
    if slot.task is not None:
        return ()
    return [each for each in endpoints.get(slot.service, ()) if slot.unselected or not each.managed]


def words(endpoints: Iterable[Endpoint]) -> str:
    """Return endpoints as words, each once."""
    return ", ".join(dict.fromkeys(map(str, endpoints)))
