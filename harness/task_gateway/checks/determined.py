"""Checks of a Gateway that a Determined master writes, whose client knows Gateway API 1.0 and retries briefly.

For each task the master reads the whole Gateway, adds a listener and an annotation, and writes the whole object. This
removes all fields that its client does not know. After a conflict it retries five times, 10 ms apart. Then the task
fails.
"""

import json

from task_gateway.checks.base import DETERMINED, Finding, check, some
from task_gateway.checks.crds import DROP, RAISE
from task_gateway.crds import edit
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.cel import has_quadratic_rules
from task_gateway.limits.crd import others
from task_gateway.model import Manifest
from task_gateway.routing.determined_left import left
from task_gateway.routing.gateway_api import ROUTES, allowed_from
from task_gateway.routing.gateway_listeners import DETERMINED as OWN
from task_gateway.routing.gateway_listeners import DETERMINED_NOTE, TASK

ROUTE = ROUTES[-1]
"""The version of TCPRoute that its client knows."""

SLOW_LISTENERS = 150
"""From about this number on, the rules that compare each pair of listeners make a write slower than a pod's start."""

KNOWN: Manifest = {
    "gatewayClassName": None,
    "addresses": {"type": None, "value": None},
    "infrastructure": {"labels": None, "annotations": None},
    "listeners": {
        "name": None,
        "hostname": None,
        "port": None,
        "protocol": None,
        "tls": {"mode": None, "certificateRefs": None, "options": None},
        "allowedRoutes": None,
    },
}
"""The fields of a Gateway's spec in Gateway API 1.0; a list has the fields of its items, None means all fields."""

PARAMETERS, SETS = "infrastructure.parametersRef", "allowedListeners"
EDIT = "kubectl edit gateway {gateway} --namespace {namespace}"


@check(
    "ITG0209", "TCPRoute v1alpha2 is served", "helm upgrade --install gateway-api-crds "
    "dist/gateway-api-crds-*.tgz --set channel=experimental", ("ITG0203",), profile=DETERMINED,
)  # fmt: skip
def alpha_routes(snapshot: GatewaySnapshot) -> Finding | None:
    """A Determined master uses TCPRoute v1alpha2 and exits at startup if it is not served. Since Gateway API 1.6 only
    the experimental channel serves it."""
    return None if snapshot.kube.served(ROUTE) else Finding(f"not served: {ROUTE}")


@check(
    "ITG0210",
    "the CEL rules of the CRD are fast enough for all tasks",
    f"{RAISE} {DROP}",
    ("ITG0205",),
    profile=DETERMINED,
)
def cheap_rules(snapshot: GatewaySnapshot) -> Finding | None:
    """Two rules of the CRD compare each pair of listeners. From about 150 listeners on, a write takes so long that
    other writes conflict with it. A Determined master gives up after five retries and the task fails. A port whose
    release fails stays in use until the master restarts."""
    if snapshot.crds.gateways is None or not has_quadratic_rules(snapshot):
        return None
    allowed, there = edit.allowed(snapshot.crds.gateways), len(snapshot.objects.spec.get("listeners") or [])
    wanted = others(snapshot) + len(snapshot.ports)
    most = wanted if allowed is None else min(allowed, wanted)
    if max(most, there) < SLOW_LISTENERS:
        return None
    message = f"the Gateway has {there} listeners and may have {most}, and the rules compare each pair of them"
    fix = f"{RAISE} {DROP}".replace("N", str(allowed or most))
    return Finding(message, warning=there < SLOW_LISTENERS, fix=fix)


@check("ITG0411", "the Gateway has a permanent listener", EDIT, ("ITG0401",), profile=DETERMINED)
def placeholder(snapshot: GatewaySnapshot) -> Finding | None:
    """The API server rejects a Gateway without listeners. If all listeners belong to tasks, the release of the last
    task fails. Its listener and port stay in use until the master restarts, where the release fails again."""
    notes = ((snapshot.objects.gateway or {}).get("metadata") or {}).get("annotations") or {}
    for each in snapshot.objects.spec.get("listeners") or []:
        if not each["name"].startswith((OWN, TASK)) and f"{DETERMINED_NOTE}{each['port']}" not in notes:
            return None
    return Finding("every listener of the Gateway belongs to a task")


