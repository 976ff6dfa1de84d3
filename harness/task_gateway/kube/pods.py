"""Reads the status of a pod: why a container does not run, and how often it was restarted."""

from task_gateway.kube.wait import condition
from task_gateway.model import Manifest

SYSTEM_NAMESPACE, KUBE_PROXY = "kube-system", "k8s-app=kube-proxy"
"""The namespace of the system pods of a cluster, and the labels of kube-proxy."""
_is_ready = condition("Ready")


def restarts(pod: Manifest) -> int:
    """Return the sum of the restarts of all containers of a pod."""
    return sum(each.get("restartCount", 0) for each in _statuses(pod))


def not_running(pod: Manifest) -> str | None:
    """Return why a pod is not Ready, with the last termination of its container; None if it is Ready."""
    if pod["metadata"].get("deletionTimestamp"):
        return "it is being deleted"
    if (said := _is_ready(pod)) is None:
        return None
    parts = [text for each in _statuses(pod) if (text := _trouble(each))]
    return "; ".join(parts) or str(said)


def restarted(pod: Manifest) -> list[str]:
    """Return the names of restarted containers, whose previous log can be read."""
    return [each["name"] for each in _statuses(pod) if each.get("restartCount", 0)]


def ended(pod: Manifest) -> list[str]:
    """Return the names of the containers that ended at least once."""
    return [each["name"] for each in _statuses(pod) if _last_end(each)]


def _trouble(container: Manifest) -> str:
    """Return why one container is not ready, empty if it is."""
    if container.get("ready"):
        return ""
    waiting = (container.get("state") or {}).get("waiting") or {}
    parts = [": ".join(part for part in (waiting.get("reason"), waiting.get("message")) if part)]
    if end := _last_end(container):
        how = f"ended with exit code {end.get('exitCode')} ({end.get('reason')})"
        parts.append(f"{how}, restarted {container.get('restartCount', 0)} times")
        parts.append((end.get("message") or "").strip())
    said = ", ".join(part for part in parts if part)
    return f"container {container['name']}: {said or 'not ready'}"


def _last_end(container: Manifest) -> Manifest | None:
    now, before = ((container.get(key) or {}).get("terminated") for key in ("state", "lastState"))
    found: Manifest | None = now or before
    return found


def _statuses(pod: Manifest) -> list[Manifest]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
