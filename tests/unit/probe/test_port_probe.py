"""The results at a port: an answer of another task ends the run, silence and a refusal do not."""

import socket
import threading
from collections.abc import Iterator

import pytest

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.model import Address, InternalTaskGateway
from task_gateway.probe import port_probe
from task_gateway.settings import Wait
from task_gateway_lab.bench.closed_ports import PortPool

SOON = Wait("soon", "it is so", 0.1)


class FakeListener:
    """Sends `name` on each connection, or closes it at once like Envoy without an endpoint."""

    def __init__(self) -> None:
        self.name = b""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.address = Address("127.0.0.1", self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self.name:
                    connection.sendall(self.name + b"\n")


@pytest.fixture
def listener() -> FakeListener:
    return FakeListener()


@pytest.fixture
def refusing() -> Iterator[Address]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, and not listened on
        yield Address("127.0.0.1", bound.getsockname()[1])


def test_a_port_that_closes_or_refuses_says_nothing(listener: FakeListener, refusing: Address) -> None:
    assert port_probe.read_name(listener.address) == port_probe.read_name(refusing) == ""
    port_probe.wait_closed(listener.address)
    port_probe.wait_closed(refusing)


def test_the_first_byte_counts_only_from_the_task_itself(listener: FakeListener) -> None:
    listener.name = b"bench-1"
    assert port_probe.wait_first_byte(listener.address, "bench-1") > 0
    with pytest.raises(ScenarioFailed, match="is the port of bench-2, and bench-1 answered"):
        port_probe.wait_first_byte(listener.address, "bench-2")
    with pytest.raises(ScenarioFailed):
        port_probe.wait_all_answer({listener.address: "bench-2"})


def test_waits_end_with_what_was_seen_last(listener: FakeListener, refusing: Address) -> None:
    with pytest.raises(WaitTimeout, match="nothing answers"):
        port_probe.wait_first_byte(listener.address, "bench-1", SOON)
    with pytest.raises(WaitTimeout, match="refused"):
        port_probe.wait_listening(refusing, SOON)
    port_probe.wait_listening(listener.address, SOON)
    listener.name = b"bench-1"
    with pytest.raises(WaitTimeout, match="bench-1 answers"):
        port_probe.wait_closed(listener.address, SOON)


def test_a_port_goes_to_a_task_only_after_it_was_seen_to_reach_nothing(listener: FakeListener) -> None:
    port = listener.address.port
    ports = PortPool(InternalTaskGateway("g", "n", "127.0.0.1", port, port))
    with pytest.raises(ScenarioFailed, match=f"port {port} was not seen closed before"):
        ports.take(listener.address)
    ports.see_all_closed(built=True, say=print)
    ports.take(listener.address)
    with pytest.raises(ScenarioFailed):
        ports.take(listener.address)
    ports.free(listener.address)
    ports.take(listener.address)
