"""The process of the operator: watches the task namespaces of a gateway, elects a leader, and works on a queue."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from task_gateway.errors import TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.mirror import Mirror
from task_gateway.model import InternalTaskGateway
from task_gateway.operator import serving
from task_gateway.operator.determined.lane import LaneController
from task_gateway.operator.events import Events
from task_gateway.operator.lease import Elector
from task_gateway.operator.log import say
from task_gateway.operator.metrics import Metrics
from task_gateway.operator.namespaces import Followed, Key
from task_gateway.operator.pods import Pod
from task_gateway.operator.reached import Reached
from task_gateway.operator.request import ALL, Allowed
from task_gateway.operator.result import ExposeResult
from task_gateway.operator.work_queue import WorkQueue
from task_gateway.routing import determined_lane, names, templates
from task_gateway.routing.gateway_api import GATEWAY, first_address
from task_gateway.routing.parents import Parents
from task_gateway.routing.strategies.slots import Slots

WORKERS = 16
"""The number of concurrent tasks. A claim waits for two responses of the API server, about 10 ms each."""
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 30.0
"""The pause before a task is retried after an error: the first one, and the longest after it doubles."""
LISTENERS: Key = ("", "")
"""The key of the listeners of the gateway in the queue."""
RELEASE_SECONDS = 0.7
"""How long the shutdown waits until the Lease is freed."""


@dataclass(frozen=True)
class Options:
    """The options of the operator. `namespaces` default to those that the chart lists.

    `port` serves health and metrics; 0 selects a free one. `identity` distinguishes the holders of the Lease.
    """

    gateway: str
    gateway_namespace: str
    namespaces: tuple[str, ...] = ()
    allowed: Allowed = ALL
    port: int = 8080
    measure_reached: bool = True
    identity: str = field(default_factory=lambda: f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}")


class Operator:
    """One replica. `start` returns when everything is read; `stop` frees the Lease."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self._kube, self._options = kube, options
        self.metrics = Metrics()
        kube.sending = self.metrics.requests.add
        self._queue: WorkQueue[Key] = WorkQueue()
        self._failed: dict[Key, int] = {}
        self._followed: dict[str, Followed] = {}
        self._lane: LaneController | None = None
        self._parents: Parents | None = None
        self._gateway: Mirror[str] | None = None
        self._reached: Reached | None = None
        self._events: Events | None = None
        self._ready = False
        self._elector = Elector(
            kube,
            options.gateway_namespace,
            names.operator(options.gateway),
            options.identity,
            lambda leads: self._everybody() if leads else None,
        )
        self._server = serving.serve(options.port, lambda: self._ready, self.text)

    @property
    def port(self) -> int:
        """The port of health and metrics."""
        return int(self._server.server_address[1])

    @property
    def leads(self) -> bool:
        """Whether this replica is the leader."""
        return self._elector.leads

    def start(self) -> None:
        """Read and watch everything, and start to work. Errors of the first read are raised."""
        began, options = time.monotonic(), self._options
        home = options.gateway_namespace
        found = self._kube.get(GATEWAY, options.gateway, home)
        gateway = InternalTaskGateway(options.gateway, home, first_address(found), 1, 65535)
        chart = templates.load(self._kube, gateway)
        namespaces = options.namespaces or templates.task_namespaces({"data": dict(chart.texts)}) or (home,)
        self._events = Events(self._kube)
        if options.measure_reached:
            self._reached = Reached(self.metrics.reached_seconds, tls=chart.tls)
        self._followed = {each: self._follow(gateway, each) for each in namespaces}
        if (lane := determined_lane.described(chart.texts)) is not None:
            self._lane = LaneController(self._kube, options.gateway, home, lane, self._queue, self.metrics)
        self._parents = Parents(self._kube, gateway, changed=lambda: self._queue.add([LISTENERS]))
        self._parents.follow()
        self._gateway = Mirror(
            self._kube,
            GATEWAY,
            home,
            first_address,
            name=options.gateway,
            changed=lambda _, host: self._host(host or ""),
        )
        self._gateway.follow()
        for each in self._followed.values():
            each.follow()
        if self._lane is not None:
            self._lane.follow()
        self._listeners()
        for number in range(WORKERS):
            threading.Thread(target=self._work, name=f"works {number}", daemon=True).start()
        self._elector.start()
        self._ready = True
        say("ready", seconds=round(time.monotonic() - began, 3), namespaces=list(namespaces), pid=os.getpid())

    def stop(self) -> None:
        """Stop acting and free the Lease; return within a second."""
        self._ready = False
        self._queue.close()
        self._elector.stop(RELEASE_SECONDS)
        for each in self._followed.values():
            each.close()
        if self._lane is not None:
            self._lane.close()
        self._server.shutdown()
        self._server.server_close()

    def text(self) -> str:
        """Return the metrics in the text format."""
        counts = {name: each.space.counts() for name, each in self._followed.items()}
        gauges = {
            "exposed": {name: each.exposed for name, each in counts.items()},
            "waiting": {name: each.waiting for name, each in counts.items()},
            "free": {name: each.free for name, each in counts.items()},
        }
        if self._lane is not None:
            gauges |= self._lane.gauges()
        restarts = sum(each.restarts for each in self._followed.values()) + self._elector.restarts
        restarts += self._lane.restarts if self._lane is not None else 0
        restarts += self._gateway.restarts if self._gateway is not None else 0
        restarts += self._parents.restarts if self._parents is not None else 0
        return self.metrics.text(gauges, leader=self.leads, watch_restarts=restarts)

    def _follow(self, gateway: InternalTaskGateway, namespace: str) -> Followed:
        return Followed(
            self._kube, gateway, namespace, self._options.allowed, self.metrics, self._told, self._queue.add
        )

    def _told(self, pod: Pod, wanted: ExposeResult) -> None:
        if self._events is not None:
            self._events.tell(pod, wanted)
        fresh = [address for written, address in wanted.addresses if (written, address) not in pod.published]
        since = self._followed[pod.namespace].actor.addressed.get(pod.uid)
        if self._reached is not None and fresh and since is not None:
            self._reached.measure(fresh[0], since)

    def _listeners(self) -> None:
        """Note which ports have a foreign listener."""
        if self._parents is None:
            return
        foreign = {each.port for each in self._parents.listeners() if each.use != Slots.traits.name}
        for each in self._followed.values():
            each.wake(each.space.note_foreign(foreign))

    def _host(self, host: str) -> None:
        if self._lane is not None:
            self._lane.note_host(host)
        for each in self._followed.values():
            each.wake(each.space.note_host(host))

    def _everybody(self) -> None:
        if self._lane is not None:
            self._lane.everybody()
        for each in self._followed.values():
            each.wake(each.space.everybody())

    def _work(self) -> None:
        while (key := self._queue.get()) is not None:
            try:
                if key == LISTENERS:
                    self._listeners()
                elif not self._worker(key[0])(key[1], lambda: self.leads):
                    self._queue.add([key])
                self._failed.pop(key, None)
            except TaskGatewayError as problem:
                self._again(key, problem.message)
            except Exception as problem:
                self._again(key, f"{type(problem).__name__}: {problem}")
            finally:
                self._queue.done(key)

    def _worker(self, place: str) -> Callable[[str, Callable[[], bool]], bool]:
        """Return the function that reconciles the keys of a task namespace, or those of the lane."""
        if self._lane is not None and place == self._lane.place:
            return self._lane.work
        return self._followed[place].actor.work

    def _again(self, key: Key, message: str) -> None:
        """Retry a task after a pause that doubles with each failure."""
        self._failed[key] = failures = self._failed.get(key, 0) + 1
        pause = min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2.0 ** min(failures - 1, 16))
        self.metrics.retries.add()
        say("failed", "warning", namespace=key[0], task=key[1], message=message, again_in_seconds=pause)
        self._queue.add_after(key, pause)
