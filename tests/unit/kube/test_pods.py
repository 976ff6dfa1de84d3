"""The status of a pod: why it does not run, and which containers ended."""

from typing import Any

import pytest

from task_gateway.kube import pods
from task_gateway.model import Manifest

ENDED = {"exitCode": 1, "reason": "Error"}
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 20s"}


def pod(ready: str, **container: Any) -> Manifest:
    status = {"name": "kube-proxy", "ready": ready == "True", **container}
    condition = {"type": "Ready", "status": ready, "reason": "ContainersNotReady", "message": "unready"}
    return {"metadata": {"name": "p"}, "status": {"conditions": [condition], "containerStatuses": [status]}}


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (pod("True", restartCount=2, lastState={"terminated": ENDED}), None),
        ({**pod("True"), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "it is being deleted"),
        ({"metadata": {"name": "p"}}, "it has no condition Ready"),
        ({**pod("False"), "status": {**pod("False")["status"], "containerStatuses": None}},
         "Ready is False (ContainersNotReady): unready"),
        (pod("False", state={"running": {}}), "container kube-proxy: not ready"),
        (pod("False", state={"waiting": {"reason": "ContainerCreating"}}), "container kube-proxy: ContainerCreating"),
        (pod("False", state={"terminated": ENDED}, restartCount=0),
         "container kube-proxy: ended with exit code 1 (Error), restarted 0 times"),
        (pod("False", state={"waiting": BACK_OFF}, lastState={"terminated": ENDED | {"message": "too many\n"}},
             restartCount=3),
         "container kube-proxy: CrashLoopBackOff: back-off 20s, ended with exit code 1 (Error), "
         "restarted 3 times, too many"),
    ],
)  # fmt: skip
def test_why_a_pod_does_not_run(obj: Manifest, said: str | None) -> None:
    assert pods.not_running(obj) == said


def test_what_ended_and_what_was_started_again() -> None:
    again = pod("False", state={"waiting": BACK_OFF}, lastState={"terminated": ENDED}, restartCount=3)
    assert (pods.ended(again), pods.restarted(again), pods.restarts(again)) == (["kube-proxy"], ["kube-proxy"], 3)
    once = pod("False", state={"terminated": ENDED}, restartCount=0)
    assert (pods.ended(once), pods.restarted(once), pods.restarts(once)) == (["kube-proxy"], [], 0)
    assert (pods.ended({}), pods.restarted({}), pods.restarts({})) == ([], [], 0)
