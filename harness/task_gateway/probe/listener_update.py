"""Requirement: a listener is added without a new proxy. Pods keep running, and connections stay open."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address
from task_gateway.probe import port_probe
from task_gateway.probe.base import Met, NotSupported, requirement
from task_gateway.probe.fixture import ADDED, FIRST, ProbeFixture
from task_gateway.probe.tcp_route import SERVED

SETTLE_SECONDS = 10.0
"""How long to wait for a roll-out that only begins after the listener is served."""

TALK_SECONDS = 5.0


@requirement(
    5,
    "listener-update",
    "A listener is added to the Gateway; the proxy's pods keep running, and an open connection stays open.",
    depends_on=("tcp-route",),
)
def check_listener_update(fixture: ProbeFixture) -> Met | NotSupported:
    """Keep a connection open while a listener with a route is added, and compare the proxy's pods."""
    before = fixture.proxies()
    with conversation(fixture.at(FIRST)) as talk:
        started = time.perf_counter()
        fixture.listen(ADDED)
        fixture.lead_to(ADDED, fixture.backend(1))
        fixture.route(ADDED)
        reached = port_probe.wait_first_byte(fixture.at(ADDED), fixture.backend(1), SERVED) - started
        time.sleep(SETTLE_SECONDS)
        cut = not talks(talk)
    after = fixture.proxies()
    if after.keys() != before.keys():
        raise ScenarioFailed(f"the proxy's pods were {', '.join(before.values())}, now {', '.join(after.values())}")
    if cut:
        raise ScenarioFailed("the open connection was cut")
    pods = f"{', '.join(before.values())} kept running" if before else "no Service selects the pods of the proxy"
    return Met(f"{pods}, the open connection too", {"reached": round(reached, 3)})


@contextmanager
def conversation(at: Address) -> Iterator[socket.socket]:
    """Open a connection to a pod of the probe, which echoes; ScenarioFailed if it does not."""
    with socket.create_connection((at.host, at.port), timeout=TALK_SECONDS) as talk:
        talk.recv(64)  # its name
        if not talks(talk):
            raise ScenarioFailed(f"{at} sends nothing back")
        yield talk


def talks(talk: socket.socket) -> bool:
    """Return whether an open connection echoes data."""
    try:
        talk.sendall(b"x")
        return talk.recv(64) == b"x"
    except OSError:
        return False
