"""Limit of cloud load balancers: listeners per load balancer. No Kubernetes API reports it; known values are used."""

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.quantity import whole
from task_gateway.limits.base import LimitValue, Origin, Scope, limit
from task_gateway.limits.ports import proxied

AWS_SUFFIX = ".amazonaws.com"
AWS_LISTENERS = 50
"""Listeners per AWS Network Load Balancer: the default quota, which AWS raises on request."""

ANNOTATION = "task-gateway.dev/load-balancer-listeners"
"""Annotation of the Gateway: how many listeners its load balancer supports. Overrides the known value."""


@limit("load-balancer-listeners", Scope.CLOUD, "listeners that the load balancer of the cloud supports")
def listeners(snapshot: GatewaySnapshot) -> LimitValue:
    """Return the value of the Gateway's annotation, or else that of the cloud that the host name belongs to."""
    advice = f"raise the quota of the cloud, then annotate the Gateway with {ANNOTATION}"
    notes = ((snapshot.objects.gateway or {}).get("metadata") or {}).get("annotations") or {}
    if (value := whole(notes.get(ANNOTATION, ""))) is not None:
        return LimitValue(value, proxied(snapshot, value), Origin.READ, advice, "from the annotation")
    if any(name.endswith(AWS_SUFFIX) for name in _host_names(snapshot)):
        return LimitValue(AWS_LISTENERS, proxied(snapshot, AWS_LISTENERS), Origin.DOCUMENTED, advice, "AWS")
    return LimitValue(None, None, Origin.DOCUMENTED, f"if there is one, annotate the Gateway with {ANNOTATION}")


def _host_names(snapshot: GatewaySnapshot) -> list[str]:
    names = [snapshot.gateway.gateway_ip]
    for service in snapshot.proxy.services:
        ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        names += [each.get("hostname", "") for each in ingress]
    return names
