"""Checks of the Gateway API CRDs: are they installed in the required versions, and are their limits consistent?"""

from task_gateway.checks.base import Finding, check, minor
from task_gateway.crds import limit_status, ports_policy, schema
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.wait import condition
from task_gateway.limits.cel import has_quadratic_rules
from task_gateway.model import Manifest
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET

FIRST_WITH_POLICY = (1, 5)
PATHS = (schema.SPEC_LISTENERS, schema.STATUS_LISTENERS)

RAISE, DROP = "task-gateway crds raise --max-listeners N", "--drop-quadratic-rules"
INSTALL = "helm install gateway-api-crds dist/gateway-api-crds-*.tgz"
UPGRADE_CRDS = "helm upgrade --install gateway-api-crds dist/gateway-api-crds-*.tgz"


@check("ITG0201", "Gateway and GatewayClass are served", INSTALL, ("ITG0101",))
def served(snapshot: GatewaySnapshot) -> Finding | None:
    """The Gateway API CRDs are not installed, or only in versions before v1."""
    missing = [kind for kind in (GATEWAY, GATEWAY_CLASS) if not snapshot.kube.served(kind)]
    return Finding(f"not served: {', '.join(missing)}") if missing else None


@check(
    "ITG0202", "the Gateway CRD is established", "kubectl describe crd gateways.gateway.networking.k8s.io", ("ITG0201",)
)
def established(snapshot: GatewaySnapshot) -> Finding | None:
    """The CRD exists but its names conflict with another CRD, or its schema is invalid."""
    said = condition("Established")(snapshot.crds.gateways)
    return Finding(str(said)) if said else None


@check("ITG0203", "a version of TCPRoute is served", INSTALL, ("ITG0201",))
def tcp_routes(snapshot: GatewaySnapshot) -> Finding | None:
    """The standard channel contains TCPRoute since Gateway API 1.6. Older releases only have it in the experimental
    channel."""
    return None if snapshot.crds.route_kind else Finding("neither v1 nor v1alpha2 of TCPRoute is served")


@check("ITG0204", "ListenerSets are served", INSTALL, ("ITG0201",))
def listener_sets(snapshot: GatewaySnapshot) -> Finding | None:
    """Slots require ListenerSets, which Gateway API has since 1.5."""
    if snapshot.traits.on_gateway or snapshot.kube.served(LISTENER_SET):
        return None
    return Finding(f"not served: {LISTENER_SET}")


@check(
    "ITG0205", "spec and status of the Gateway CRD allow the same listeners", RAISE, ("ITG0201",)
)  # fmt: skip
def agree(snapshot: GatewaySnapshot) -> Finding | None:
    """maxItems was only raised in spec.listeners, or only in one version. The API server then accepts a Gateway with
    more listeners than its status can hold. The controller cannot write that status, and the Gateway never becomes
    Programmed."""
    crd = snapshot.crds.gateways
    if crd is None:
        return None
    found = {
        f"{version} {path}": schema.max_items(crd, version, path) for version in schema.served(crd) for path in PATHS
    }
    if len(set(found.values())) <= 1:
        return None
    said = ", ".join(f"{place} {number}" for place, number in found.items())
    return Finding(f"maxItems differs: {said}", fix=RAISE.replace("N", str(_most(snapshot))))


@check("ITG0206", "the controller supports the release of the CRDs", "task-gateway crds status", ("ITG0201", "ITG0301"))
def bundle(snapshot: GatewaySnapshot) -> Finding | None:
    """Envoy Gateway 1.9 requires the CRDs of Gateway API 1.6 or later. With older CRDs it ignores TCPRoutes and does
    not report this."""
    oldest = snapshot.objects.controller.gateway_api
    if snapshot.crds.gateways is None or oldest == (0, 0) or _release(snapshot.crds.gateways) >= oldest:
        return None
    version, _ = schema.bundle(snapshot.crds.gateways)
    needed = f"{snapshot.objects.controller.title} requires v{oldest[0]}.{oldest[1]}.0 or later"
    return Finding(f"the release of the CRDs is {version or 'unknown'}, {needed}")


@check(
    "ITG0207", "two listeners with the same port are rejected", f"{RAISE} {DROP}", ("ITG0201",)
)  # fmt: skip
def unique_ports(snapshot: GatewaySnapshot) -> Finding | None:
    """The rule on ports was removed from the CRD to allow more listeners, and the admission policy that replaces it is
    missing."""
    if has_quadratic_rules(snapshot) or ports_policy.present(snapshot.kube):
        return None
    message = "the CRD has no rule on ports, and no admission policy replaces it"
    return Finding(message, warning=True, fix=f"{RAISE} {DROP}".replace("N", str(_most(snapshot))))


@check("ITG0208", "an admission policy protects the CRDs from other releases", UPGRADE_CRDS, ("ITG0201",))
def guarded(snapshot: GatewaySnapshot) -> Finding | None:
    """Gateway API releases include the admission policy safe-upgrades since 1.5. Without it, an older release or the
    other channel can overwrite the CRDs, and the values of newer fields are lost."""
    if snapshot.crds.gateways is None or _release(snapshot.crds.gateways) < FIRST_WITH_POLICY:
        return None
    if ports_policy.exists(snapshot.kube, ports_policy.POLICY, limit_status.SAFE_UPGRADES):
        return None
    return Finding(f"policy {limit_status.SAFE_UPGRADES} does not exist", warning=True)


def _release(crd: Manifest) -> tuple[int, ...]:
    """Return the minor release of the CRD's bundle, as in (1, 6); empty if it is unknown."""
    return minor(schema.bundle(crd)[0])


def _most(snapshot: GatewaySnapshot) -> int:
    """Return the largest maxItems of listeners in the Gateway CRD, upstream's 64 if there is none."""
    crd = snapshot.crds.gateways or {"spec": {"versions": []}}
    places = [(version, path) for version in schema.served(crd) for path in PATHS]
    return max((schema.max_items(crd, *place) or 0 for place in places), default=0) or schema.UPSTREAM_LISTENERS
