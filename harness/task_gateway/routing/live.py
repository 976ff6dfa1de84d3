"""Which tasks are alive: those with a pod, or a Job that will have one."""

from collections.abc import Iterable

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import TASK_LABEL, Manifest

NO_POD = "no pod or Job of the task is there"
ENDED_POD, ENDED_JOB = ("Succeeded", "Failed"), ("Complete", "Failed")


def live_tasks(kube: Kube, namespace: str) -> set[str]:
    """Return the ids of the tasks of a namespace that have a pod, or a Job, that has not ended."""
    return ids(kube.list(POD, namespace, TASK_LABEL), kube.list(JOB, namespace))


def ids(pods: Iterable[Manifest], jobs: Iterable[Manifest]) -> set[str]:
    """Return the ids of the tasks of those pods and Jobs that have not ended."""
    alive = [each for each in jobs if not _job_ended(each)]
    templates = [each["spec"].get("template") or {} for each in alive]
    running = [each for each in pods if not _pod_ended(each)]
    labels = [(each.get("metadata") or {}).get("labels") or {} for each in (*running, *templates, *alive)]
    return {each[TASK_LABEL] for each in labels if TASK_LABEL in each}


def _pod_ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in ENDED_POD


def _job_ended(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(each["type"] in ENDED_JOB and each["status"] == "True" for each in conditions)
