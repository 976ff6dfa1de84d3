"""The counters of requests, CPU and memory."""

import threading
from typing import Any

import pytest

from task_gateway.errors import ApiError
from task_gateway.kube.client import Kube
from task_gateway.operator.metrics import Metrics
from task_gateway_lab.bench import meters
from task_gateway_lab.bench.meters import MeteredKube


def test_the_cpu_is_read_from_the_metrics() -> None:
    assert meters.cpu_of("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 33.37\nother 1") == 33.37
    with pytest.raises(ApiError, match="process_cpu_seconds_total"):
        meters.cpu_of("other 1")


def test_the_memory_is_that_of_the_largest_container_of_the_name() -> None:
    def pod(namespace: str, *containers: tuple[str, int]) -> dict[str, Any]:
        found = [{"name": name, "memory": {"workingSetBytes": mib << 20}} for name, mib in containers]
        return {"podRef": {"namespace": namespace}, "containers": found}

    pods = [pod("a", ("envoy", 20), ("other", 90)), pod("a", ("envoy", 30)), pod("b", ("envoy", 99)), pod("a")]
    assert meters.memory_of({"pods": pods}, "a", "envoy") == 30
    assert meters.memory_of({"pods": pods}, "a", "contour") == 0


def test_requests_are_counted_for_the_thread_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kube, "__init__", lambda self: None)
    monkeypatch.setattr(Kube, "_request", lambda *_words, **_options: {})
    kube = MeteredKube()  # type: ignore[call-arg]
    ask = kube._request
    with kube.counted() as mine:
        ask("GET", "/a", "a")
        ask("PATCH", "/a", "a", body={})
        other = threading.Thread(target=ask, args=("POST", "/a", "a"))
        other.start()
        other.join()
    ask("DELETE", "/a", "a")
    assert (mine.requests, mine.writes) == (2, 1)


def test_the_requests_of_an_operator_are_those_of_its_metrics_without_watches_and_its_lease() -> None:
    metrics = Metrics()
    for method, resource, count in (
        ("PATCH", "services", 2), ("PATCH", "pods/status", 1), ("POST", "events", 1), ("GET", "pods", 3),
        ("WATCH", "pods", 5), ("PUT", "leases", 7), ("GET", "leases", 1),
    ):  # fmt: skip
        for _ in range(count):
            metrics.requests.add(method, resource)
    found = meters.requests_of(metrics.text({}, leader=True, watch_restarts=0))
    assert (found.writes, found.requests) == (4, 7)
