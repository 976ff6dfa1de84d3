"""The client of http_task.py: first bytes, round trips and streams through one endpoint, over any kind of path."""

import http.client
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from task_gateway.errors import ScenarioFailed
from task_gateway.polling import attempts
from task_gateway.settings import Wait
from task_gateway_lab.bench.http_task import ANSWER, ECHO, MESSAGE, NAME, STREAM

CONNECT_SECONDS, ANSWER_SECONDS, STREAM_SECONDS = 0.25, 2.0, 10.0
"""Timeouts: of a single connection attempt, of an answer, and of a connection or a stream in a measurement."""
PAUSE_SECONDS = 0.001
CLOSED_IN_A_ROW = 3
"""Workers of a proxy apply a change one by one."""
ROOM = 1 << 18
FIRST_BYTE = Wait("first-byte", "the task answers by its own name", 60)
GONE = Wait("gone", "the task no longer answers", 60)
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the example in RFC 6455. Any key is valid for a server."""
BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class HttpEndpoint:
    """The endpoint of a task: an address, a port, and the prefix of its paths, empty if there is none."""

    host: str
    port: int
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}{self.prefix}"


class EchoConnection:
    """A WebSocket that stays open and echoes messages."""

    def __init__(self, endpoint: HttpEndpoint) -> None:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        self._connection = _connection(endpoint)
        answer = _get(self._connection, endpoint, ECHO, headers | {"Sec-WebSocket-Key": KEY})
        if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self._connection.close()
            raise ConnectionError(f"{endpoint} answers {answer.status} to a WebSocket")
        self._socket = self._connection.sock

    def round_trip(self) -> float:
        """Send one byte and return the seconds until its echo; ConnectionError if the connection was cut."""
        started = time.perf_counter()
        self._socket.sendall(MESSAGE)
        got = b""
        while len(got) < len(ANSWER):
            piece = self._socket.recv(len(ANSWER) - len(got))
            if not piece:
                raise ConnectionError("the connection was closed")
            got += piece
        return time.perf_counter() - started

    def alive(self) -> bool:
        """Return whether a byte is still echoed."""
        try:
            self.round_trip()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def read_name(endpoint: HttpEndpoint) -> str:
    """Return the name in a task's answer to a new connection, empty if there is no answer or an error."""
    try:
        return _name(endpoint, CONNECT_SECONDS, ANSWER_SECONDS)
    except BROKEN:
        return ""


def wait_first_byte(endpoint: HttpEndpoint, task: str, wait: Wait = FIRST_BYTE) -> float:
    """Return the time at which the endpoint answered for the task; ScenarioFailed if another task answers."""
    for _ in attempts(wait, PAUSE_SECONDS):
        name = read_name(endpoint)
        now = time.perf_counter()
        if name == task:
            return now
        if name:
            raise ScenarioFailed(f"{endpoint} is the endpoint of {task}, and {name} answered", where=str(endpoint))
    raise wait.timed_out("nothing answers", str(endpoint))


def wait_gone(endpoint: HttpEndpoint, wait: Wait = GONE) -> None:
    """Return after several consecutive attempts without an answer."""
    silent = 0
    for _ in attempts(wait, PAUSE_SECONDS):
        silent = 0 if read_name(endpoint) else silent + 1
        if silent == CLOSED_IN_A_ROW:
            return
    raise wait.timed_out("it answers", str(endpoint))


def connects(endpoint: HttpEndpoint, samples: int) -> list[float]:
    """Return the seconds until the answer on each of `samples` new connections, without those that failed.

    ScenarioFailed if all failed.
    """
    found, last = list[float](), ""
    for _ in range(samples):
        started = time.perf_counter()
        try:
            _name(endpoint)
        except BROKEN as problem:
            last = str(problem)
        else:
            found.append(time.perf_counter() - started)
    if not found:
        raise ScenarioFailed(f"none of {samples} new connections was answered: {last}", where=str(endpoint))
    return found


def round_trips(endpoint: HttpEndpoint, samples: int) -> list[float]:
    """Return the seconds of round trips over one WebSocket; ScenarioFailed if it was cut."""
    try:
        echo = EchoConnection(endpoint)
        try:
            return [echo.round_trip() for _ in range(samples)]
        finally:
            echo.close()
    except BROKEN as problem:
        raise ScenarioFailed(f"a WebSocket through {endpoint} ended: {problem}", where=str(endpoint)) from None


def streams(endpoint: HttpEndpoint, number: int, seconds: float) -> float:
    """Return the total MiB per second of simultaneous streams."""
    totals = [0] * number
    together = threading.Barrier(number)
    problems: list[Exception] = []

    def read(index: int) -> None:
        try:
            totals[index] = _read(endpoint, seconds, together)
        except (*BROKEN, threading.BrokenBarrierError) as problem:
            together.abort()
            problems.append(problem)

    threads = [threading.Thread(target=read, args=(index,), daemon=True) for index in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if problems:
        raise ScenarioFailed(f"a stream through {endpoint} ended: {problems[0]}", where=str(endpoint))
    return sum(totals) / (1 << 20) / seconds


def _read(endpoint: HttpEndpoint, seconds: float, together: threading.Barrier) -> int:
    """Return the bytes of a stream. It is read at once, because an unread one blocks all others of a port-forward."""
    connection, room, read = _connection(endpoint), bytearray(ROOM), 0
    try:
        together.wait()
        started = time.perf_counter()
        answer = _get(connection, endpoint, STREAM, {})
        if answer.status != HTTPStatus.OK:
            raise ConnectionError(f"it answers {answer.status}")
        while time.perf_counter() - started < seconds:
            if not (got := answer.readinto(room)):
                raise ConnectionError("the stream was closed")
            read += got
        return read
    finally:
        connection.close()


def _name(endpoint: HttpEndpoint, *timeouts: float) -> str:
    """Return the name in a task's answer; ConnectionError if a proxy answers with an error."""
    connection = _connection(endpoint, *timeouts)
    try:
        answer = _get(connection, endpoint, NAME, {"Connection": "close"})
        if answer.status != HTTPStatus.OK:
            raise ConnectionError(f"{endpoint} answers {answer.status}")
        return answer.read().decode()
    finally:
        connection.close()


def _connection(
    endpoint: HttpEndpoint, connect: float = STREAM_SECONDS, answer: float = STREAM_SECONDS
) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=connect)
    connection.connect()
    connection.sock.settimeout(answer)
    return connection


def _get(
    connection: http.client.HTTPConnection, endpoint: HttpEndpoint, what: str, headers: dict[str, str]
) -> http.client.HTTPResponse:
    try:
        connection.request("GET", f"{endpoint.prefix}/{what}", headers=headers)
        return connection.getresponse()
    except BROKEN:
        with suppress(OSError):
            connection.close()
        raise
