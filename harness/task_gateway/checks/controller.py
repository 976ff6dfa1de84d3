"""The controller: is there one for the Gateway's class, does it run, is its version known to work?"""

from functools import lru_cache

from task_gateway.checks.base import Trouble, check, minor, release_of, unavailable
from task_gateway.controllers.base import default
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.kinds import DEPLOYMENT, POD
from task_gateway.kube.wait import condition
from task_gateway.model import Manifest
from task_gateway.routing import names
from task_gateway.routing.gateway_api import allowed_from


@check("ITG0301", "the GatewayClass exists", "kubectl get gatewayclasses", ("ITG0401",))
def exists(snapshot: GatewaySnapshot) -> Trouble | None:
    """The Gateway names a class that is not there: no controller looks at the Gateway."""
    return (
        None
        if snapshot.objects.gateway_class
        else Trouble(f"there is no GatewayClass {snapshot.objects.spec.get('gatewayClassName')}")
    )


@check(
    "ITG0302", "the GatewayClass is accepted", "kubectl describe gatewayclass {gateway_class}", ("ITG0301", "ITG0303")
)
def accepted(snapshot: GatewaySnapshot) -> Trouble | None:
    """The controller refuses the class, mostly for its parameters, or has not looked at it. Contour, which serves one
    Gateway by its name, says nothing of classes."""
    if not snapshot.objects.controller.reports_classes:
        return None
    said = condition("Accepted")(snapshot.objects.gateway_class)
    return Trouble(str(said)) if said else None


@check(
    "ITG0303",
    "the controller is available",
    f"kubectl describe deployments --all-namespaces --selector {default().labels}",
    ("ITG0301",),
)
def available(snapshot: GatewaySnapshot) -> Trouble | None:
    """The controller's Deployment is missing, scaled to nothing, or its pods do not become ready: what is changed
    now does not reach the proxy, which goes on with what it was told last."""
    if snapshot.objects.gateway_class is None or not snapshot.objects.controller.labels:
        return None
    fix = f"kubectl describe deployments --all-namespaces --selector {snapshot.objects.controller.labels}"
    found = deployments(snapshot)
    if not found:
        return Trouble(f"there is no Deployment of {snapshot.objects.controller.name}", fix=fix)
    pods = snapshot.kube.list(POD, labels=snapshot.objects.controller.labels) if unavailable(found) else ()
    said = unavailable(found, pods)
    return Trouble(said, fix=fix) if said else None


@check("ITG0304", "the controller is of a supported version", "{upgrade}", ("ITG0303",))
def supported(snapshot: GatewaySnapshot) -> Trouble | None:
    """Other controllers and versions may work; they are not what the project is tested with."""
    if snapshot.objects.gateway_class is None:
        return None
    wanted = snapshot.objects.controller.tested
    if wanted is None:
        return Trouble(
            f"{snapshot.objects.gateway_class['spec']['controllerName']} is not a controller that is tested",
            warning=True,
        )
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in deployments(snapshot)]
    others = [image for image in images if _version(image) != wanted]
    tested = ".".join(map(str, wanted))
    return Trouble(f"{', '.join(others)}: tested is {tested}", warning=True) if others else None


@check(
    "ITG0305", "ListenerSets are let in where the controller has them", "kubectl get listenersets --all-namespaces",
    ("ITG0301",),
)  # fmt: skip
def listener_sets(snapshot: GatewaySnapshot) -> Trouble | None:
    """Contour has no ListenerSets. Where its Gateway lets them in, they are taken and no port of theirs ever answers:
    slots are listeners of the Gateway itself there, and tasks have slots or listeners."""
    if snapshot.objects.controller.listener_sets:
        return None
    title, attached = snapshot.objects.controller.title, len(snapshot.objects.listener_sets)
    if attached:
        return Trouble(f"{title} serves none of the {attached} ListenerSets of the Gateway")
    if allowed_from(snapshot.objects.spec) == "None":
        return None
    return Trouble(f"the Gateway lets ListenerSets in, which {title} does not serve", warning=True)


@check(
    "ITG0306", "the class is not that of a Contour for another Gateway",
    "helm upgrade … --reset-then-reuse-values --set controller=contour", ("ITG0301",),
)  # fmt: skip
def own_controller(snapshot: GatewaySnapshot) -> Trouble | None:
    """A Contour serves the one Gateway that its configuration names: another one of its class is never looked at. Give
    each Gateway a Contour of its own, with controller=contour."""
    meta = (snapshot.objects.gateway_class or {}).get("metadata") or {}
    name = (meta.get("labels") or {}).get(names.GATEWAY_LABEL)
    namespace = (meta.get("annotations") or {}).get("meta.helm.sh/release-namespace")
    if (
        not snapshot.objects.controller.one_gateway
        or not (name and namespace)
        or f"{namespace}/{name}" == snapshot.name
    ):
        return None
    title = snapshot.objects.controller.title
    return Trouble(f"the {title} of GatewayClass {meta['name']} serves Gateway {namespace}/{name} alone")


@check(
    "ITG0307", "the controller looks at the namespace of the tasks",
    "{upgrade} --set-json 'slots=[ITEMS, {{\"namespace\": \"{tasks}\", \"start\": 24000, \"count\": 0}}]'",
    ("ITG0303",), each_namespace=True,
)  # fmt: skip
def watched(snapshot: GatewaySnapshot) -> Trouble | None:
    """Contour watches the namespaces of the chart's value slots and that of the release, and has rights in no other. A
    task with listeners of its own elsewhere is never reached. In the fix, ITEMS stands for the present items."""
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
            return Trouble(
                f"{snapshot.objects.controller.title} looks at {read}, and not at namespace {snapshot.namespace}"
            )
    return None


@lru_cache(maxsize=16)
def deployments(snapshot: GatewaySnapshot) -> list[Manifest]:
    """Return the Deployments of the controller in all namespaces, listed once for all checks; none if it is unknown."""
    labels = snapshot.objects.controller.labels
    return snapshot.kube.list(DEPLOYMENT, labels=labels) if labels else []


def _version(image: str) -> tuple[int, ...]:
    return minor(image.partition("@")[0].rpartition(":")[2])
