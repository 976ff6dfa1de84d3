"""Says what a port does to a caller, at the level of TCP, and waits for it to answer or to reach nothing.

Envoy accepts on every listener it has; with no endpoint behind it, it closes at once. So a released port is
one that refuses, or that closes without a byte. HTTP servers wait for a request, so each attempt sends one.
Kubernetes has no watch for what a port does: the waits make short attempts with a small pause in between.
"""

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import Enum
from functools import partial

from task_gateway import settings
from task_gateway.deferred import ssl
from task_gateway.model import Address
from task_gateway.polling import attempts, doubled
from task_gateway.settings import Wait

Attempt = Callable[[Address, float], "Answer"]


class Answer(Enum):
    """What one attempt to reach a port saw; the value is the words for a user."""

    REFUSED = "refused the connection"
    CLOSED = "accepted, then closed without a byte"
    SILENT = "accepted, then sent nothing"
    TALKS = "answered"
    UNREACHABLE = "could not be reached"


def probe(address: Address, timeout: float = settings.PROBE_SECONDS) -> Answer:
    """Send one HTTP request and say what came of it; `timeout` in seconds, to connect and again to answer."""
    return _attempt(address, timeout, timeout, f"GET / HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())


def is_open(address: Address, timeout: float = settings.PROBE_SECONDS, *, tls: bool = False) -> Answer:
    """Say what a port does to who only connects; TALKS is also one that stays open, for it waits for its client.

    Nothing is sent, since a task may speak anything; but with `tls`, where the listener ends TLS, a handshake:
    Contour's Envoy looks for the task only after it. Whose certificate it is does not matter here.
    However short `timeout` is, a connection has to stay open for HELD_SECONDS: Envoy's close may come late.
    """
    answer = _attempt(address, timeout, settings.HELD_SECONDS, tls=tls)
    return Answer.TALKS if answer is Answer.SILENT else answer


def wait_until_open(address: Address, wait: Wait = settings.TASK_EXPOSED, *, tls: bool = False) -> None:
    """Return once a connection stays open or brings a byte; WaitTimeout has the last Answer as `seen`."""
    _wait(address, wait, (Answer.TALKS,), partial(is_open, tls=tls))


def wait_until_answers(address: Address, wait: Wait = settings.TASK_REACHABLE) -> None:
    """Return once the port sends a byte; WaitTimeout says what it did last."""
    _wait(address, wait, (Answer.TALKS,), probe)


def wait_until_refused(address: Address, wait: Wait = settings.TASK_REFUSED, *, tls: bool = False) -> Answer:
    """Return REFUSED or CLOSED once the port reaches nothing; WaitTimeout says what it did last.

    With `tls` by a handshake: a listener that ends TLS closes on a request without, also while it leads to the task.
    """
    return _wait(address, wait, (Answer.REFUSED, Answer.CLOSED), partial(is_open, tls=True) if tls else probe)


def _attempt(address: Address, timeout: float, patience: float, request: bytes = b"", *, tls: bool = False) -> Answer:
    """Connect within `timeout` seconds, send the request, and say what came within `patience` seconds."""
    try:
        connection = socket.create_connection((address.host, address.port), timeout=timeout)
    except ConnectionRefusedError:
        return Answer.REFUSED
    except ConnectionResetError:  # the reset overtook the end of the handshake, which had been accepted
        return Answer.CLOSED
    except OSError:
        return Answer.UNREACHABLE
    try:
        spoken = _unverified().wrap_socket(connection) if tls else connection
    except (ConnectionError, ssl.SSLEOFError):
        return Answer.CLOSED
    except OSError:  # the handshake failed, or took too long
        return Answer.UNREACHABLE
    with spoken:
        spoken.settimeout(patience)
        try:
            with suppress(ConnectionError):
                spoken.sendall(request)
            return Answer.TALKS if spoken.recv(1) else Answer.CLOSED
        except TimeoutError:
            return Answer.SILENT
        except (ConnectionError, ssl.SSLError):
            return Answer.CLOSED


def _unverified() -> "ssl.SSLContext":
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _wait(address: Address, wait: Wait, wanted: Collection[Answer], attempt: Attempt) -> Answer:
    answer = Answer.UNREACHABLE
    for left in attempts(wait, doubled(settings.PROBE_FIRST_PAUSE_SECONDS, settings.PROBE_PAUSE_SECONDS)):
        answer = attempt(address, max(min(settings.PROBE_SECONDS, left), 0.01))
        if answer in wanted:
            return answer
    raise wait.timed_out(f"{address} {answer.value}", str(address), seen=answer)
