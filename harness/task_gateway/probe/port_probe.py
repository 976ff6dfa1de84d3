"""Polls a port up to a thousand times a second, for the time of its first byte and of its last answer.

Envoy accepts connections on each listener, and closes them at once without an endpoint. The next attempt can follow
immediately.
"""

import socket
import struct
import time
from collections.abc import Mapping

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address
from task_gateway.polling import attempts
from task_gateway.settings import Wait

CONNECT_SECONDS = 0.25  # TCP repeats a lost first packet only after a second: a new attempt is faster
ANSWER_SECONDS = 2.0
PAUSE_SECONDS = 0.001
MANY_PAUSE_SECONDS = 0.005  # for many ports seconds matter, and attempts use CPU that all share
CLOSED_IN_A_ROW = 3  # Envoy's workers apply a change one by one
NO_LINGER = struct.pack("ii", 1, 0)  # frees the local port at once
LISTENS = Wait("listens", "Envoy accepts connections to the port", 300)
FIRST_BYTE = Wait("first-byte", "the task answers with its name", 60)
NOTHING = Wait("nothing", "connections to the port fail", 60)


def read_name(address: Address) -> str:
    """Return the name that a port sends, empty if it refuses or closes without a byte."""
    try:
        with socket.create_connection((address.host, address.port), timeout=CONNECT_SECONDS) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            connection.settimeout(ANSWER_SECONDS)
            return connection.recv(64).decode().strip()
    except OSError:
        return ""


def wait_listening(address: Address, wait: Wait = LISTENS) -> None:
    """Return when a connection to the port is accepted."""
    state = ""
    for _ in attempts(wait, PAUSE_SECONDS):
        try:
            socket.create_connection((address.host, address.port), timeout=CONNECT_SECONDS).close()
            return
        except OSError as refusal:
            state = str(refusal)
    raise wait.timed_out(state, str(address))


def wait_first_byte(address: Address, task: str, wait: Wait = FIRST_BYTE, pause: float = PAUSE_SECONDS) -> float:
    """Return the time at which the port answered for the task; ScenarioFailed if another task answers."""
    for _ in attempts(wait, pause):
        name = read_name(address)
        now = time.perf_counter()
        if name == task:
            return now
        if name:
            raise ScenarioFailed(f"{address} is the port of {task}, and {name} answered", where=str(address))
    raise wait.timed_out("nothing answers", str(address))


def wait_all_answer(tasks: Mapping[Address, str], wait: Wait = FIRST_BYTE) -> float:
    """Return the time at which the last of the ports answered for its task; ScenarioFailed if another task answers."""
    return max(wait_first_byte(address, task, wait, MANY_PAUSE_SECONDS) for address, task in tasks.items())


def wait_closed(address: Address, wait: Wait = NOTHING) -> float:
    """Return the time at which connections to the port began to fail, after several consecutive failures."""
    since, seen, name = 0.0, 0, ""
    for _ in attempts(wait, PAUSE_SECONDS):
        name = read_name(address)
        now = time.perf_counter()
        if name:
            seen = 0
        elif seen == 0:
            since, seen = now, 1
        else:
            seen += 1
        if seen == CLOSED_IN_A_ROW:
            return since
    raise wait.timed_out(f"{name} answers" if name else "it closes", str(address))
