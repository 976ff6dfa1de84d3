"""The result of connections to a port, on real sockets of the loopback interface."""

import base64
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.certificates import Authority

from task_gateway.errors import WaitTimeout
from task_gateway.model import Address
from task_gateway.routing.reach import (
    Answer,
    is_open,
    probe,
    wait_until_answers,
    wait_until_open,
    wait_until_refused,
)
from task_gateway.settings import Wait

SHORT = Wait("short", "the port does as it should", 0.3)
LONG = Wait("long", "the port does as it should", 20)


def talk(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


def close(connection: socket.socket) -> None:
    """Close at once, as Envoy does on a listener without an endpoint."""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def serving(*handlers: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Serve connections one after another with the handlers; the last one stays for all that follow."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()
        listener.settimeout(0.05)

        def serve() -> None:
            served = 0
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(5)
                    handlers[min(served, len(handlers) - 1)](connection)
                served += 1

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address("127.0.0.1", listener.getsockname()[1])
        finally:
            stop.set()
            thread.join()


@contextmanager
def silent() -> Iterator[Address]:
    """A port whose connections are accepted by the kernel and never read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Address("127.0.0.1", listener.getsockname()[1])


@contextmanager
def refusing() -> Iterator[Address]:
    """A port that is bound, to reserve it, and does not listen."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Address("127.0.0.1", bound.getsockname()[1])


def test_a_server_talks() -> None:
    with serving(talk) as address:
        assert probe(address) is Answer.TALKS


@pytest.mark.parametrize("handler", [close, reset])
def test_a_listener_without_endpoint_closes(handler: Callable[[socket.socket], None]) -> None:
    with serving(handler) as address:
        assert probe(address) is Answer.CLOSED


def test_a_port_without_listener_refuses() -> None:
    with refusing() as address:
        assert probe(address) is Answer.REFUSED


def test_a_server_that_sends_nothing_is_silent() -> None:
    with silent() as address:
        assert probe(address, timeout=0.1) is Answer.SILENT


def test_an_address_without_a_route_cannot_be_reached() -> None:
    assert probe(Address("255.255.255.255", 80), timeout=0.5) is Answer.UNREACHABLE


def test_wait_until_answers_outlasts_what_comes_before() -> None:
    with serving(close, close, talk) as address:
        wait_until_answers(address, LONG)
        assert probe(address) is Answer.TALKS


def test_wait_until_refused_outlasts_the_task() -> None:
    with serving(talk, talk, close) as address:
        assert wait_until_refused(address, LONG) is Answer.CLOSED


def test_wait_until_refused_returns_a_refusal() -> None:
    with refusing() as address:
        assert wait_until_refused(address, SHORT) is Answer.REFUSED


def test_wait_until_answers_ends_with_the_last_state() -> None:
    with serving(close) as address, pytest.raises(WaitTimeout) as caught:
        wait_until_answers(address, SHORT)
    assert caught.value.name == "short"
    assert caught.value.seconds == 0.3
    assert caught.value.last_state == f"{address} accepted, then closed without a byte"


def test_the_last_attempt_before_a_wait_ends_takes_no_late_close_for_an_open_port() -> None:
    def close_late(connection: socket.socket) -> None:
        time.sleep(0.12)

    with serving(close_late) as address, pytest.raises(WaitTimeout, match="closed without a byte"):
        wait_until_open(address, SHORT)


def test_silence_is_neither_an_answer_nor_a_refusal() -> None:
    with silent() as address:
        for wait in (wait_until_answers, wait_until_refused):
            with pytest.raises(WaitTimeout, match=r"last seen: .* sent nothing"):
                wait(address, SHORT)


@pytest.fixture
def server_side(tmp_path: Path) -> ssl.SSLContext:
    """What a listener needs that ends TLS, with a certificate that nobody trusts."""
    data = Authority().secret("x", "y", "127.0.0.1")["data"]
    for key, content in data.items():
        (tmp_path / key).write_bytes(base64.b64decode(content))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    return context


@pytest.mark.parametrize(("held", "answer"), [(1.0, Answer.TALKS), (0.0, Answer.CLOSED)])
def test_where_tls_ends_it_is_what_comes_after_the_handshake_that_counts(
    server_side: ssl.SSLContext, held: float, answer: Answer
) -> None:
    def shake(connection: socket.socket) -> None:
        with server_side.wrap_socket(connection, server_side=True):
            time.sleep(held)

    with serving(shake) as address:
        assert is_open(address, tls=True) is answer


@pytest.mark.parametrize(("handler", "answer"), [(close, Answer.CLOSED), (talk, Answer.UNREACHABLE)])
def test_without_a_handshake_nothing_is_open(handler: Callable[[socket.socket], None], answer: Answer) -> None:
    with serving(handler) as address:
        assert is_open(address, tls=True) is answer


def test_a_port_that_ends_tls_is_refused_only_once_it_closes_after_the_handshake(server_side: ssl.SSLContext) -> None:
    def shaken(seconds: float) -> Callable[[socket.socket], None]:
        def shake(connection: socket.socket) -> None:
            with server_side.wrap_socket(connection, server_side=True):
                time.sleep(seconds)

        return shake

    with serving(shaken(0.5), shaken(0.5), shaken(0)) as address:
        started = time.monotonic()
        assert wait_until_refused(address, LONG, tls=True) is Answer.CLOSED
        assert time.monotonic() - started > 0.5
