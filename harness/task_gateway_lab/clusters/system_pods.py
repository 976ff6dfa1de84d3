"""Waits until kube-proxy and CoreDNS of a new cluster run and keep running, because all other pods depend on them.

The status of the DaemonSet is not sufficient: kube-proxy has no readiness probe, and is available until it exits.
"""

import time
from collections.abc import Sequence

from task_gateway.errors import SystemPodFailed, TaskGatewayError, WaitTimeout
from task_gateway.kube import pods
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.pods import KUBE_PROXY
from task_gateway.kube.pods import SYSTEM_NAMESPACE as NAMESPACE
from task_gateway.kube.wait import condition, wait_for, wait_until_settled
from task_gateway.model import Manifest
from task_gateway.settings import SERVICES_READY, SETTLED_SECONDS, Wait

DNS = "k8s-app=kube-dns"
MOST_RESTARTS = 3  # after about 40 s; the kubelet doubles its pauses from there
LOG_LINES = 5


def wait_until_running(kube: Kube) -> None:
    """Return when kube-proxy runs on each node and keeps running, and CoreDNS is available.

    SystemPodFailed if a container keeps crashing, else WaitTimeout; both have the last line of its log.
    """
    deadline = time.monotonic() + SERVICES_READY.seconds
    try:
        while True:
            proxies = wait_until_settled(
                kube,
                _left(deadline),
                POD,
                NAMESPACE,
                KUBE_PROXY,
                not_all_running,
                seconds=SETTLED_SECONDS,
            )
            wait_for(kube, _left(deadline), "apps/v1/Deployment", "coredns", NAMESPACE, condition("Available"))
            if _runs(kube.list(POD, NAMESPACE, KUBE_PROXY)) == _runs(proxies):
                return
    except WaitTimeout as late:
        raise SERVICES_READY.timed_out("; ".join((late.last_state, *_last_lines(kube))), late.where) from None
    except SystemPodFailed as failed:
        message = "; ".join((failed.message, *_last_lines(kube)))
        hint = f"task-gateway cluster up {kube.cluster.name} --keep-on-failure"
        raise SystemPodFailed(message, where=failed.where, hint=hint) from None


def not_all_running(found: Sequence[Manifest]) -> str | None:
    """Return which pod does not run, None if each does; SystemPodFailed for one that was restarted too often."""
    for pod in found:
        said = pods.not_running(pod)
        if said is None:
            continue
        where = f"Pod {NAMESPACE}/{pod['metadata']['name']}"
        if pods.restarts(pod) >= MOST_RESTARTS and not pod["metadata"].get("deletionTimestamp"):
            raise SystemPodFailed(f"a pod that all others depend on keeps failing: {said}", where=where)
        return f"{where}: {said}"
    return None if found else "there is none"


def _runs(found: Sequence[Manifest]) -> set[tuple[str, int, bool]]:
    return {(pod["metadata"]["uid"], pods.restarts(pod), pods.not_running(pod) is None) for pod in found}


def _left(deadline: float) -> Wait:
    return Wait(SERVICES_READY.name, SERVICES_READY.sentence, max(0.0, deadline - time.monotonic()))


def _last_lines(kube: Kube) -> list[str]:
    """Return the last log line of each container that ended or is not ready."""
    lines = []
    try:
        for pod in (pod for labels in (KUBE_PROXY, DNS) for pod in kube.list(POD, NAMESPACE, labels)):
            name, runs = pod["metadata"]["name"], pods.not_running(pod) is None
            for container in pods.ended(pod):
                text = kube.logs(name, NAMESPACE, container=container, lines=LOG_LINES, previous=runs)
                lines += [f"last line of {name}: {line}" for line in text.strip().splitlines()[-1:]]
    except TaskGatewayError:  # a failure here must not hide the error itself
        return lines
    return lines
