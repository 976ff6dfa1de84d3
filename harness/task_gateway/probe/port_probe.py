"""What a port does right now, seen as often as a thousand times a second: the first byte, and the end of answers.

Envoy accepts on each of its listeners and closes at once where no endpoint is: it can be asked again at once.
"""

import socket
import struct
import time
from collections.abc import Mapping

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address
from task_gateway.polling import attempts
from task_gateway.settings import Wait

CONNECT_SECONDS = 0.25  # a first packet that is lost is sent again only after a second: better to knock again
ANSWER_SECONDS = 2.0
PAUSE_SECONDS = 0.001
MANY_PAUSE_SECONDS = 0.005  # of many at once seconds count, and whoever knocks takes of the cores that all share
CLOSED_IN_A_ROW = 3  # Envoy's workers learn of a change one by one
NO_LINGER = struct.pack("ii", 1, 0)  # a port of this side is free again at once
LISTENS = Wait("listens", "Envoy accepts connections to the port", 300)
FIRST_BYTE = Wait("first-byte", "the task answers by its own name", 60)
NOTHING = Wait("nothing", "the port reaches nothing", 60)


def read_name(address: Address) -> str:
    """Return the name that a port says at once, empty if it refuses or closes without a byte."""
    try:
        with socket.create_connection((address.host, address.port), timeout=CONNECT_SECONDS) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            connection.settimeout(ANSWER_SECONDS)
            return connection.recv(64).decode().strip()
    except OSError:
        return ""


def wait_listening(address: Address, wait: Wait = LISTENS) -> None:
    """Return once a connection to the port is accepted."""
    state = ""
    for _ in attempts(wait, PAUSE_SECONDS):
        try:
            socket.create_connection((address.host, address.port), timeout=CONNECT_SECONDS).close()
            return
        except OSError as refusal:
            state = str(refusal)
    raise wait.timed_out(state, str(address))


def wait_first_byte(address: Address, task: str, wait: Wait = FIRST_BYTE, pause: float = PAUSE_SECONDS) -> float:
    """Return the moment at which the port answered for the task; ScenarioFailed if another answers."""
    for _ in attempts(wait, pause):
        name = read_name(address)
        now = time.perf_counter()
        if name == task:
            return now
        if name:
            raise ScenarioFailed(f"{address} is the port of {task}, and {name} answered", where=str(address))
    raise wait.timed_out("nothing answers", str(address))


def wait_all_answer(tasks: Mapping[Address, str], wait: Wait = FIRST_BYTE) -> float:
    """Return the moment at which the last of the ports answered for its task; ScenarioFailed if another answers."""
    return max(wait_first_byte(address, task, wait, MANY_PAUSE_SECONDS) for address, task in tasks.items())


def wait_closed(address: Address, wait: Wait = NOTHING) -> float:
    """Return the moment at which the port reached nothing, and stayed so for some attempts in a row."""
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
