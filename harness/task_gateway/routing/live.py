"""Finds the tasks that are live: those with a pod, or with a Job that will create one."""

from collections.abc import Iterable

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway.routing import names

NO_POD = "the task has no pod or Job"
ENDED_POD, ENDED_JOB = ("Succeeded", "Failed"), ("Complete", "Failed")


def live_tasks(kube: Kube, namespace: str) -> set[str]:
    """Return the ids of the tasks of a namespace that have a pod, or a Job, that has not ended; see `ids`."""
    pods = (each for labels in (TASK_LABEL, names.EXPOSE) for each in kube.list(POD, namespace, labels))
    return ids(pods, kube.list(JOB, namespace))


def ids(pods: Iterable[Manifest], jobs: Iterable[Manifest]) -> set[str]:
    """Return the task ids and the uids of those pods and Jobs that have not ended.

    The operator knows a task by the uid of its pod, and keeps the port of a pod that ended while its Job lives.
    """
    alive = [each for each in jobs if not _job_ended(each)]
    templates = [each["spec"].get("template") or {} for each in alive]
    running = [each for each in pods if not _pod_ended(each)]
    labels = [(each.get("metadata") or {}).get("labels") or {} for each in (*running, *templates, *alive)]
    uids = {str(each["metadata"]["uid"]) for each in (*running, *alive)}
    return uids | {each[TASK_LABEL] for each in labels if TASK_LABEL in each}


def end_of(obj: Manifest) -> str | None:
    """Return, as the end of a sentence, how a pod or Job ended or that it is being deleted; None if it is running."""
    if obj["metadata"].get("deletionTimestamp"):
        return "is being deleted"
    status = obj.get("status") or {}
    if _pod_ended(obj):
        return f"has ended (phase {status['phase']}{_because(status)})"
    ended = _end_of_job(obj)
    return None if ended is None else f"has ended (condition {ended['type']}{_because(ended)})"


def _pod_ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in ENDED_POD


def _job_ended(job: Manifest) -> bool:
    return _end_of_job(job) is not None


def _end_of_job(job: Manifest) -> Manifest | None:
    conditions = (job.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] in ENDED_JOB and each["status"] == "True"), None)


def _because(state: Manifest) -> str:
    return f", {state['reason']}" if state.get("reason") else ""