@check(
    "ITG0412", "the GatewayClass, not the Gateway, refers to the parameters of the proxy",
    "kubectl patch gatewayclass {gateway_class} --type merge --patch PARAMETERS", ("ITG0401",), profile=DETERMINED,
)  # fmt: skip
def parameters(snapshot: GatewaySnapshot) -> Finding | None:
    """The first write of a Determined master removes infrastructure.parametersRef from the Gateway. It usually refers
    to an EnvoyProxy: the proxy then gets another Service and other settings. The master does not write the
    GatewayClass. In the fix, PARAMETERS stands for a patch that sets spec.parametersRef."""
    found = (snapshot.objects.spec.get("infrastructure") or {}).get("parametersRef")
    if not found:
        return None
    patch = json.dumps({"spec": {"parametersRef": found | {"namespace": snapshot.gateway.gateway_namespace}}})
    removal = json.dumps([{"op": "remove", "path": "/spec/infrastructure/parametersRef"}])
    name, namespace = snapshot.gateway.gateway_name, snapshot.gateway.gateway_namespace
    return Finding(
        f"{PARAMETERS} is {found.get('kind')} {found.get('name')}",
        fix=f"kubectl patch gatewayclass {snapshot.objects.spec['gatewayClassName']} --type merge --patch '{patch}' && "
        f"kubectl patch gateway {name} --namespace {namespace} --type json --patch '{removal}'",
    )


@check(
    "ITG0413", "no ListenerSet is attached to the Gateway",
    "{upgrade} --values dist/internal-task-gateway-determined.yaml", ("ITG0401",), profile=DETERMINED,
)  # fmt: skip
def listener_sets(snapshot: GatewaySnapshot) -> Finding | None:
    """The first write of a Determined master removes allowedListeners. ListenerSets are then no longer allowed, and all
    their ports close. Use a separate Gateway for slots."""
    attached = [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in snapshot.objects.listener_sets
    ]
    if allowed_from(snapshot.objects.spec) == "None" and not attached:
        return None
    more = f", and {len(attached) - 3} more" if len(attached) > 3 else ""
    there = f": {', '.join(attached[:3])}{more}" if attached else ", none is attached yet"
    return Finding(f"{SETS} allows ListenerSets from namespaces {allowed_from(snapshot.objects.spec)}{there}")


@check("ITG0414", "the Gateway has no other field that a client of 1.0 removes", EDIT, ("ITG0401",), profile=DETERMINED)
def unknown_fields(snapshot: GatewaySnapshot) -> Finding | None:
    """The first write of a Determined master removes every field that Gateway API added after 1.0. It does not report
    this."""
    found = [each for each in erased(snapshot.objects.spec) if each not in (PARAMETERS, SETS)]
    return Finding(f"removed by the first write: {', '.join(found)}") if found else None


@check(
    "ITG0415", "no deleted task of Determined still has a port",
    "task-gateway gc --gateway {namespace}/{gateway} --apply", ("ITG0401", "ITG0203"),
)  # fmt: skip
def left_behind(snapshot: GatewaySnapshot) -> Finding | None:
    """A listener has the annotation of a Determined master, but its allocation has no TCPRoute, Service, Job or pod.
    The last write of the master conflicted with a write of the controller, and the master gave up. The port stays in
    use until the master restarts. A task that is just ending shows the same state for some seconds. The command only
    frees a port if this state lasts longer than its grace period."""
    found = [f"port {port}: allocation {one}" for port, one in left(snapshot.kube, snapshot.objects.gateway).items()]
    return Finding(some(found), warning=True) if found else None


def erased(spec: Manifest) -> list[str]:
    """Return the paths of the fields of a Gateway's spec that a client of Gateway API 1.0 drops."""
    return sorted(set(_unknown(spec, KNOWN, "")))


def _unknown(found: object, known: Manifest, path: str) -> list[str]:
    if isinstance(found, list):
        return [each for item in found for each in _unknown(item, known, path)]
    if not isinstance(found, dict):
        return []
    paths = []
    for key, value in found.items():
        here = f"{path}.{key}" if path else key
        if key not in known:
            paths.append(here)
        elif known[key] is not None:
            paths += _unknown(value, known[key], here)
    return paths
