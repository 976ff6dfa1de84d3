"""Frees the listeners that a Determined master left behind because its write at the end of a task conflicted.

The master tries five times, 10 ms apart, and then not before its next start. It frees a port only by its number. If a
port is freed between the master's deletion of the route and its write of the Gateway, another task may have the port,
and the write removes that task's listener. So a listener is only freed if its task is gone for the whole grace period.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from time import sleep

from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD, SERVICE
from task_gateway.model import InternalTaskGateway, Manifest, Repair
from task_gateway.polling import attempts, scattered
from task_gateway.routing import determined
from task_gateway.routing.gateway_api import GATEWAY, ROUTES, route_kind
from task_gateway.routing.gateway_listeners import DETERMINED_NOTE
from task_gateway.settings import DEFAULTS

REASON = "its listener has no route, and its allocation has no Service, Job or pod"
Say = Callable[[str], object]


def left(kube: Kube, gateway: Manifest | None) -> dict[int, str]:
    """Return the allocation of each port that a Determined master holds and no task has.

    The port has no TCPRoute, and no Service, Job or pod in any namespace has the allocation. The master creates the Job
    before the listener, so a starting task has one. Forbidden without permission to read all namespaces.
    """
    held = determined.ports(gateway)
    if gateway is None or not held:
        return {}
    routes = kube.list(route_kind(kube) or ROUTES[0])
    attached = {port for route in routes for port in determined.targeted(route, gateway)}
    suspects = {port: allocation for port, allocation in held.items() if port not in attached}
    if not suspects:
        return {}
    alive = {
        one for kind in (SERVICE, JOB, POD) for one in determined.allocations(kube.list(kind, labels=determined.LABEL))
    }
    return {port: allocation for port, allocation in suspects.items() if allocation not in alive}


def free(
    kube: Kube, gateway: InternalTaskGateway, *, dry_run: bool, grace_seconds: float, say: Say = lambda _: None
) -> list[Repair]:
    """Free the ports that a Determined master left behind, and return each as a repair.

    Waits for the grace period, if any, and frees the ports that had no task before and after it. `say` gets a sentence
    about the wait. One write frees all ports. It is repeated after a conflict, until the wait `gateway-written` ends.
    """
    found = _gateway(kube, gateway)
    seen, done = left(kube, found), dict[int, str]()
    if found is not None and seen and not dry_run:
        say(f"{len(seen)} listeners of a Determined master are freed if no task has them in {grace_seconds:g} s")
        sleep(grace_seconds)
        done = _freed(kube, gateway, found["metadata"]["uid"], seen)
        seen = left(kube, _gateway(kube, gateway)) | done
    where = f"Gateway {gateway.full_name}"
    return [Repair("free", where, seen[port], port, REASON, port in done) for port in sorted(seen)]


def without(gateway: Manifest, ports: Mapping[int, str]) -> tuple[Manifest, dict[int, str]]:
    """Return the Gateway without the listeners and annotations of those ports, and the ports that were removed.

    A Gateway needs a listener: without any other listener, the first one stays.
    """
    listeners = gateway["spec"].get("listeners") or []
    gone = dict(ports)
    if listeners and all(each["port"] in gone for each in listeners):
        del gone[listeners[0]["port"]]
    notes = gateway["metadata"].get("annotations") or {}
    dropped = {f"{DETERMINED_NOTE}{port}" for port in gone}
    meta = gateway["metadata"] | {"annotations": {key: value for key, value in notes.items() if key not in dropped}}
    spec = gateway["spec"] | {"listeners": [each for each in listeners if each["port"] not in gone]}
    return gateway | {"metadata": meta, "spec": spec}, gone


def _freed(kube: Kube, gateway: InternalTaskGateway, uid: str, seen: Mapping[int, str]) -> dict[int, str]:
    """Write the Gateway without those of `seen` that still have no task, and return them; none for another Gateway."""
    for _ in attempts(DEFAULTS.gateway_written, scattered(DEFAULTS.claim_pause_seconds)):
        idle = left(kube, _gateway(kube, gateway))
        now = _gateway(kube, gateway)  # read again after the lists, because other clients write it
        if now is None or now["metadata"]["uid"] != uid:
            return {}
        held = determined.ports(now)
        wanted, gone = without(
            now, {port: one for port, one in idle.items() if seen.get(port) == one == held.get(port)}
        )
        if not gone:
            return {}
        with suppress(Conflict):  # the write contains the version that was read
            kube.replace(wanted)
            return gone
    return {}


def _gateway(kube: Kube, gateway: InternalTaskGateway) -> Manifest | None:
    return kube.find(GATEWAY, gateway.gateway_name, gateway.gateway_namespace)
