"""How a wait interprets the status of a pod."""

from typing import Any

import pytest

from task_gateway.errors import ImageMissing, ScenarioFailed
from task_gateway.reasons import Condition
from task_gateway_lab.master.launcher import not_ready


def pod(state: dict[str, Any], ready: str = "False") -> dict[str, Any]:
    container = {"name": "notebook", "image": "notebook:1", "state": state}
    conditions = [{"type": "Ready", "status": ready, "reason": "ContainersNotReady", "message": "not yet"}]
    metadata = {"name": "nb-1", "namespace": "tasks"}
    return {"metadata": metadata, "status": {"containerStatuses": [container], "conditions": conditions}}


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"])
def test_an_image_that_cannot_be_had_ends_the_wait(reason: str) -> None:
    with pytest.raises(ImageMissing, match=rf"notebook:1 cannot be pulled: {reason}: no such host") as missing:
        not_ready(pod({"waiting": {"reason": reason, "message": "no such host"}}))
    assert missing.value.where == "Pod tasks/nb-1"
    assert missing.value.hint == "make toolchain"


def test_a_container_that_ended_ends_the_wait() -> None:
    with pytest.raises(ScenarioFailed, match="notebook ended with exit code 2"):
        not_ready(pod({"terminated": {"exitCode": 2}}))


def test_what_is_awaited_is_said() -> None:
    assert not_ready(None) == "it does not exist"
    assert not_ready(pod({"waiting": {"reason": "ContainerCreating"}})) == "container notebook waits: ContainerCreating"
    assert not_ready(pod({"running": {}})) == Condition("Ready", "False", "ContainersNotReady", "not yet")
    assert not_ready({"metadata": {"name": "nb-1", "namespace": "tasks"}}) == Condition("Ready")


def test_a_ready_pod_is_ready() -> None:
    assert not_ready(pod({"running": {}}, ready="True")) is None
