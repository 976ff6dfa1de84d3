"""When system pods count as running, and when waiting for them ends early."""

from typing import Any

import pytest

from task_gateway.errors import SystemPodFailed
from task_gateway.kube.pods import SYSTEM_NAMESPACE
from task_gateway.model import Manifest
from task_gateway_lab.clusters.system_pods import MOST_RESTARTS, not_all_running


def proxy(name: str, ready: bool, restarts: int = 0, **state: Any) -> Manifest:
    container = {"name": "kube-proxy", "ready": ready, "restartCount": restarts, "state": state}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": {"name": name}, "status": {"conditions": conditions, "containerStatuses": [container]}}


CRASHED = {"waiting": {"reason": "CrashLoopBackOff"}, "lastState": {"terminated": {"exitCode": 1}}}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "there is none"),
        ([proxy("a", ready=True), proxy("b", ready=True, restarts=MOST_RESTARTS)], None),
        ([proxy("a", ready=True), proxy("b", ready=False, waiting={"reason": "ContainerCreating"})],
         f"Pod {SYSTEM_NAMESPACE}/b: container kube-proxy: ContainerCreating"),
        ([proxy("a", ready=False, restarts=MOST_RESTARTS - 1, **CRASHED)],
         f"Pod {SYSTEM_NAMESPACE}/a: container kube-proxy: CrashLoopBackOff"),
    ],
)  # fmt: skip
def test_every_pod_must_run(found: list[Manifest], said: str | None) -> None:
    assert not_all_running(found) == said


def test_one_that_is_replaced_is_waited_for() -> None:
    old = proxy("a", ready=False, restarts=MOST_RESTARTS, **CRASHED)
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not_all_running([old, proxy("b", ready=True)]) == f"Pod {SYSTEM_NAMESPACE}/a: it is being deleted"


def test_one_that_ends_again_and_again_is_not_waited_for() -> None:
    with pytest.raises(SystemPodFailed, match="CrashLoopBackOff") as failed:
        not_all_running([proxy("a", ready=False, restarts=MOST_RESTARTS, **CRASHED)])
    assert failed.value.where == f"Pod {SYSTEM_NAMESPACE}/a"
