"""The program that answers for a thousand pods sends the name that belongs to the local address."""

import socket
import threading
from collections.abc import Iterator

import pytest

from task_gateway_lab.bench import answers

NETWORK, PREFIX = "127.0.0.0/16", "bench-"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("", 0)) as listener:
        threading.Thread(target=answers.serve, args=(listener, NETWORK, PREFIX), daemon=True).start()
        yield listener.getsockname()[1]


def answer_of(address: str, port: int) -> bytes:
    with socket.create_connection((address, port), timeout=5) as connection:
        return connection.recv(64)


def test_a_name_tells_how_far_into_the_network_the_address_is() -> None:
    assert answers.name_of("10.250.0.17", "10.250.0.0/16", PREFIX) == "bench-17"
    assert answers.name_of("10.250.4.1", "10.250.0.0/16", PREFIX) == "bench-1025"


def test_each_address_answers_with_its_own_name_before_a_byte_is_sent(port: int) -> None:
    assert [answer_of(f"127.0.{third}.7", port) for third in (0, 1, 2)] == [
        b"bench-7\n",
        b"bench-263\n",
        b"bench-519\n",
    ]


def test_a_connection_that_stays_open_keeps_nobody_waiting(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as open_one:
        assert open_one.recv(64) == b"bench-1\n"
        assert [answer_of("127.0.0.2", port) for _ in range(50)] == [b"bench-2\n"] * 50
