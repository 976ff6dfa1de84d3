"""What breaks a Gateway that a Determined master writes: its client is of Gateway API 1.0, and gives up soon.

For each task the master reads the whole Gateway, adds a listener and an annotation, and writes the whole of it: what
its client does not know is gone then. At a conflict it tries five times, 10 ms apart, and then the task dies.
"""

import json

from task_gateway.checks.base import DETERMINED, Trouble, check, some
from task_gateway.checks.crds import DROP, RAISE
from task_gateway.crds import edit
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.limits.cel import has_quadratic_rules
from task_gateway.limits.crd import others
from task_gateway.model import Manifest
from task_gateway.routing.determined_left import left
from task_gateway.routing.gateway_api import ROUTES, allowed_from
from task_gateway.routing.listening import DETERMINED as OWN
from task_gateway.routing.listening import DETERMINED_NOTE, TASK

ROUTE = ROUTES[-1]
"""The version of TCPRoute that its client knows."""

SLOW_LISTENERS = 150
"""From about here on a write takes longer than a task's pod to start, with the rules that look at each pair."""

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
"""The fields of a Gateway's spec in Gateway API 1.0, lists as what their items hold; None: all that is inside."""

PARAMETERS, SETS = "infrastructure.parametersRef", "allowedListeners"
EDIT = "kubectl edit gateway {gateway} --namespace {namespace}"


@check(
    "ITG0209", "TCPRoute is served as v1alpha2", "helm upgrade --install gateway-api-crds "
    "dist/gateway-api-crds-*.tgz --set channel=experimental", ("ITG0203",), profile=DETERMINED,
)  # fmt: skip
def alpha_routes(snapshot: GatewaySnapshot) -> Trouble | None:
    """A Determined master knows TCPRoute as v1alpha2 and ends at its start where that is not served. From Gateway API
    1.6 on only the experimental channel serves it."""
    return None if snapshot.kube.served(ROUTE) else Trouble(f"not served: {ROUTE}")


@check(
    "ITG0210", "the CRD's rules stay cheap however many tasks come", f"{RAISE} {DROP}", ("ITG0205",), profile=DETERMINED
)
def cheap_rules(snapshot: GatewaySnapshot) -> Trouble | None:
    """Two rules of the CRD look at each pair of listeners. From about 150 listeners on a write takes so long that
    others write first: a Determined master gives up after five tries, the task dies, and a port whose release fails
    stays taken until the master starts again."""
    if snapshot.crds.gateways is None or not has_quadratic_rules(snapshot):
        return None
    allowed, there = edit.allowed(snapshot.crds.gateways), len(snapshot.objects.spec.get("listeners") or [])
    wanted = others(snapshot) + len(snapshot.ports)
    most = wanted if allowed is None else min(allowed, wanted)
    if max(most, there) < SLOW_LISTENERS:
        return None
    message = f"the Gateway has {there} listeners and may have {most}, each pair of which the rules look at"
    fix = f"{RAISE} {DROP}".replace("N", str(allowed or most))
    return Trouble(message, warning=there < SLOW_LISTENERS, fix=fix)


@check("ITG0411", "the Gateway has a listener that never goes", EDIT, ("ITG0401",), profile=DETERMINED)
def placeholder(snapshot: GatewaySnapshot) -> Trouble | None:
    """A Gateway without a listener is refused. Without one that is no task's the release of the last task fails: its
    listener stays, and its port is taken until the master starts again, where the release fails anew."""
    notes = ((snapshot.objects.gateway or {}).get("metadata") or {}).get("annotations") or {}
    for each in snapshot.objects.spec.get("listeners") or []:
        if not each["name"].startswith((OWN, TASK)) and f"{DETERMINED_NOTE}{each['port']}" not in notes:
            return None
    return Trouble("every listener of the Gateway is a task's")


@check(
    "ITG0412", "the GatewayClass, not the Gateway, refers to what configures the proxy",
    "kubectl patch gatewayclass {gateway_class} --type merge --patch PARAMETERS", ("ITG0401",), profile=DETERMINED,
)  # fmt: skip
def parameters(snapshot: GatewaySnapshot) -> Trouble | None:
    """infrastructure.parametersRef of the Gateway, an EnvoyProxy mostly, is erased by the first write of a Determined
    master: the proxy gets another Service and other settings then. The GatewayClass is not written by it."""
    found = (snapshot.objects.spec.get("infrastructure") or {}).get("parametersRef")
    if not found:
        return None
    patch = json.dumps({"spec": {"parametersRef": found | {"namespace": snapshot.gateway.gateway_namespace}}})
    removal = json.dumps([{"op": "remove", "path": "/spec/infrastructure/parametersRef"}])
    name, namespace = snapshot.gateway.gateway_name, snapshot.gateway.gateway_namespace
    return Trouble(
        f"{PARAMETERS} is {found.get('kind')} {found.get('name')}",
        fix=f"kubectl patch gatewayclass {snapshot.objects.spec['gatewayClassName']} --type merge --patch '{patch}' && "
        f"kubectl patch gateway {name} --namespace {namespace} --type json --patch '{removal}'",
    )


@check(
    "ITG0413", "no ListenerSet hangs on the Gateway",
    "{upgrade} --values dist/internal-task-gateway-determined.yaml", ("ITG0401",), profile=DETERMINED,
)  # fmt: skip
def listener_sets(snapshot: GatewaySnapshot) -> Trouble | None:
    """allowedListeners is erased by the first write of a Determined master: ListenerSets are let in no more, and all
    their ports close. Give slots a Gateway of their own beside the master's."""
    attached = [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in snapshot.objects.listener_sets
    ]
    if allowed_from(snapshot.objects.spec) == "None" and not attached:
        return None
    more = f", and {len(attached) - 3} more" if len(attached) > 3 else ""
    there = f": {', '.join(attached[:3])}{more}" if attached else ", none is there yet"
    return Trouble(f"{SETS} lets ListenerSets of {allowed_from(snapshot.objects.spec)} in{there}")


@check("ITG0414", "the Gateway has no other field that a client of 1.0 erases", EDIT, ("ITG0401",), profile=DETERMINED)
def unknown_fields(snapshot: GatewaySnapshot) -> Trouble | None:
    """A field that came to Gateway API after 1.0 is erased by the first write of a Determined master, which tells
    nobody."""
    found = [each for each in erased(snapshot.objects.spec) if each not in (PARAMETERS, SETS)]
    return Trouble(f"erased by the first write: {', '.join(found)}") if found else None


@check(
    "ITG0415", "no port is left to a task of Determined that is gone",
    "task-gateway gc --gateway {namespace}/{gateway} --apply", ("ITG0401", "ITG0203"),
)  # fmt: skip
def left_behind(snapshot: GatewaySnapshot) -> Trouble | None:
    """A listener has the annotation of a Determined master, and its allocation has no TCPRoute, Service, Job or pod.
    The master's last write of the Gateway met a write of the controller and was given up. The port stays taken until
    the master restarts. A task that ends right now looks the same for some seconds. The command that is shown frees a
    port only if it is still so after its grace period."""
    found = [f"port {port}: allocation {one}" for port, one in left(snapshot.kube, snapshot.objects.gateway).items()]
    return Trouble(some(found), warning=True) if found else None


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
