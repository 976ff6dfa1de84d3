"""The program in the probe's pods, over a real socket."""

import socket
import threading
from collections.abc import Iterator

import pytest

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address
from task_gateway.probe import backend, port_probe
from task_gateway.probe.listener_update import conversation, talks


@pytest.fixture
def address() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=backend.serve, args=(server, "one"), daemon=True).start()
        yield Address("127.0.0.1", server.getsockname()[1])


def test_it_says_its_name_to_each_connection(address: Address) -> None:
    assert [port_probe.read_name(address) for _ in range(3)] == ["one"] * 3


def test_a_connection_that_is_open_sends_back_what_comes_and_is_seen_to_be_cut(address: Address) -> None:
    with conversation(address) as talk:
        assert talks(talk)
        assert port_probe.read_name(address) == "one"
        assert talks(talk)
        talk.shutdown(socket.SHUT_RDWR)
        assert not talks(talk)


def test_what_sends_nothing_back_is_no_conversation() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_at_once() -> None:
            server.accept()[0].close()

        threading.Thread(target=close_at_once, daemon=True).start()
        with (
            pytest.raises(ScenarioFailed, match="sends nothing back"),
            conversation(Address("127.0.0.1", server.getsockname()[1])),
        ):
            pass
