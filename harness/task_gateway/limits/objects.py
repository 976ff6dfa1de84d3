"""Limits of the size of one object: in etcd, of its annotations, of its ports."""

import json

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.base import LimitValue, Origin, Scope, limit
from task_gateway.limits.crd import room
from task_gateway.limits.ports import proxied
from task_gateway.model import Manifest
from task_gateway.routing.strategies.base import in_order

ETCD_REQUEST = 1_572_864
"""Bytes of one request to etcd by default (1.5 MiB); a write of a larger object is refused."""

LISTENER_BYTES = 1_500
"""Bytes of one listener in a Gateway, including its status and managedFields; about 1,000 fit."""

LISTENERS_TO_TRUST = 8
"""With at least so many listeners, the bytes of one are computed from the Gateway instead of the figure above."""

ANNOTATIONS = 262_144
"""Bytes of all annotations of one object (256 KiB), from Kubernetes' validation."""

ANNOTATION_BYTES = 75
"""Bytes of the annotation that a Determined master writes to the Gateway for each port; about 3,500 fit."""

ENDPOINT_SLICE_PORTS = 20_000
"""Ports of one EndpointSlice, from Kubernetes' validation; the proxy's Service has a port for each listener."""


@limit("object-size", Scope.GATEWAY, "bytes of the Gateway in etcd")
def size(snapshot: GatewaySnapshot) -> LimitValue:
    """Divide the limit of etcd by the bytes of one listener, computed from the Gateway if it has enough of them."""
    gateway = snapshot.objects.gateway
    count = len((gateway or {}).get("spec", {}).get("listeners") or [])
    trusted = gateway is not None and count >= LISTENERS_TO_TRUST
    each = max(1, _bytes(gateway) // count) if trusted and gateway is not None else LISTENER_BYTES
    found = Origin.READ if trusted else Origin.DOCUMENTED
    return LimitValue(ETCD_REQUEST, room(snapshot, ETCD_REQUEST // each), found, _advice(), f"{each} a listener")


@limit(
    "annotations-size",
    Scope.GATEWAY,
    "bytes of the Gateway's annotations, in which a Determined master records each port",
)
def annotations(snapshot: GatewaySnapshot) -> LimitValue:
    """Divide the limit by the bytes of one port's annotation."""
    return LimitValue(ANNOTATIONS, room(snapshot, ANNOTATIONS // ANNOTATION_BYTES), Origin.DOCUMENTED, _advice())


@limit("endpoint-slice-ports", Scope.CLUSTER, "ports of one EndpointSlice, hence of the proxy's Service")
def endpoint_slice_ports(snapshot: GatewaySnapshot) -> LimitValue:
    """Count a port for each listener, including the placeholder listener."""
    tasks = proxied(snapshot, ENDPOINT_SLICE_PORTS)
    return LimitValue(ENDPOINT_SLICE_PORTS, tasks, Origin.DOCUMENTED, "none: install a second gateway")


def _advice() -> str:
    others = " or ".join(each.name for each in in_order() if not each.on_gateway)
    return f"use strategy {others}, which adds no listener to the Gateway"


def _bytes(obj: Manifest) -> int:
    return len(json.dumps(obj, separators=(",", ":")))
