"""Requirement: a listener is added without a new proxy: pods stay, and what is connected stays connected."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address
from task_gateway.probe import door
from task_gateway.probe.base import Lack, Seen, requirement
from task_gateway.probe.stage import ADDED, FIRST, Stage
from task_gateway.probe.tcp_route import SERVED

SETTLE_SECONDS = 10.0
"""How long is waited for a roll-out that begins only once the listener is served."""

TALK_SECONDS = 5.0


@requirement(
    5,
    "listener-update",
    "A listener is added to the Gateway; the proxy's pods keep running, and an open connection stays open.",
    after=("tcp-route",),
)
def look(stage: Stage) -> Seen | Lack:
    """Hold a connection while a listener with a route is added, and compare the proxy's pods."""
    before = stage.proxies()
    with conversation(stage.at(FIRST)) as talk:
        started = time.perf_counter()
        stage.listen(ADDED)
        stage.lead_to(ADDED, stage.backend(1))
        stage.route(ADDED)
        reached = door.first_byte(stage.at(ADDED), stage.backend(1), SERVED) - started
        time.sleep(SETTLE_SECONDS)
        cut = not talks(talk)
    after = stage.proxies()
    if after.keys() != before.keys():
        raise ScenarioFailed(f"the proxy's pods were {', '.join(before.values())}, now {', '.join(after.values())}")
    if cut:
        raise ScenarioFailed("the open connection was cut")
    pods = f"{', '.join(before.values())} kept running" if before else "no Service selects the pods of the proxy"
    return Seen(f"{pods}, the open connection too", {"reached": round(reached, 3)})


@contextmanager
def conversation(at: Address) -> Iterator[socket.socket]:
    """Lend a connection to a pod of the probe, which echoes; ScenarioFailed if it does not from the start."""
    with socket.create_connection((at.host, at.port), timeout=TALK_SECONDS) as talk:
        talk.recv(64)  # its name
        if not talks(talk):
            raise ScenarioFailed(f"{at} sends nothing back")
        yield talk


def talks(talk: socket.socket) -> bool:
    """Tell whether a word comes back through an open connection."""
    try:
        talk.sendall(b"x")
        return talk.recv(64) == b"x"
    except OSError:
        return False
