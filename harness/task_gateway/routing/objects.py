"""From an object that a user names to a task: its pods carry the task's label, or are given it."""

from task_gateway.errors import NotFound, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import TASK_LABEL, Manifest, Task, TaskObject
from task_gateway.routing import names

KINDS = {"pod": POD, "pods": POD, "po": POD, "job": JOB, "jobs": JOB}
PODS_OF_JOB = "batch.kubernetes.io/job-name"


def task_of(kube: Kube, namespace: str, reference: str, ports: tuple[int, ...], owner: str = "") -> Task:
    """Return the task of `pod/NAME`, `job/NAME` or a pod's NAME; pods without the task's label are given it.

    The id is the label's value, or for an object that has none its name, where no other task is called so. UsageError
    if the reference is none, NotFound if there is no such object.
    """
    kind, name = _split(reference)
    found = _get(kube, kind, name, namespace)
    pods = [found] if kind == POD else kube.list(POD, namespace, f"{PODS_OF_JOB}={name}")
    labelled = {task for each in [found, *pods] if (task := _label(each)) is not None}
    if len(labelled) > 1:
        raise UsageError(
            f"{reference} has pods of several tasks: {', '.join(sorted(labelled))}", where=f"{kind} {name}"
        )
    if not pods and not labelled:
        raise UsageError(f"{reference} has no pod yet that could be labelled", where=f"{kind} {name}")
    task_id = labelled.pop() if labelled else _unused(kube, namespace, found)
    for pod in pods:
        if pod["metadata"].get("labels", {}).get(TASK_LABEL) != task_id:
            patch = {
                "metadata": {"labels": {TASK_LABEL: task_id}, "resourceVersion": pod["metadata"]["resourceVersion"]}
            }
            kube.patch(POD, pod["metadata"]["name"], namespace, patch)
    return Task(task_id, namespace, ports, owner, TaskObject(kind, name, found["metadata"]["uid"]))


def id_of(kube: Kube, namespace: str, reference: str) -> str:
    """Return the id of a task that is named by its id, or by `pod/NAME` or `job/NAME`."""
    if "/" not in reference:
        return names.check_task_id(reference)
    kind, name = _split(reference)
    found = _get(kube, kind, name, namespace)
    pods = kube.list(POD, namespace, f"{PODS_OF_JOB}={name}") if kind == JOB else []
    task = next((task for each in [found, *pods] if (task := _label(each)) is not None), None)
    if task is None:
        raise UsageError(f"{reference} is no task: it has no label {TASK_LABEL}", hint="task-gateway ls")
    return task


def _split(reference: str) -> tuple[str, str]:
    word, slash, name = reference.rpartition("/")
    if slash and word.lower() not in KINDS:
        raise UsageError(f"{reference!r} names neither a pod nor a job", hint="pod/NAME, job/NAME or a pod's NAME")
    return KINDS[word.lower()] if slash else POD, name


def _get(kube: Kube, kind: str, name: str, namespace: str) -> Manifest:
    try:
        return kube.get(kind, name, namespace)
    except NotFound:
        word = kind.rpartition("/")[2]
        hint = f"kubectl get {word.lower()}s --namespace {namespace}"
        raise NotFound(f"there is no {word} {name} in namespace {namespace}", status=404, hint=hint) from None


def _label(obj: Manifest) -> str | None:
    """Return the task that an object's pods belong to: by its own label, or by that of a Job's template."""
    template = (obj.get("spec") or {}).get("template") or {}
    for labels in ((template.get("metadata") or {}).get("labels"), obj["metadata"].get("labels")):
        if labels and TASK_LABEL in labels:
            return str(labels[TASK_LABEL])
    return None


def _unused(kube: Kube, namespace: str, obj: Manifest) -> str:
    """Return an id that no pod has: the object's name, or its uid where that is no id or is taken."""
    name, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
    try:
        names.check_task_id(name)
    except UsageError:
        return str(uid)
    return str(uid) if kube.list(POD, namespace, f"{TASK_LABEL}={name}") else str(name)
