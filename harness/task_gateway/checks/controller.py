"""The controller: is there one for the Gateway's class, does it run, is its version known to work?"""

import re

from task_gateway.checks.base import Trouble, check
from task_gateway.errors import NotFound
from task_gateway.kube.wait import condition
from task_gateway.limits.site import CONTOUR, ENVOY_GATEWAY, GATEWAY_CLASS, Site
from task_gateway.model import Manifest

SUPPORTED = {ENVOY_GATEWAY: (1, 9)}
"""The minor versions that the project is tested with."""

DEPLOYMENTS = {ENVOY_GATEWAY: "control-plane=envoy-gateway", CONTOUR: "app=contour"}
"""How the controllers' own charts label their Deployments."""

DEPLOYMENT = "apps/v1/Deployment"


@check("ITG0301", "the GatewayClass exists", "kubectl get gatewayclasses", ("ITG0401",))
def exists(site: Site) -> Trouble | None:
    """The Gateway names a class that is not there: no controller looks at the Gateway."""
    try:
        read_class(site)
    except NotFound:
        return Trouble(f"there is no GatewayClass {site.spec.get('gatewayClassName')}")
    return None


@check(
    "ITG0302", "the GatewayClass is accepted", "kubectl describe gatewayclass {gateway_class}", ("ITG0301", "ITG0303")
)
def accepted(site: Site) -> Trouble | None:
    """The controller refuses the class, mostly for its parameters, or has not looked at it."""
    said = condition("Accepted")(read_class(site))
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
    read_class(site)
    if site.controller not in DEPLOYMENTS:
        return None
    fix = f"kubectl describe deployments --all-namespaces --selector {DEPLOYMENTS[site.controller]}"
    found = deployments(site)
    if not found:
        return Trouble(f"there is no Deployment of {site.controller}", fix=fix)
    ready = [each for each in found if (each.get("status") or {}).get("availableReplicas", 0) > 0]
    names = ", ".join(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in found)
    return None if ready else Trouble(f"no pod of Deployment {names} is available", fix=fix)


@check("ITG0304", "the controller is of a supported version", "{upgrade}", ("ITG0303",))
def supported(site: Site) -> Trouble | None:
    """Other controllers and versions may work; they are not what the project is tested with."""
    controller = read_class(site)["spec"]["controllerName"]
    if site.controller not in SUPPORTED:
        return Trouble(f"{controller} is not a controller that is tested", warning=True)
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in deployments(site)]
    wanted = SUPPORTED[site.controller]
    others = [image for image in images if _version(image) != wanted]
    tested = ".".join(map(str, wanted))
    return Trouble(f"{', '.join(others)}: tested is {tested}", warning=True) if others else None


def read_class(site: Site) -> Manifest:
    """Return the Gateway's class; NotFound if there is none, Forbidden if it may not be read."""
    return site.gateway_class or site.kube.get(GATEWAY_CLASS, site.spec.get("gatewayClassName", ""))


def deployments(site: Site) -> list[Manifest]:
    """Return the Deployments of the controller, wherever they are."""
    return site.kube.list(DEPLOYMENT, labels=DEPLOYMENTS[site.controller])


def _version(image: str) -> tuple[int, ...]:
    tag = image.partition("@")[0].rpartition(":")[2]
    return tuple(int(part) for part in re.findall(r"\d+", tag)[:2])
