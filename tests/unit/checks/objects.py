"""The objects for the tests of single checks, and their common types."""

from collections.abc import Callable
from typing import Any

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.model import Manifest

Make = Callable[..., GatewaySnapshot]
ENVOY, CONTOUR = "gateway.envoyproxy.io/gatewayclass-controller", "projectcontour.io/gateway-controller"


def make_condition(type: str, status: str, generation: int = 1) -> Manifest:
    return {"type": type, "status": status, "reason": "Because", "message": "so", "observedGeneration": generation}


def workload(**status: Any) -> Manifest:
    return {"kind": "Deployment", "metadata": {"name": "envoy", "namespace": "n"}, "status": status}
