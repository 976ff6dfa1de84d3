"""Checks whether a task is reachable, from its pod to the gateway's port, and which object prevents it.

Pods and endpoints are watched. The state of a port cannot be watched: connections are tried once there are endpoints.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from ipaddress import ip_address
from time import monotonic

from task_gateway.errors import NotReachable, WaitTimeout
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import ENDPOINT_SLICE, POD
from task_gateway.kube.wait import State, condition
from task_gateway.model import TASK_LABEL, Exposure, InternalTaskGateway, Manifest
from task_gateway.reasons import Condition
from task_gateway.routing import reach
from task_gateway.routing.endpoints import SERVICE_OF
from task_gateway.routing.gateway_api import (
    GATEWAY,
    LISTENER_SET,
    UNREPORTED,
    controller_name,
    not_accepted,
    not_so,
    reported_parents,
    route_kind,
)
from task_gateway.settings import DEFAULTS, Settings, Wait

_is_ready = condition("Ready")


def wait_until_reached(
    kube: Kube,
    gateway: InternalTaskGateway,
    namespace: str,
    task_id: str,
    exposed: Sequence[Exposure],
    wait: Wait,
    *,
    tls: bool,
    settings: Settings = DEFAULTS,
) -> None:
    """Return when a connection to every port reaches a pod of the task; NotReachable names the object that prevents it.

    No other pod can answer: the Service of a port selects the label of one task, and had no endpoint before.
    """
    deadline = monotonic() + wait.seconds
    with _blamed(wait, f"Pod of task {task_id} in namespace {namespace}"):
        _watch(kube, POD, namespace, f"{TASK_LABEL}={task_id}", _pod_missing, deadline)
    for each in exposed:
        with _blamed(wait, f"EndpointSlice of Service {namespace}/{each.service}"):
            _watch(kube, ENDPOINT_SLICE, namespace, f"{SERVICE_OF}={each.service}", _endpoint_missing, deadline)
    for each in exposed:
        left = Wait(wait.name, wait.sentence, max(deadline - monotonic(), settings.probe_seconds))
        try:
            reach.wait_until_open(each.address, left, tls=tls, settings=settings)
        except WaitTimeout as shut:
            where, state = _in_the_way(kube, gateway, namespace, each, shut.seen)
            seen = state if isinstance(state, Condition) else shut.seen
            raise _not_reachable(wait, where, f"{state}; {shut.last_state}", seen) from None


def ready_services(kube: Kube, namespace: str) -> set[str]:
    """Return the Services of a namespace that have a ready endpoint."""
    slices = kube.list(ENDPOINT_SLICE, namespace, SERVICE_OF)
    return {each["metadata"]["labels"][SERVICE_OF] for each in slices if _endpoint_missing(each) is None}


class _Missing(Exception):
    """The deadline has passed; `name` is the object that was not ready, with the reason."""

    def __init__(self, name: str, state: State) -> None:
        super().__init__(name)
        self.name, self.state = name, state


@contextmanager
def _blamed(wait: Wait, where: str) -> Iterator[None]:
    try:
        yield
    except _Missing as late:
        raise _not_reachable(wait, where, f"{late.name}{late.state}", late.state) from None


def _watch(
    kube: Kube, kind: str, namespace: str, labels: str, missing: Callable[[Manifest], State | None], deadline: float
) -> None:
    """Return when one of the objects is ready; _Missing has the reason why the last one is not."""
    last = _Missing("", "there is none")
    while (left := deadline - monotonic()) > 0:
        for event, obj in kube.watch(kind, namespace, labels=labels, seconds=left):
            said = "it was deleted" if event == "DELETED" else missing(obj)
            if said is None:
                return
            last = _Missing(f"{obj['metadata']['name']}: ", said)
            if monotonic() > deadline:
                break
    raise last


def _pod_missing(pod: Manifest) -> State | None:
    if pod["metadata"].get("deletionTimestamp"):
        return "it is being deleted"
    return _is_ready(pod)


def _endpoint_missing(endpoints: Manifest) -> str | None:
    found = endpoints.get("endpoints") or []
    if any((each.get("conditions") or {}).get("ready", True) for each in found):
        return None
    return f"{len(found)} endpoints, none of them ready" if found else "it has no endpoint"


def _in_the_way(
    kube: Kube, gateway: InternalTaskGateway, namespace: str, exposed: Exposure, answer: object
) -> tuple[str, State]:
    """Return the first object from the Gateway to the route that is not ready, with its state.

    `answer` is the last result at the port.
    """
    place = f"Gateway {gateway.full_name}"
    found = kube.find(GATEWAY, gateway.gateway_name, gateway.gateway_namespace)
    if (said := condition("Programmed")(found)) is not None:
        return place, said
    kind = route_kind(kube)
    route = kube.find(kind, exposed.service, namespace) if kind else None
    where = f"TCPRoute {namespace}/{exposed.service}"
    if route is None:
        return where, "it does not exist"
    controller = controller_name(kube, (found or {}).get("spec") or {})
    if (accepted := not_accepted(route, controller)) is not None:
        return where, accepted if accepted.is_reported else UNREPORTED
    reference = route["spec"]["parentRefs"][0]
    if reference.get("kind") == "ListenerSet":
        home = reference.get("namespace", namespace)
        listener_set = kube.find(LISTENER_SET, reference["name"], home)
        if (said := condition("Programmed")(listener_set)) is not None:
            return f"ListenerSet {home}/{reference['name']}", said
    if answer in (reach.Answer.REFUSED, reach.Answer.UNREACHABLE):
        return place, _nobody_at(exposed.address.host, found or {})
    unresolved = not_so(reported_parents(route, controller), "ResolvedRefs")
    if unresolved is not None:  # checked last, because the status may be outdated if the controller is down
        return where, Condition.read(unresolved)
    return (
        f"Service {namespace}/{exposed.service}",
        "nothing listens on its target port in the pod, as far as can be seen",
    )


def _nobody_at(host: str, gateway: Manifest) -> str:
    """Return why nothing listens at the address of a Gateway that is Programmed."""
    addresses = (gateway.get("status") or {}).get("addresses") or ()
    published = [each["value"] for each in addresses if each.get("type") == "IPAddress"]
    if _is_address(host) and published and host not in published:
        return f"gateway_ip {host} is not one of its addresses: {', '.join(published)}"
    return "no pod of its proxy serves the port, although its controller reports it as Programmed"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _not_reachable(wait: Wait, where: str, sentence: str, seen: object) -> NotReachable:
    message = f"waited {wait.seconds:g} s until {wait.sentence}; in the way: {where}: {sentence}"
    found = seen if isinstance(seen, Condition | Enum) else None
    return NotReachable(message, name=wait.name, seconds=wait.seconds, last_state=sentence, where=where, seen=found)
