"""Both ends of a path, on one host."""

import socket
import threading
from collections.abc import Iterator

import pytest

from task_gateway_lab.bench import dataplane, stream


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        threading.Thread(target=stream.serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def test_a_path_is_measured_in_all_three_ways(port: int) -> None:
    found = stream.measure("127.0.0.1", port, samples=20, seconds=0.05)
    assert len(found["connect"]) == len(found["round_trip"]) == 20
    assert len(found["mib_per_second"]) == 1
    assert all(value > 0 for values in found.values() for value in values)


def test_paths_take_turns_and_become_records(port: int) -> None:
    paths = [f"{name}=127.0.0.1:{port}" for name in ("pod", "gateway")]
    found = stream._paths(3, 5, 0.01, paths)
    records = [dataplane.record("contour", path, found[path]) for path in ("pod", "gateway")]
    assert [(each.path, each.samples) for each in records] == [("pod", 15), ("gateway", 15)]
    assert all(0 < each.round_trip_seconds.median <= each.round_trip_seconds.p99 for each in records)
