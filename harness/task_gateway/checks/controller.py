"""The controller: is there one for the Gateway's class, does it run, is its version known to work?"""

from task_gateway.checks.base import Trouble, check, minor, unavailable
from task_gateway.clusters.controllers import CONTOUR, ENVOY_GATEWAY
from task_gateway.kube.wait import condition
from task_gateway.limits.site import Site
from task_gateway.model import Manifest

SUPPORTED = {ENVOY_GATEWAY: (1, 9), CONTOUR: (1, 33)}
"""The minor versions that the project is tested with."""

DEPLOYMENTS = {ENVOY_GATEWAY: "control-plane=envoy-gateway", CONTOUR: "app=contour"}
"""How the controllers' own charts and manifests label their Deployments."""

DEPLOYMENT = "apps/v1/Deployment"


@check("ITG0301", "the GatewayClass exists", "kubectl get gatewayclasses", ("ITG0401",))
def exists(site: Site) -> Trouble | None:
    """The Gateway names a class that is not there: no controller looks at the Gateway."""
    return None if site.gateway_class else Trouble(f"there is no GatewayClass {site.spec.get('gatewayClassName')}")


@check(
    "ITG0302", "the GatewayClass is accepted", "kubectl describe gatewayclass {gateway_class}", ("ITG0301", "ITG0303")
)
def accepted(site: Site) -> Trouble | None:
    """The controller refuses the class, mostly for its parameters, or has not looked at it. Contour, which serves one
    Gateway by its name, says nothing of classes."""
    if site.controller == CONTOUR:
        return None
    said = condition("Accepted")(site.gateway_class)
    return Trouble(said) if said else None


@check(
    "ITG0303",
    "the controller is available",
    "kubectl describe deployments --all-namespaces --selector control-plane=envoy-gateway",
    ("ITG0301",),
)
def available(site: Site) -> Trouble | None:
    """The controller's Deployment is missing, scaled to nothing, or its pods do not become ready: what is changed
    now does not reach the proxy, which goes on with what it was told last."""
    if site.gateway_class is None or site.controller not in DEPLOYMENTS:
        return None
    fix = f"kubectl describe deployments --all-namespaces --selector {DEPLOYMENTS[site.controller]}"
    found = deployments(site)
    if not found:
        return Trouble(f"there is no Deployment of {site.controller}", fix=fix)
    said = unavailable(found)
    return Trouble(said, fix=fix) if said else None


@check("ITG0304", "the controller is of a supported version", "{upgrade}", ("ITG0303",))
def supported(site: Site) -> Trouble | None:
    """Other controllers and versions may work; they are not what the project is tested with."""
    if site.gateway_class is None:
        return None
    if site.controller not in SUPPORTED:
        return Trouble(
            f"{site.gateway_class['spec']['controllerName']} is not a controller that is tested", warning=True
        )
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in deployments(site)]
    wanted = SUPPORTED[site.controller]
    others = [image for image in images if _version(image) != wanted]
    tested = ".".join(map(str, wanted))
    return Trouble(f"{', '.join(others)}: tested is {tested}", warning=True) if others else None


def deployments(site: Site) -> list[Manifest]:
    """Return the Deployments of the controller, wherever they are."""
    return site.kube.list(DEPLOYMENT, labels=DEPLOYMENTS[site.controller])


def _version(image: str) -> tuple[int, ...]:
    return minor(image.partition("@")[0].rpartition(":")[2])
