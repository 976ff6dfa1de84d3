"""The task that speaks HTTP and its client, on one host."""

import threading
import time
from collections.abc import Iterator

import pytest

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.settings import Wait
from task_gateway_lab.bench import http_client, http_task
from task_gateway_lab.bench.http_client import EchoConnection, HttpEndpoint

NAME = "bench-peer-1"
SHORT = Wait("short", "it is over", 0.05)


@pytest.fixture
def endpoint() -> Iterator[HttpEndpoint]:
    with http_task.TaskServer("127.0.0.1", 0, NAME) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield HttpEndpoint("127.0.0.1", server.server_address[1])
        server.shutdown()


def test_the_name_is_the_end_of_any_path(endpoint: HttpEndpoint) -> None:
    assert http_client.read_name(endpoint) == NAME
    assert http_client.read_name(HttpEndpoint(endpoint.host, endpoint.port, "/routes/one")) == NAME


def test_a_path_that_does_not_exist_is_no_answer(endpoint: HttpEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "NAME", "other")
    assert http_client.read_name(endpoint) == ""


def test_the_first_byte_is_a_moment_after_the_call(endpoint: HttpEndpoint) -> None:
    started = time.perf_counter()
    assert started < http_client.wait_first_byte(endpoint, NAME) < time.perf_counter()


def test_the_answer_of_another_task_ends_the_measurement(endpoint: HttpEndpoint) -> None:
    with pytest.raises(ScenarioFailed, match=f"is the endpoint of other, and {NAME} answered"):
        http_client.wait_first_byte(endpoint, "other")


def test_gone_is_several_attempts_without_an_answer(endpoint: HttpEndpoint) -> None:
    with pytest.raises(WaitTimeout):
        http_client.wait_gone(endpoint, SHORT)
    http_client.wait_gone(HttpEndpoint("127.0.0.1", 1), SHORT)
    with pytest.raises(WaitTimeout):
        http_client.wait_first_byte(HttpEndpoint("127.0.0.1", 1), NAME, SHORT)


def test_connections_and_round_trips_take_time(endpoint: HttpEndpoint) -> None:
    for values in (http_client.connects(endpoint, 5), http_client.round_trips(endpoint, 5)):
        assert len(values) == 5
        assert all(value > 0 for value in values)


def test_connections_that_fail_are_left_out_and_end_the_measurement_if_all_do(
    endpoint: HttpEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[str | OSError] = iter([OSError("reset"), "", ConnectionError("it answers 503"), ""])

    def name(*_: object) -> str:
        found = next(answers)
        if isinstance(found, OSError):
            raise found
        return found

    with monkeypatch.context() as patched:
        patched.setattr(http_client, "_name", name)
        assert len(http_client.connects(endpoint, 4)) == 2
    nobody = HttpEndpoint("127.0.0.1", 1)
    with pytest.raises(ScenarioFailed, match="none of 2 new connections was answered"):
        http_client.connects(nobody, 2)
    with pytest.raises(ScenarioFailed, match="a WebSocket through"):
        http_client.round_trips(nobody, 2)


def test_streams_are_counted_together(endpoint: HttpEndpoint) -> None:
    assert http_client.streams(endpoint, 1, 0.05) > 1
    assert http_client.streams(endpoint, 3, 0.05) > 1


def test_a_stream_that_cannot_start_ends_the_measurement() -> None:
    with pytest.raises(ScenarioFailed, match="a stream through"):
        http_client.streams(HttpEndpoint("127.0.0.1", 1), 2, 0.05)


def test_a_websocket_answers_until_it_is_cut(endpoint: HttpEndpoint) -> None:
    echo = EchoConnection(endpoint)
    assert echo.alive()
    echo._socket.shutdown(2)
    assert not echo.alive()
    echo.close()


def test_a_server_that_refuses_the_websocket_is_an_error(
    endpoint: HttpEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "ECHO", "other")
    with pytest.raises(ConnectionError, match="404"):
        EchoConnection(endpoint)
