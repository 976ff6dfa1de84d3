"""Checks of routing: does each port reach its task, do more tasks fit, is anything left of deleted tasks?"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from task_gateway.checks.base import DETERMINED, Finding, check, fill, limits_of, some
from task_gateway.errors import TemplatesMismatch
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.wait import condition
from task_gateway.limits.ports import task_ports
from task_gateway.model import TASK_LABEL, Limit, Manifest
from task_gateway.routing import determined, endpoints, live, names, table, templates
from task_gateway.routing.endpoints import Endpoint
from task_gateway.routing.gateway_api import UNREPORTED, not_accepted
from task_gateway.routing.strategies.base import in_order

GRACE = timedelta(minutes=10)
"""How long a port may be claimed before the pod of the task exists: images are pulled meanwhile."""

LOW = 0.1
"""Fraction of the capacity. A smaller headroom is a warning."""

LIMITS = "task-gateway limits"


@check(
    "ITG0501",
    "the routing templates match this version of the program",
    "{upgrade}",
    ("ITG0401",),
)
def spoken(snapshot: GatewaySnapshot) -> Finding | None:
    """The chart is not installed for this Gateway, or its version differs from the version of the program that claims
    its slots."""
    if snapshot.traits.like_determined and snapshot.objects.templates is None:
        return None  # a Determined master creates its own objects
    try:
        templates.load(snapshot.kube, snapshot.gateway)
    except TemplatesMismatch as mismatch:
        return Finding(mismatch.message, fix=mismatch.hint or "")
    return None


@check("ITG0502", "every port of the range can serve a task", LIMITS, ("ITG0401", "ITG0205", "ITG0204"))
def range_is_used(snapshot: GatewaySnapshot) -> Finding | None:
    """Another limit is lower than the port range. The master will start tasks that get no port. The message names the
    limit."""
    seen = limits_of(snapshot)
    usable = next(each for each in seen.limits if each.id == "port-range").tasks or 0
    if seen.capacity is None or seen.capacity >= usable:
        return None
    lost = usable - seen.capacity
    message = f"{seen.capacity} tasks fit, bound by {seen.binding}; {lost} of {usable} ports cannot be used"
    fix = _narrower(snapshot, seen.capacity) if _has_determined(snapshot) else _binding(seen.limits).raise_
    return Finding(message, warning=True, fix=fix)


@check("ITG0503", "more tasks fit", LIMITS, ("ITG0401",))
def headroom(snapshot: GatewaySnapshot) -> Finding | None:
    """All or nearly all of the capacity is in use. The next task may start without being reachable."""
    seen = limits_of(snapshot)
    if seen.capacity is None or seen.headroom is None or seen.headroom >= LOW * seen.capacity:
        return None
    message = f"{seen.active} of {seen.capacity} are in use, bound by {seen.binding}"
    return Finding(message, warning=seen.headroom > 0)


@check(
    "ITG0504",
    "no foreign listener is in the port range",
    "kubectl get gateways,listenersets --namespace {namespace} -o wide",
    ("ITG0401",),
)
def foreign(snapshot: GatewaySnapshot) -> Finding | None:
    """A listener in the port range belongs neither to a slot nor to a task. Tasks cannot use its port."""
    found = [f"{each.port}: {each}" for each in snapshot.foreign_listeners]
    return Finding(some(found), warning=True) if found else None


@check(
    "ITG0505",
    "the controller reserves no port of the range",
    "none here: set gateway_port_range_start and gateway_port_range_end to other ports in the master configuration",
    ("ITG0301",),
)
def reserved(snapshot: GatewaySnapshot) -> Finding | None:
    """Envoy Gateway reserves 19000 to 19003 in its proxy. Contour cannot use a port that shares a port of its Envoy
    with another listener. Contour also adds no port to its Service: tasks with their own listeners can only use those
    of contour.ports."""
    found = task_ports(snapshot)
    kept = sorted(found.unusable)
    if not kept:
        return None
    message = f"{len(kept)} ports, {kept[0]} to {kept[-1]}"
    if not found.missing:
        return Finding(message, warning=True)
    ports = snapshot.objects.controller.set_task_ports(snapshot.ports[0], len(snapshot.ports))
    service = f"the Service of the {snapshot.objects.controller.title} proxy lacks {len(found.missing)} of them"
    return Finding(f"{message}; {service}", warning=True, fix=fill(f"{{upgrade}} --set {ports}", snapshot))


@check(
    "ITG0506",
    "every claimed port has a task",
    "task-gateway gc --gateway {namespace}/{gateway} --apply",
    ("ITG0401",),
    each_namespace=True,
)
def leaked_claims(snapshot: GatewaySnapshot) -> Finding | None:
    """A slot is claimed, but its task has no pod ten minutes after the claim. The master stopped before it created the
    pod, or never released the slot. No other task can use the port. The command frees it. Without --apply it only shows
    what it would do."""
    tasks = {(each["metadata"].get("labels") or {}).get(TASK_LABEL) for each in snapshot.tasks.pods}
    tasks |= {each["metadata"]["uid"] for each in snapshot.tasks.pods}
    leaked = [
        slot
        for slot in snapshot.slots
        if slot.task is not None and slot.task not in tasks and _old(table.parse_time(slot.claimed_at))
    ]
    if any(slot.by_operator for slot in leaked):  # the port of a deleted pod is kept for its Job
        jobs = live.ids((), snapshot.tasks.jobs)
        leaked = [slot for slot in leaked if not slot.by_operator or names.object_uid(slot.object) not in jobs]
    if not leaked:
        return None
    return Finding(some([f"port {slot.port}: task {slot.task}" for slot in leaked]), warning=True)


@check(
    "ITG0507",
    "no objects of deleted tasks are left",
    "kubectl delete --namespace {tasks} service/NAME tcproute/NAME",
    ("ITG0401",),
    each_namespace=True,
)
def leaked_objects(snapshot: GatewaySnapshot) -> Finding | None:
    """A Service or a route is older than ten minutes, and its task has no pod."""
    pods = {(each["metadata"].get("labels") or {}).get(TASK_LABEL) for each in snapshot.tasks.pods}
    found = {
        f"{kind}/{each['metadata']['name']}": task
        for kind, objects in (("service", snapshot.tasks.services), ("tcproute", snapshot.tasks.routes))
        for each in objects
        if (task := _task_of(each, snapshot)) is not None and task not in pods and _old(_made(each))
    }
    if not found:
        return None
    message = some([f"{name}: task {task}" for name, task in found.items()])
    return Finding(message, warning=True, fix=f"kubectl delete --namespace {snapshot.namespace} {' '.join(found)}")


@check(
    "ITG0508",
    "each slot only reaches its own task",
    "task-gateway gc --gateway {namespace}/{gateway} --apply",
    ("ITG0401",),
    each_namespace=True,
)
def selectors(snapshot: GatewaySnapshot) -> Finding | None:
    """Something other than a claim or a release wrote the Service of a slot, such as `kubectl replace` or a forced
    upgrade. Its selector differs from the claim, or the claim is gone but the endpoints of its pod remain, because
    Kubernetes keeps the endpoints of a Service that loses its selector. The port may reach the task of another user.
    The command closes such a port, or restores the selector of its claim. Expose a task whose claim is gone again."""
    wrong = [
        f"port {each.port} selects {_selected(each)}, not {table.wanted(each)}"
        for each in snapshot.slots
        if not table.agrees(each)
    ]
    if wrong:
        return Finding(some(wrong))
    lost = [(slot, found) for slot in snapshot.slots if (found := endpoints.left(slot, snapshot.tasks.endpoints))]
    if not lost:
        return None
    message = some([f"port {slot.port} is free but reaches {_led_to(found, snapshot)}" for slot, found in lost])
    foreign = [each.slice for _, found in lost for each in found if not each.managed]
    delete = f"kubectl delete endpointslices --namespace {snapshot.namespace} {' '.join(dict.fromkeys(foreign))}"
    return Finding(message, fix=delete if foreign else "")


@check(
    "ITG0509",
    "each slot has a listener and a route",
    "{upgrade}",
    ("ITG0401", "ITG0203", "ITG0204"),
    each_namespace=True,
)
def complete(snapshot: GatewaySnapshot) -> Finding | None:
    """A listener or a route of a slot was deleted. Its port is closed, even if a task claims it."""
    built = {each.name for each in in_order() if not each.per_task}
    ports = {each.port for each in snapshot.objects.listeners if each.use in built}
    routed = {each["metadata"].get("labels", {}).get(names.SLOT_LABEL) for each in snapshot.tasks.routes}
    found = [f"port {slot.port} has no listener" for slot in snapshot.slots if slot.port not in ports]
    found += [f"port {slot.port} has no route" for slot in snapshot.slots if str(slot.port) not in routed]
    return Finding(some(found)) if found else None


@check(
    "ITG0510",
    "every route is accepted",
    "kubectl describe tcproutes --namespace {tasks}",
    ("ITG0403", "ITG0203"),
    each_namespace=True,
)
def accepted(snapshot: GatewaySnapshot) -> Finding | None:
    """The controller of the class rejects a route. The status of the route has the reason. Its port is not reachable.
    Status entries of other controllers are ignored."""
    found = [
        f"TCPRoute {each['metadata']['name']}: {f'{seen.reason}: {seen.message}' if seen.is_reported else UNREPORTED}"
        for each in _ours(snapshot.tasks.routes, snapshot)
        if (seen := not_accepted(each, snapshot.objects.controller_name))
    ]
    return Finding(some(found)) if found else None


@check(
    "ITG0511",
    "the pod of every task is Ready",
    "kubectl describe pods --namespace {tasks} -l " + TASK_LABEL,
    ("ITG0401",),
    each_namespace=True,
)
def ready(snapshot: GatewaySnapshot) -> Finding | None:
    """A task has a port, but its pod is not Ready. The port refuses connections until the pod is Ready."""
    exposed = _exposed(snapshot)
    found = [
        f"{each['metadata']['name']}: {said}"
        for each in snapshot.tasks.pods
        if (each["metadata"].get("labels") or {}).get(TASK_LABEL) in exposed - {None}
        and (said := condition("Ready")(each))
    ]
    return Finding(some(found), warning=True) if found else None


@check(
    "ITG0512",
    "no task would lose its port",
    "task-gateway ls --gateway {namespace}/{gateway}",
    ("ITG0401",),
    before_uninstall=True,
    each_namespace=True,
)
def in_use(snapshot: GatewaySnapshot) -> Finding | None:
    """Tasks are exposed. `helm uninstall` removes the Gateway, its slots and Envoy, and disconnects all tasks at
    once."""
    pods = {(each["metadata"].get("labels") or {}).get(TASK_LABEL) for each in snapshot.tasks.pods} - {None}
    tasks = _exposed(snapshot)
    found = sorted(tasks & pods - {None}, key=str)
    found += sorted(
        {each.allocation for each in determined.routed(snapshot.kube, snapshot.objects.gateway, snapshot.namespace)}
    )
    return Finding(f"{len(found)} live tasks: {some(list(map(str, found)))}", warning=True) if found else None


def _exposed(snapshot: GatewaySnapshot) -> set[str | None]:
    """Return the tasks that have a slot or a Service; None is for Services without a task."""
    services = {_task_of(each, snapshot) for each in snapshot.tasks.services}
    return {slot.task for slot in snapshot.slots if slot.task} | services


def _has_determined(snapshot: GatewaySnapshot) -> bool:
    return snapshot.profile == DETERMINED or bool(snapshot.determined)


def _narrower(snapshot: GatewaySnapshot, capacity: int) -> str:
    """Return the advice to shorten the port range to the capacity: the master then rejects the task itself."""
    last = task_ports(snapshot).usable[max(capacity, 1) - 1]
    return f"set gateway_port_range_end: {last} in the master configuration"


def _binding(limits: tuple[Limit, ...]) -> Limit:
    return next(each for each in limits if each.tasks is not None)


def _ours(objects: Iterable[Manifest], snapshot: GatewaySnapshot) -> list[Manifest]:
    gateway, namespace = snapshot.gateway.gateway_name, snapshot.gateway.gateway_namespace
    wanted = {names.GATEWAY_LABEL: gateway, names.GATEWAY_NAMESPACE_LABEL: namespace}.items()
    return [each for each in objects if wanted <= (each["metadata"].get("labels") or {}).items()]


def _selected(slot: table.Slot) -> str:
    return " and ".join([slot.selects or "no task", *slot.extra_selector_keys])


def _led_to(found: Sequence[Endpoint], snapshot: GatewaySnapshot) -> str:
    """Return the endpoints that a port reaches, with the tasks that lost their claim of it."""
    names_of = {each.pod for each in found if each.pod}
    pods = [each["metadata"] for each in snapshot.tasks.pods if each["metadata"]["name"] in names_of]
    tasks = sorted({task for each in pods if (task := (each.get("labels") or {}).get(TASK_LABEL))})
    claim = f", the claim of task {', '.join(tasks)} is gone" if tasks else ""
    return f"{endpoints.words(found)}{claim}"


def _task_of(obj: Manifest, snapshot: GatewaySnapshot) -> str | None:
    """Return the task that an object was created for, None for objects of slots and of others."""
    task: str | None = (obj["metadata"].get("labels") or {}).get(TASK_LABEL)
    return task if task is not None and _ours([obj], snapshot) else None


def _made(obj: Manifest) -> datetime:
    return datetime.fromisoformat(obj["metadata"]["creationTimestamp"])


def _old(moment: datetime | None) -> bool:
    return moment is None or datetime.now(UTC) - moment > GRACE
