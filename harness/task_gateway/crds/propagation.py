"""Checks whether an API server enforces a changed CRD or policy yet. Only a dry run shows it."""

from task_gateway.errors import ApiError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.polling import attempts
from task_gateway.reasons import Refusal
from task_gateway.settings import Wait

PROPAGATED = Wait("crd-heeded", "the API server applies the changed CRD or policy", 30)
GATEWAY = "gateway.networking.k8s.io/v1/Gateway"
NAMESPACE, NAME = "default", "measured"
PAUSE_SECONDS = 0.1


def example_gateway(count: int, *, apart: bool = True) -> Manifest:
    """Return a Gateway with `count` TCP listeners: with different ports if `apart`, else all with the same."""
    return {
        "apiVersion": GATEWAY.rpartition("/")[0],
        "kind": "Gateway",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "gatewayClassName": "none",
            "listeners": [
                {"name": f"p-{each}", "port": 20000 + each * apart, "protocol": "TCP"} for each in range(count)
            ],
        },
    }


def accepts(kube: Kube, listeners: int) -> bool:
    """Wait until a Gateway may have that many listeners; return False if it may not when the wait ends.

    A refusal for another reason, such as missing permissions, counts as True, because waiting would not help.
    """
    return any(not is_refused_as_too_many(kube, listeners) for _ in attempts(PROPAGATED, PAUSE_SECONDS))


def is_refused_as_too_many(kube: Kube, listeners: int) -> bool:
    """Return whether the API server refuses a Gateway for having that many listeners, by a dry run."""
    problem = refusal_of(kube, example_gateway(listeners))
    return problem is not None and Refusal.TOO_MANY_ITEMS in problem.reasons


def refusal_of(kube: Kube, obj: Manifest) -> ApiError | None:
    """Return the API server's refusal to create an object, None if it accepts it, by a dry run."""
    try:
        kube.create(obj, dry_run=True)
    except ApiError as problem:
        return problem
    return None
