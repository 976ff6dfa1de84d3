"""Checks of the controller: does one serve the class of the Gateway, does it run, is its version supported?"""

from functools import lru_cache

from task_gateway.checks.base import Finding, check, minor, release_of, unavailable
from task_gateway.controllers.base import default
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.kinds import DEPLOYMENT, POD
from task_gateway.kube.wait import condition
from task_gateway.model import Manifest
from task_gateway.routing import names
from task_gateway.routing.gateway_api import allowed_from


@check("ITG0301", "the GatewayClass exists", "kubectl get gatewayclasses", ("ITG0401",))
def exists(snapshot: GatewaySnapshot) -> Finding | None:
    """The Gateway refers to a class that does not exist. No controller serves the Gateway."""
    return (
        None
        if snapshot.objects.gateway_class
        else Finding(f"there is no GatewayClass {snapshot.objects.spec.get('gatewayClassName')}")
    )


@check(
    "ITG0302", "the GatewayClass is accepted", "kubectl describe gatewayclass {gateway_class}", ("ITG0301", "ITG0303")
)
def accepted(snapshot: GatewaySnapshot) -> Finding | None:
    """The controller rejected the class, usually because of its parameters, or has not processed it yet. Contour does
    not report on classes, so its class is not checked. The operator accepts the class of a Determined lane."""
    if not snapshot.objects.controller.reports_classes and not snapshot.objects.is_lane:
        return None
    said = condition("Accepted")(snapshot.objects.gateway_class)
    return Finding(str(said)) if said else None


@check(
    "ITG0303",
    "the controller is available",
    f"kubectl describe deployments --all-namespaces --selector {default().labels}",
    ("ITG0301",),
)
def available(snapshot: GatewaySnapshot) -> Finding | None:
    """The Deployment of the controller is missing, scaled to 0, or its pods do not become ready. Changes do not reach
    the proxy, which keeps its last configuration."""
    if snapshot.objects.gateway_class is None or not snapshot.objects.controller.labels:
        return None
    fix = f"kubectl describe deployments --all-namespaces --selector {snapshot.objects.controller.labels}"
    found = deployments(snapshot)
    if not found:
        return Finding(f"there is no Deployment of {snapshot.objects.controller.name}", fix=fix)
    pods = snapshot.kube.list(POD, labels=snapshot.objects.controller.labels) if unavailable(found) else ()
    said = unavailable(found, pods)
    return Finding(said, fix=fix) if said else None


@check("ITG0304", "the version of the controller is supported", "{upgrade}", ("ITG0303",))
def supported(snapshot: GatewaySnapshot) -> Finding | None:
    """Other controllers and versions may work, but the project is not tested with them. The upgrade of the chart
    installs the tested version."""
    if snapshot.objects.gateway_class is None:
        return None
    wanted = snapshot.objects.controller.tested
    if wanted is None:
        return Finding(
            f"{snapshot.objects.gateway_class['spec']['controllerName']} is not a tested controller",
            warning=True,
        )
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in deployments(snapshot)]
    others = [image for image in images if _version(image) != wanted]
    tested = ".".join(map(str, wanted))
    return Finding(f"{', '.join(others)}: the tested version is {tested}", warning=True) if others else None


@check(
    "ITG0305", "ListenerSets are only allowed if the controller supports them",
    "kubectl get listenersets --all-namespaces",
    ("ITG0301",),
)  # fmt: skip
def listener_sets(snapshot: GatewaySnapshot) -> Finding | None:
    """Contour does not support ListenerSets. If its Gateway allows them, they are accepted but none of their ports
    answers. With Contour, slots and tasks have their listeners on the Gateway itself."""
    if snapshot.objects.controller.listener_sets:
        return None
    title, attached = snapshot.objects.controller.title, len(snapshot.objects.listener_sets)
    if attached:
        return Finding(f"{title} does not serve the {attached} ListenerSets of the Gateway")
    if allowed_from(snapshot.objects.spec) == "None":
        return None
    return Finding(f"the Gateway allows ListenerSets, which {title} does not support", warning=True)


@check(
    "ITG0306", "the controller of the class serves this Gateway",
    "{upgrade} --set controller=contour", ("ITG0301",),
)  # fmt: skip
def own_controller(snapshot: GatewaySnapshot) -> Finding | None:
    """A Contour only serves the Gateway that its configuration names, and ignores other Gateways of its class. Give
    each Gateway its own Contour with controller=contour."""
    served = snapshot.objects.serving
    meta = (served.gateway_class or {}).get("metadata") or {}
    name = (meta.get("labels") or {}).get(names.GATEWAY_LABEL)
    namespace = (meta.get("annotations") or {}).get("meta.helm.sh/release-namespace")
    if (
        not snapshot.objects.controller.one_gateway
        or not (name and namespace)
        or (namespace, name) == (served.named.gateway_namespace, served.named.gateway_name)
    ):
        return None
    title = snapshot.objects.controller.title
    return Finding(f"the {title} of GatewayClass {meta['name']} only serves Gateway {namespace}/{name}")


@check(
    "ITG0307", "the controller watches the task namespace",
    "{upgrade} --set-json 'slots=[ITEMS, {{\"namespace\": \"{tasks}\", \"start\": 24000, \"count\": 0}}]'",
    ("ITG0303",), each_namespace=True,
)  # fmt: skip
def watched(snapshot: GatewaySnapshot) -> Finding | None:
    """Contour only watches the namespaces of the value slots and of the release, and only has rights there. A task with
    its own listeners in another namespace is not reachable. In the fix, ITEMS stands for the present items of slots."""
    option = snapshot.objects.controller.watch_option
    if not option:
        return None
    wanted = (snapshot.gateway.gateway_namespace, release_of(snapshot.objects.gateway))
    for each in deployments(snapshot):
        (container, *_) = each["spec"]["template"]["spec"]["containers"]
        own = (each["metadata"]["namespace"], release_of(each)) == wanted
        told = [word.partition("=")[2] for word in container.get("args") or [] if word.startswith(option)]
        if own and told and snapshot.namespace not in told[0].split(","):
            read = told[0].replace(",", ", ")
            return Finding(
                f"{snapshot.objects.controller.title} watches {read}, but not namespace {snapshot.namespace}"
            )
    return None


@lru_cache(maxsize=16)
def deployments(snapshot: GatewaySnapshot) -> list[Manifest]:
    """Return the Deployments of the controller in all namespaces, listed once for all checks; none if it is unknown."""
    labels = snapshot.objects.controller.labels
    return snapshot.kube.list(DEPLOYMENT, labels=labels) if labels else []


def _version(image: str) -> tuple[int, ...]:
    return minor(image.partition("@")[0].rpartition(":")[2])
