"""Finds the task of an object that a user names, and labels its pods with the task if they are not."""

from collections.abc import Sequence

from task_gateway.errors import Forbidden, NotFound, TaskEnded, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import TASK_LABEL, Manifest, Task, TaskObject
from task_gateway.routing import live, names
from task_gateway.routing.references import Reference, parse

PODS_OF_JOB = "batch.kubernetes.io/job-name"


def namespace_of(kube: Kube, namespaces: Sequence[str], reference: str) -> str:
    """Return the namespace that has the object. A single namespace is returned without a check.

    UsageError if several have it, or if the reference is invalid; NotFound if none has it.
    """
    meant = parse(reference)
    if len(namespaces) == 1:
        return namespaces[0]
    found, unread = [], []
    for each in namespaces:
        try:
            if kube.find(meant.kind, meant.name, each) is not None:
                found.append(each)
        except Forbidden as refused:
            unread.append(refused)
    if len(found) > 1:
        raise UsageError(
            f"there is a {meant.word} {meant.name} in several namespaces: {', '.join(found)}",
            hint=f"--namespace {' | '.join(found)}",
        )
    if not found and unread:
        raise unread[0]
    if not found:
        raise _missing(meant, namespaces)
    return found[0]


def task_of(kube: Kube, namespace: str, reference: str, ports: tuple[int, ...], owner: str = "") -> Task:
    """Return the task of `pod/NAME`, `job/NAME` or a pod's NAME, and label pods that do not have the task's label.

    The id is the label's value. Without a label it is the name of the object, unless another task has that id.
    UsageError if the reference is invalid, NotFound if there is no such object, TaskEnded if it has ended or is being
    deleted.
    """
    meant = parse(reference)
    try:
        found = kube.get(meant.kind, meant.name, namespace)
    except NotFound:
        raise _missing(meant, [namespace]) from None
    if (end := live.end_of(found)) is not None:
        raise TaskEnded(
            f"{meant.word} {meant.name} {end}: no port can lead to it",
            where=f"{meant.word} {namespace}/{meant.name}",
            hint=f"kubectl describe {meant.word.lower()} {meant.name} --namespace {namespace}",
        )
    pods = [found] if meant.kind == POD else _live_pods(kube, namespace, f"{PODS_OF_JOB}={meant.name}")
    labelled = {task for each in [found, *pods] if (task := label_of(each)) is not None}
    where = f"{meant.word} {namespace}/{meant.name}"
    if len(labelled) > 1:
        raise UsageError(f"{reference} has pods of several tasks: {', '.join(sorted(labelled))}", where=where)
    if not pods and not labelled:
        raise UsageError(f"{reference} has no pod yet that could be labelled", where=where)
    task_id = labelled.pop() if labelled else _unused(kube, namespace, found)
    for pod in pods:
        if pod["metadata"].get("labels", {}).get(TASK_LABEL) != task_id:
            patch = {
                "metadata": {"labels": {TASK_LABEL: task_id}, "resourceVersion": pod["metadata"]["resourceVersion"]}
            }
            kube.patch(POD, pod["metadata"]["name"], namespace, patch)
    return Task(task_id, namespace, ports, owner, TaskObject(meant.kind, meant.name, found["metadata"]["uid"]))


def pods_behind(kube: Kube, task: Task) -> int:
    """Return how many pods may serve a task at the same time: the existing ones, or those that its Job runs."""
    there = len(_live_pods(kube, task.namespace, f"{TASK_LABEL}={task.id}"))
    if task.object is None or task.object.kind != JOB:
        return there
    job = kube.find(JOB, task.object.name, task.namespace)
    return max(there, 0 if job is None else at_once(job))


def at_once(job: Manifest) -> int:
    """Return how many pods of a Job run at the same time: its parallelism, but at most its completions."""
    parallelism: int = job["spec"].get("parallelism", 1)
    return min(parallelism, job["spec"].get("completions") or parallelism)


def label_of(obj: Manifest) -> str | None:
    """Return the task that an object's pods belong to: by its own label, or by that of a Job's template."""
    template = (obj.get("spec") or {}).get("template") or {}
    for labels in ((template.get("metadata") or {}).get("labels"), obj["metadata"].get("labels")):
        if labels and TASK_LABEL in labels:
            return str(labels[TASK_LABEL])
    return None


def _live_pods(kube: Kube, namespace: str, labels: str) -> list[Manifest]:
    return [each for each in kube.list(POD, namespace, labels) if live.end_of(each) is None]


def _missing(meant: Reference, namespaces: Sequence[str]) -> NotFound:
    several = "namespace" if len(namespaces) == 1 else "the namespaces"
    hint = f"kubectl get {meant.word.lower()}s " + (
        f"--namespace {namespaces[0]}" if len(namespaces) == 1 else "--all-namespaces"
    )
    return NotFound(
        f"there is no {meant.word} {meant.name} in {several} {', '.join(namespaces)}", status=404, hint=hint
    )


def _unused(kube: Kube, namespace: str, obj: Manifest) -> str:
    """Return an unused id: the object's name, or its uid if the name is not a valid id or is taken."""
    name, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
    try:
        names.check_task_id(name)
    except UsageError:
        return str(uid)
    return str(uid) if kube.list(POD, namespace, f"{TASK_LABEL}={name}") else str(name)
