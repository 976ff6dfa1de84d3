"""Starts and ends the pods of a master in a cluster: those of its tasks, and the stand-in master itself."""

import secrets
from typing import Any

from task_gateway.errors import ImageMissing, ScenarioFailed
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import CONFIG_MAP, POD, SECRET
from task_gateway.kube.wait import State, condition, wait_for, wait_until_gone, wait_until_usable
from task_gateway.model import Address, Manifest, Task
from task_gateway.settings import POD_GONE, POD_READY
from task_gateway_lab.master import manifests
from task_gateway_lab.master.proxy_client import ProxyClient

MASTER = "master"
MASTER_RESOURCES: Manifest = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
_is_ready = condition("Ready")


def start_task(kube: Kube, task: Task, pod: Manifest, token: str) -> Manifest:
    """Start a task's pod with its Secret, and return the pod when it is Ready.

    After a failure both are kept, because the pod's log and events show the reason; `end_task` removes them.
    """
    kube.create(manifests.secret(task.id, task.namespace, token))
    kube.create(pod)
    return wait_for(kube, POD_READY, POD, task.id, task.namespace, not_ready)


def end_task(kube: Kube, task: Task) -> None:
    """Delete a task's pod and Secret, if they exist."""
    kube.delete(POD, task.id, task.namespace)
    kube.delete(SECRET, task.id, task.namespace)


def start_master(kube: Kube, namespace: str, image: str, address: Address) -> ProxyClient:
    """Start the master's proxy in its own namespace; `address` is that of its node, with the port to serve on."""
    kube.apply(manifests.namespace(namespace, manifests.PRIVILEGED))
    token = secrets.token_urlsafe(24)
    kube.create(manifests.secret(MASTER, namespace, token))
    kube.create(manifests.master_source(MASTER, namespace))
    wait_until_usable(kube, namespace)
    kube.create(manifests.master_pod(MASTER, namespace, image, address.port, MASTER_RESOURCES))
    wait_for(kube, POD_READY, POD, MASTER, namespace, not_ready)
    return ProxyClient(f"http://{address}", token)


def end_master(kube: Kube, namespace: str) -> None:
    """Delete the master's pod, Secret and ConfigMap, and return when the pod is gone; its tasks keep running."""
    kube.delete(POD, MASTER, namespace)
    wait_until_gone(kube, POD_GONE, POD, MASTER, namespace)
    for kind in (SECRET, CONFIG_MAP):
        kube.delete(kind, MASTER, namespace)


def not_ready(pod: Manifest | None) -> State | None:
    """Return why a pod is not Ready, None if it is; raise if waiting cannot fix it."""
    if pod is None:
        return "it does not exist"
    status: dict[str, Any] = pod.get("status") or {}
    where = f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        reason = f"{waiting.get('reason', '')}: {waiting.get('message', '')}".strip(": ")
        if waiting.get("reason") in NO_IMAGE:
            message = f"the image {container['image']} cannot be pulled: {reason}"
            raise ImageMissing(message, where=where, hint="make toolchain")
        if ended:
            message = f"container {container['name']} ended with exit code {ended['exitCode']}"
            raise ScenarioFailed(message, where=where)
        if waiting:
            return f"container {container['name']} waits: {reason}"
    for each in status.get("conditions") or []:
        if each["type"] == "PodScheduled" and each["status"] != "True":
            return f"it cannot be scheduled: {each.get('message', each.get('reason', ''))}"
    return _is_ready(pod)
