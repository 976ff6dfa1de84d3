"""Measures what the restart of a component interrupts: open WebSockets, and new connections for a while."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from types import TracebackType

from task_gateway.model import Say
from task_gateway_lab.bench import http_client
from task_gateway_lab.bench.http_client import EchoConnection, HttpEndpoint
from task_gateway_lab.bench.peers.base import Connector, Peer, PeerComponent, PeerContext, PeerTarget, components_of
from task_gateway_lab.model_bench import RestartRecord

OPEN = 8
"""WebSockets that are open when a component restarts."""
KNOCK_SECONDS = 0.05
WATCHED_SECONDS = 30.0
"""How long new connections are tried after the component runs again."""
Attempt = tuple[float, bool]
"""A time, and whether a new connection was answered then."""


@dataclass(frozen=True)
class Outage:
    """How long new connections were not answered; `back` is whether they were answered at the end."""

    seconds: float
    back: bool


class Knocker:
    """Continuously opens new connections to an endpoint, in a thread, and records whether each was answered."""

    def __init__(self, endpoint: HttpEndpoint, task: str) -> None:
        self.attempts: list[Attempt] = []
        self._endpoint = endpoint
        self._task = task
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._knock, daemon=True)

    def __enter__(self) -> "Knocker":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _knock(self) -> None:
        while not self._over.wait(KNOCK_SECONDS):
            started = time.monotonic()
            self.attempts.append((started, http_client.read_name(self._endpoint) == self._task))


@dataclass
class Opened:
    """One way with open WebSockets, and with attempts of new connections."""

    echoes: Sequence[EchoConnection]
    knocker: Knocker

    def cut(self) -> int:
        """Return how many WebSockets no longer answer."""
        return sum(not each.alive() for each in self.echoes)


def measure(
    context: PeerContext,
    controller: str,
    running: Mapping[Peer, Connector],
    target: PeerTarget,
    *,
    watched: float = WATCHED_SECONDS,
    say: Say,
) -> list[RestartRecord]:
    """Restart each component in the middle of a way, with connections open through all ways."""
    found: list[RestartRecord] = []
    for component in components_of(running.keys()):
        say(f"{controller}: restarting: {component.name}")
        found += one_restart(context, controller, running, target, component, watched)
    return found


def one_restart(
    context: PeerContext,
    controller: str,
    running: Mapping[Peer, Connector],
    target: PeerTarget,
    component: PeerComponent,
    watched: float,
) -> list[RestartRecord]:
    """Restart one component, and return the record of each way."""
    with opened(running, target) as ways:
        component.restart(context)
        time.sleep(watched)
        cut = {peer: each.cut() for peer, each in ways.items()}
    return [
        record(controller, component, peer, cut[peer], outage(each.knocker.attempts)) for peer, each in ways.items()
    ]


@contextmanager
def opened(running: Mapping[Peer, Connector], target: PeerTarget) -> Iterator[dict[Peer, Opened]]:
    """Open WebSockets through each way, and try new connections until the context ends."""
    found: dict[Peer, Opened] = {}
    with ExitStack() as stack:
        for peer, connector in running.items():
            stack.callback(connector.close, target)
            endpoint = connector.open(target)
            http_client.wait_first_byte(endpoint, target.name)
            echoes = [stack.enter_context(closing(EchoConnection(endpoint))) for _ in range(OPEN)]
            found[peer] = Opened(echoes, Knocker(endpoint, target.name))
        for each in found.values():
            stack.enter_context(each.knocker)
        yield found


def record(controller: str, component: PeerComponent, peer: Peer, cut: int, lost: Outage) -> RestartRecord:
    """Return the record of one way."""
    return RestartRecord(
        controller=controller,
        part=component.name,
        in_the_middle=component in peer.middle,
        peer=peer.name,
        open=OPEN,
        cut=cut,
        away_seconds=round(lost.seconds, 2),
        back=lost.back,
    )


def outage(attempts: Sequence[Attempt]) -> Outage:
    """Return the time from the first attempt that failed to the first of those that all succeeded at the end."""
    failed = [index for index, (_, answered) in enumerate(attempts) if not answered]
    if not failed:
        return Outage(0.0, back=True)
    back = failed[-1] + 1 < len(attempts)
    end = attempts[failed[-1] + 1 if back else failed[-1]][0]
    return Outage(end - attempts[failed[0]][0], back)
