"""The labels, annotations and names that the chart and the strategies share, defined only here in Python.

The chart names the objects of a slot. Routing finds them by label and never builds their names.
"""

import re

from task_gateway.errors import UsageError
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import LABEL_PREFIX, TaskObject

CHART = "internal-task-gateway"
CRDS_CHART, CRDS_NAMESPACE = "gateway-api-crds", "kube-system"
"""The name of the chart of Gateway API's CRDs and of its release, and the namespace of that."""

GATEWAY_LABEL = f"{LABEL_PREFIX}/gateway"
GATEWAY_NAMESPACE_LABEL = f"{LABEL_PREFIX}/gateway-namespace"
SLOT_LABEL = f"{LABEL_PREFIX}/slot"
STRATEGY_LABEL = f"{LABEL_PREFIX}/strategy"
TASK_NAMESPACE = f"{LABEL_PREFIX}/task-namespace"
"""On a Gateway without slots: the namespace of its tasks. With slots, their namespace shows it."""
TASK_PORTS = f"{LABEL_PREFIX}/task-ports"
"""On a Gateway whose tasks have their own listeners: the port range from the chart's values, such as 24000-24498."""

SERVED_BY = f"{LABEL_PREFIX}/served-by"
"""On a Gateway that only a Determined master writes: the Gateway with the slots of its ports."""
LANE_LABEL = f"{LABEL_PREFIX}/lane"
"""On the objects of a slot that only follows the routes of a Determined master: its port."""

CLAIMED_BY = f"{LABEL_PREFIX}/claimed-by"
OWNER = f"{LABEL_PREFIX}/owner"
OBJECT = f"{LABEL_PREFIX}/object"
CLAIMED_AT = f"{LABEL_PREFIX}/claimed-at"
RELEASED_AT = f"{LABEL_PREFIX}/released-at"
POD_NOTE = f"{LABEL_PREFIX}/pod"
"""On a slot that the operator claimed: NAME/UID of the pod. The uid is also the id of the task."""

EXPOSE = f"{LABEL_PREFIX}/expose"
"""The label of pods for the operator: numbers or names of container ports, separated by dots."""
PORT_WISH = f"{LABEL_PREFIX}/port"
"""An annotation of such pods: the ports of the gateway that they should get, in the order of the label's ports."""
ADDRESS, ADDRESSES = f"{LABEL_PREFIX}/address", f"{LABEL_PREFIX}/addresses"
"""Annotations that the operator writes: the address of the first port; for several ports also all, as JSON."""
EXPOSED = f"{LABEL_PREFIX}/Exposed"
"""The type of the condition that the operator writes."""

_TASK_ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")


def gateway_selector(gateway: str, namespace: str) -> str:
    """Return the label selector of every object that belongs to the Gateway of that name and namespace."""
    return f"{GATEWAY_LABEL}={gateway},{GATEWAY_NAMESPACE_LABEL}={namespace}"


def slots_selector(gateway: str, namespace: str) -> str:
    """Return the label selector of every object of the slots of the Gateway of that name and namespace."""
    return f"{gateway_selector(gateway, namespace)},{SLOT_LABEL}"


def lane_selector(gateway: str, namespace: str) -> str:
    """Return the label selector of every object of the lane's slots of the Gateway of that name and namespace."""
    return f"{gateway_selector(gateway, namespace)},{LANE_LABEL}"


def templates(gateway: str) -> str:
    """Return the name of the ConfigMap with a gateway's task routing templates."""
    return f"{gateway}-task-routing-templates"


def operator(gateway: str) -> str:
    """Return the name of the Deployment and of the Lease of a gateway's operator, in the Gateway's namespace."""
    return f"{gateway}-operator"


def resource_manager(gateway: str) -> str:
    """Return the name of the Role and the RoleBinding of a gateway's resource manager, in the Gateway's namespace."""
    return f"{gateway}-resource-manager"


def route_policy(gateway: str, namespace: str) -> str:
    """Return the name of the policy that refuses TCPRoutes from namespaces without tasks, and of its binding."""
    return f"task-routes.{gateway}.{namespace}"


def released(port: int) -> str:
    """Return a label value that no task can have, for the selector of a slot that serves none."""
    return f"released.{port}"


def check_task_id(task_id: str) -> str:
    """Return `task_id`; UsageError unless it is a label value without "." (which marks released slots)."""
    if not _TASK_ID.fullmatch(task_id):
        raise UsageError(
            f"{task_id!r} cannot be a task id",
            hint="use 1 to 63 letters, digits, '-' and '_', with a letter or a digit at both ends",
        )
    return task_id


def object_note(task_object: TaskObject | None) -> str | None:
    """Return the value of the annotation for a task's object: its kind, name and uid; None if it is not known."""
    return (
        None if task_object is None else f"{task_object.kind.rpartition('/')[2]}/{task_object.name}/{task_object.uid}"
    )


def noted_object(note: str) -> TaskObject | None:
    """Parse a value that `object_note` wrote; None if a task cannot have such an object."""
    kind, _, rest = note.partition("/")
    name, _, uid = rest.partition("/")
    known = {each.rpartition("/")[2]: each for each in (POD, JOB)}
    return TaskObject(known[kind], name, uid) if kind in known else None


def object_kind(note: str) -> str:
    """Return the kind that `object_note` wrote, empty if it wrote none."""
    return note.partition("/")[0]


def object_uid(note: str) -> str:
    """Return the uid that `object_note` wrote, empty if it wrote none."""
    return note.partition("/")[2].partition("/")[2]


def object_name(note: str) -> str:
    """Return the name that `object_note` wrote, empty if it wrote none."""
    return note.partition("/")[2].partition("/")[0]
