"""Waiting until pods stay unchanged, on a real API server; the test writes the status instead of a kubelet."""

import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from tests.apiserver.broken import kube_proxy, kube_proxy_status, write_status

from task_gateway.errors import SystemPodFailed, WaitTimeout
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.pods import KUBE_PROXY, SYSTEM_NAMESPACE
from task_gateway.kube.wait import wait_until_settled
from task_gateway.model import Manifest
from task_gateway.settings import Wait
from task_gateway_lab.clusters.system_pods import not_all_running

SECONDS = 2.0
NODE = "settled"
NAME = f"kube-proxy-{NODE}"


@pytest.fixture
def proxy(control_plane: Kube) -> Iterator[str]:
    control_plane.create(kube_proxy(NODE))
    yield NAME
    control_plane.delete(POD, NAME, SYSTEM_NAMESPACE)


def settle(kube: Kube, seconds: float = 10) -> list[Manifest]:
    wait = Wait("settled", "kube-proxy keeps running", seconds)
    return wait_until_settled(kube, wait, POD, SYSTEM_NAMESPACE, KUBE_PROXY, not_ready, seconds=SECONDS)


def not_ready(found: Sequence[Manifest]) -> str | None:
    """Return why pods are not ready, without an error after four restarts."""
    try:
        return not_all_running(found)
    except SystemPodFailed as failed:
        return failed.message


def test_pods_that_stay_ready_have_settled(control_plane: Kube, proxy: str) -> None:
    write_status(control_plane, POD, proxy, kube_proxy_status(ready=True), SYSTEM_NAMESPACE)
    started = time.monotonic()
    (found,) = settle(control_plane)
    assert found["metadata"]["name"] == proxy
    assert SECONDS <= time.monotonic() - started < 2 * SECONDS


def test_one_that_ends_within_the_time_has_not(control_plane: Kube, proxy: str) -> None:
    write_status(control_plane, POD, proxy, kube_proxy_status(ready=True), SYSTEM_NAMESPACE)

    def flap() -> None:
        for ready in (False, True):
            time.sleep(SECONDS / 2)
            write_status(control_plane, POD, proxy, kube_proxy_status(ready=ready), SYSTEM_NAMESPACE)

    kubelet = threading.Thread(target=flap)
    started = time.monotonic()
    kubelet.start()
    try:
        settle(control_plane)
        assert time.monotonic() - started >= 2 * SECONDS
    finally:
        kubelet.join()


def test_the_error_has_the_last_state(control_plane: Kube, proxy: str) -> None:
    write_status(control_plane, POD, proxy, kube_proxy_status(ready=False), SYSTEM_NAMESPACE)
    with pytest.raises(WaitTimeout) as late:
        settle(control_plane, seconds=1)
    assert "CrashLoopBackOff" in late.value.last_state
    assert "too many open files" in late.value.last_state


def test_without_any_pod_nothing_has_settled(control_plane: Kube) -> None:
    with pytest.raises(WaitTimeout) as late:
        settle(control_plane, seconds=1)
    assert late.value.last_state == "there is none"
