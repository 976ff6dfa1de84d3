"""Checks a port with TCP connections, and waits until it answers or until connections fail.

Envoy accepts connections on every listener. If there is no endpoint, it closes them at once. So a port counts as
released if it refuses, or if it closes without a byte. HTTP servers wait for a request, so each attempt sends one.
The state of a port cannot be watched: the waits make short attempts with a small pause in between.
"""

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import Enum
from functools import partial

from task_gateway.deferred import ssl
from task_gateway.model import Address
from task_gateway.polling import attempts, doubled
from task_gateway.settings import DEFAULTS, TASK_EXPOSED, TASK_REACHABLE, TASK_REFUSED, Settings, Wait

Attempt = Callable[[Address, float], "Answer"]


class Answer(Enum):
    """The result of one attempt to reach a port; the value is its description for users."""

    REFUSED = "refused the connection"
    CLOSED = "accepted, then closed without a byte"
    SILENT = "accepted, then sent nothing"
    TALKS = "answered"
    UNREACHABLE = "could not be reached"


def probe(address: Address, timeout: float = DEFAULTS.probe_seconds) -> Answer:
    """Send one HTTP request and return the result; `timeout` in seconds, to connect and again to answer."""
    return _attempt(address, timeout, timeout, f"GET / HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())


def is_open(
    address: Address, timeout: float = DEFAULTS.probe_seconds, *, tls: bool = False, settings: Settings = DEFAULTS
) -> Answer:
    """Return the result of a connection without a request. TALKS includes a connection that stays open without data.

    Nothing is sent, because a task may use any protocol. With `tls`, if the listener terminates TLS, there is a
    handshake, because Contour's Envoy connects to the task only after it. The certificate is not verified.
    A connection has to stay open for min_open_seconds, even if `timeout` is shorter, because Envoy may close it late.
    """
    answer = _attempt(address, timeout, settings.min_open_seconds, tls=tls)
    return Answer.TALKS if answer is Answer.SILENT else answer


def wait_until_open(
    address: Address, wait: Wait = TASK_EXPOSED, *, tls: bool = False, settings: Settings = DEFAULTS
) -> None:
    """Return when a connection stays open or a byte arrives; WaitTimeout has the last Answer as `seen`."""
    _wait(address, wait, (Answer.TALKS,), partial(is_open, tls=tls, settings=settings), settings)


def wait_until_answers(address: Address, wait: Wait = TASK_REACHABLE) -> None:
    """Return when the port sends a byte; WaitTimeout has the last result."""
    _wait(address, wait, (Answer.TALKS,), probe, DEFAULTS)


def wait_until_refused(
    address: Address, wait: Wait = TASK_REFUSED, *, tls: bool = False, settings: Settings = DEFAULTS
) -> Answer:
    """Return REFUSED or CLOSED when connections to the port fail; WaitTimeout has the last result.

    With `tls` by a handshake: a listener that terminates TLS closes plain connections even if the task is reachable.
    """
    attempt: Attempt = partial(is_open, tls=True, settings=settings) if tls else probe
    return _wait(address, wait, (Answer.REFUSED, Answer.CLOSED), attempt, settings)


def _attempt(address: Address, timeout: float, patience: float, request: bytes = b"", *, tls: bool = False) -> Answer:
    """Connect within `timeout` seconds, send the request, and return the result of up to `patience` seconds."""
    try:
        connection = socket.create_connection((address.host, address.port), timeout=timeout)
    except ConnectionRefusedError:
        return Answer.REFUSED
    except ConnectionResetError:  # the connection was accepted, and reset before the handshake ended
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


def _wait(address: Address, wait: Wait, wanted: Collection[Answer], attempt: Attempt, settings: Settings) -> Answer:
    answer = Answer.UNREACHABLE
    for left in attempts(wait, doubled(settings.probe_first_pause_seconds, settings.probe_pause_seconds)):
        answer = attempt(address, max(min(settings.probe_seconds, left), 0.01))
        if answer in wanted:
            return answer
    raise wait.timed_out(f"{address} {answer.value}", str(address), seen=answer)
