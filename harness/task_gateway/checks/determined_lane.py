"""Checks of the lane of a Determined master: does the operator run, and does each port of the master lead to its task?

They pass for every Gateway that a controller serves.
"""

from datetime import UTC, datetime, timedelta

from task_gateway.checks.base import Finding, check, fill, some, unavailable
from task_gateway.errors import Forbidden
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube.kinds import DEPLOYMENT, POD, SERVICE
from task_gateway.routing import determined, determined_lane, names
from task_gateway.routing.determined_lane import LaneSlot

GRACE = timedelta(seconds=30)
"""How old a route may be before its slot has to reach the task: another replica takes over within 15 s."""
LOGS = "kubectl logs --namespace {namespace} deployment/OPERATOR"


@check("ITG0308", "the operator of the lane is available", LOGS, ("ITG0401",))
def operator(snapshot: GatewaySnapshot) -> Finding | None:
    """A Determined master writes the Gateway, and no controller serves it. Without the operator a new task gets no
    connections. Ports that lead to a task keep leading to it. If the operator does not run in the cluster, ignore this
    warning."""
    if not snapshot.objects.is_lane:
        return None
    name, namespace = names.operator(snapshot.objects.serving.named.gateway_name), snapshot.gateway.gateway_namespace
    found = snapshot.kube.find(DEPLOYMENT, name, namespace)
    if found is None:
        fix = fill("{upgrade} --set operator.enabled=true", snapshot)
        return Finding(f"there is no Deployment {namespace}/{name}", warning=True, fix=fix)
    labels = ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())
    said = unavailable([found], snapshot.kube.list(POD, namespace, labels) if unavailable([found]) else ())
    return Finding(said, fix=_logs(snapshot)) if said else None


@check(
    "ITG0513", "every port of the range has a slot in the lane", "{upgrade} --set operator.determined.count=COUNT",
    ("ITG0401",),
)  # fmt: skip
def slots(snapshot: GatewaySnapshot) -> Finding | None:
    """The port range of the Determined master has ports without a slot of the lane. The master uses the lowest free
    port, so its last tasks get one of these and are not reachable. In the fix, COUNT is the number of ports of the
    range."""
    if not snapshot.objects.is_lane:
        return None
    missing = sorted(set(snapshot.ports) - _slots(snapshot).keys())
    if not missing:
        return None
    count = f"operator.determined.start={snapshot.ports[0]},operator.determined.count={len(snapshot.ports)}"
    return Finding(
        f"{len(missing)} ports have no slot, the first is {missing[0]}",
        fix=fill(f"{{upgrade}} --set {count}", snapshot),
    )


@check("ITG0514", "each port of a Determined master leads to its task", LOGS, ("ITG0401", "ITG0203", "ITG0513"))
def led(snapshot: GatewaySnapshot) -> Finding | None:
    """A TCPRoute of the master exists, but the slot of its port does not select the pods of its allocation. The
    operator is not running, or may not write the slot. Its log has the error."""
    if not snapshot.objects.is_lane:
        return None
    slots, found = _slots(snapshot), []
    for each in determined.routed(snapshot.kube, snapshot.objects.gateway, _namespace(snapshot)):
        slot = slots.get(each.port)
        selects = slot is not None and slot.selector == ((determined.LABEL, each.allocation),)
        if not (selects and slot is not None and slot.target == each.target) and _old(each.made):
            found.append(f"port {each.port}: allocation {each.allocation}")
    return Finding(some(found), fix=_logs(snapshot)) if found else None


@check(
    "ITG0515", "the tasks of the master run in the namespace of the lane",
    "{upgrade} --set operator.determined.namespace={tasks}", ("ITG0401",),
)  # fmt: skip
def namespace(snapshot: GatewaySnapshot) -> Finding | None:
    """The slots of the lane lead to pods of one namespace, and the master starts tasks in another one. Set its
    `namespace`, or the value of the chart. A workspace that is bound to another namespace cannot use the lane."""
    if not snapshot.objects.is_lane:
        return None
    wanted, configured = _namespace(snapshot), snapshot.manager.default_namespace
    if configured in (None, wanted):
        return None
    return Finding(f"the master uses namespace {configured}, the lane {wanted}")


def _slots(snapshot: GatewaySnapshot) -> dict[int, LaneSlot]:
    """Return the slots of the lane by port."""
    served = snapshot.objects.serving.named
    labels = names.lane_selector(served.gateway_name, served.gateway_namespace)
    services = snapshot.kube.list(SERVICE, _namespace(snapshot), labels)
    return {slot.port: slot for slot in map(determined_lane.parse_slot, services) if slot is not None}


def _namespace(snapshot: GatewaySnapshot) -> str:
    """Return the namespace of the lane's tasks: the one in the chart, else that of the master."""
    try:
        lane = determined_lane.described(snapshot.objects.serving.chart)
    except Forbidden:
        lane = None
    return lane.namespace if lane is not None else snapshot.namespace


def _logs(snapshot: GatewaySnapshot) -> str:
    return fill(LOGS, snapshot).replace("OPERATOR", names.operator(snapshot.objects.serving.named.gateway_name))


def _old(made: datetime) -> bool:
    return datetime.now(UTC) - made > GRACE
