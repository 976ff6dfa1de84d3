"""The error if kube-proxy exits, although the nodes of the cluster are Ready."""

from pathlib import Path

import pytest

from task_gateway.errors import SystemPodFailed
from task_gateway.kube.client import Kube
from task_gateway.kube.pods import SYSTEM_NAMESPACE
from task_gateway.kube.wait import wait_for
from task_gateway.model import Cluster, Manifest
from task_gateway.settings import POD_GONE
from task_gateway_lab.clusters import system_pods
from task_gateway_lab.scenarios import evidence

NO_FLAG = "--no-such-flag"
DAEMON_SET = "apps/v1/DaemonSet"


def test_a_kube_proxy_that_exits_is_an_error_with_its_last_line(kind_cluster: Cluster, tmp_path: Path) -> None:
    kube = Kube(kind_cluster)
    system_pods.wait_until_running(kube)
    (container,) = kube.get(DAEMON_SET, "kube-proxy", SYSTEM_NAMESPACE)["spec"]["template"]["spec"]["containers"]
    try:
        command(kube, [*container["command"], NO_FLAG])
        with pytest.raises(SystemPodFailed, match=NO_FLAG) as failed:
            system_pods.wait_until_running(kube)
        evidence.collect(tmp_path, failed.value, [(kind_cluster.name, kube)], [])
    finally:
        command(kube, container["command"])
        system_pods.wait_until_running(kube)
    logs = (tmp_path / kind_cluster.name / f"{SYSTEM_NAMESPACE}.log").read_text()
    assert "kube-proxy before its last restart" in logs
    assert NO_FLAG in logs


def command(kube: Kube, words: list[str]) -> None:
    """Start kube-proxy with another command, and return when its DaemonSet has replaced the pods."""
    container = {"name": "kube-proxy", "command": words}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kube.patch(DAEMON_SET, "kube-proxy", SYSTEM_NAMESPACE, body, strategic=True)
    wait_for(kube, POD_GONE, DAEMON_SET, "kube-proxy", SYSTEM_NAMESPACE, not_replaced)


def not_replaced(daemon_set: Manifest | None) -> str | None:
    found = daemon_set or {"metadata": {}, "status": {}}
    status = found["status"]
    if status.get("observedGeneration") != found["metadata"].get("generation"):
        return "the change was not seen yet"
    new, wanted = status.get("updatedNumberScheduled", 0), status.get("desiredNumberScheduled")
    return None if new == wanted else f"{new} of {wanted} pods are new"
