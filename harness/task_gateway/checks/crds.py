"""The CRDs of Gateway API: there, served in the versions that are needed, and of one mind about their limits."""

from task_gateway.checks.base import Trouble, check, minor
from task_gateway.crds import ports_policy, raised, schema
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.wait import condition
from task_gateway.limits.cel import has_quadratic_rules
from task_gateway.model import Manifest
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET

FIRST_WITH_POLICY = (1, 5)
PATHS = (schema.SPEC_LISTENERS, schema.STATUS_LISTENERS)

RAISE, DROP = "task-gateway crds raise --max-listeners N", "--drop-quadratic-rules"
INSTALL = "helm install gateway-api-crds dist/gateway-api-crds-*.tgz"


@check("ITG0201", "Gateway and GatewayClass are served", INSTALL, ("ITG0101",))
def served(snapshot: GatewaySnapshot) -> Trouble | None:
    """The CRDs of Gateway API are not installed, or only in versions before v1."""
    missing = [kind for kind in (GATEWAY, GATEWAY_CLASS) if not snapshot.kube.served(kind)]
    return Trouble(f"not served: {', '.join(missing)}") if missing else None


@check(
    "ITG0202", "the Gateway CRD is established", "kubectl describe crd gateways.gateway.networking.k8s.io", ("ITG0201",)
)
def established(snapshot: GatewaySnapshot) -> Trouble | None:
    """The CRD is there but its names clash, or it violates what Kubernetes asks of a schema."""
    said = condition("Established")(snapshot.crds.gateways)
    return Trouble(str(said)) if said else None


@check("ITG0203", "a version of TCPRoute is served", INSTALL, ("ITG0201",))
def tcp_routes(snapshot: GatewaySnapshot) -> Trouble | None:
    """TCPRoute is in the standard channel from Gateway API 1.6 on, before that in the experimental one alone."""
    return None if snapshot.crds.route_kind else Trouble("neither v1 nor v1alpha2 of TCPRoute is served")


@check("ITG0204", "ListenerSets are served", INSTALL, ("ITG0201",))
def listener_sets(snapshot: GatewaySnapshot) -> Trouble | None:
    """Slots need ListenerSets, which Gateway API has from 1.5 on."""
    if snapshot.traits.on_gateway or snapshot.kube.served(LISTENER_SET):
        return None
    return Trouble(f"not served: {LISTENER_SET}")


@check(
    "ITG0205", "spec and status of the Gateway CRD allow the same listeners", RAISE, ("ITG0201",)
)  # fmt: skip
def agree(snapshot: GatewaySnapshot) -> Trouble | None:
    """maxItems was raised in spec.listeners alone, or in one version alone. A Gateway with more listeners than its
    status can hold is accepted, and then no controller can write its status: it never turns Programmed."""
    crd = snapshot.crds.gateways
    if crd is None:
        return None
    found = {
        f"{version} {path}": schema.max_items(crd, version, path) for version in schema.served(crd) for path in PATHS
    }
    if len(set(found.values())) <= 1:
        return None
    said = ", ".join(f"{place} {number}" for place, number in found.items())
    return Trouble(f"maxItems differ: {said}", fix=RAISE.replace("N", str(_most(snapshot))))


@check(
    "ITG0206", "the CRDs are of a release that the controller knows", "task-gateway crds status", ("ITG0201", "ITG0301")
)
def bundle(snapshot: GatewaySnapshot) -> Trouble | None:
    """Envoy Gateway 1.9 needs the CRDs of Gateway API 1.6 or later: with older ones it skips TCPRoutes without a
    word."""
    oldest = snapshot.objects.controller.gateway_api
    if snapshot.crds.gateways is None or oldest == (0, 0) or _release(snapshot.crds.gateways) >= oldest:
        return None
    version, _ = schema.bundle(snapshot.crds.gateways)
    needed = f"{snapshot.objects.controller.title} needs v{oldest[0]}.{oldest[1]}.0 or later"
    return Trouble(f"the CRDs are of release {version or 'unknown'}, {needed}")


@check(
    "ITG0207", "two listeners of one port are refused", f"{RAISE} {DROP}", ("ITG0201",)
)  # fmt: skip
def unique_ports(snapshot: GatewaySnapshot) -> Trouble | None:
    """The CRD's rule on ports was left out to allow more listeners, and the admission policy in its place is
    missing."""
    if has_quadratic_rules(snapshot) or ports_policy.present(snapshot.kube):
        return None
    message = "the CRD has no rule on ports, and there is no admission policy instead"
    return Trouble(message, warning=True, fix=f"{RAISE} {DROP}".replace("N", str(_most(snapshot))))


@check("ITG0208", "an admission policy guards the CRDs against other releases", "{upgrade}", ("ITG0201",))
def guarded(snapshot: GatewaySnapshot) -> Trouble | None:
    """The releases of Gateway API bring the admission policy safe-upgrades from 1.5 on. Without it an older release,
    or the other channel, can be written over the CRDs, and what is stored in newer fields is lost."""
    if snapshot.crds.gateways is None or _release(snapshot.crds.gateways) < FIRST_WITH_POLICY:
        return None
    if ports_policy.exists(snapshot.kube, ports_policy.POLICY, raised.SAFE_UPGRADES):
        return None
    return Trouble(f"there is no policy {raised.SAFE_UPGRADES}", warning=True)


def _release(crd: Manifest) -> tuple[int, ...]:
    """Return the minor release of the CRD's bundle, as in (1, 6); empty if it does not say."""
    return minor(schema.bundle(crd)[0])


def _most(snapshot: GatewaySnapshot) -> int:
    """Return the largest maxItems of listeners in the Gateway CRD, upstream's 64 if there is none."""
    crd = snapshot.crds.gateways or {"spec": {"versions": []}}
    places = [(version, path) for version in schema.served(crd) for path in PATHS]
    return max((schema.max_items(crd, *place) or 0 for place in places), default=0) or schema.UPSTREAM_LISTENERS
