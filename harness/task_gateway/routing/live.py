"""Which tasks are alive: those with a pod, or a Job that will have one."""

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import TASK_LABEL, Manifest

NO_POD = "no pod or Job of the task is there"
ENDED_POD, ENDED_JOB = ("Succeeded", "Failed"), ("Complete", "Failed")


def live_tasks(kube: Kube, namespace: str) -> set[str]:
    """Return the ids of the tasks of a namespace that have a pod, or a Job, that has not ended."""
    pods = [each for each in kube.list(POD, namespace, TASK_LABEL) if not _pod_ended(each)]
    jobs = [each for each in kube.list(JOB, namespace) if not _job_ended(each)]
    labels = [each["metadata"]["labels"] for each in pods]
    labels += [each["spec"]["template"]["metadata"].get("labels") or {} for each in jobs]
    labels += [each["metadata"].get("labels") or {} for each in jobs]
    return {each[TASK_LABEL] for each in labels if TASK_LABEL in each}


def _pod_ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in ENDED_POD


def _job_ended(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(each["type"] in ENDED_JOB and each["status"] == "True" for each in conditions)
