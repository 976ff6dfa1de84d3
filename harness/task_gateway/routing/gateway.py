"""The gateway of one resource manager, as a master uses it: expose tasks, release them, and clean up after a crash."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from task_gateway.errors import TemplatesMismatch
from task_gateway.kube.client import Kube
from task_gateway.model import Address, Exposure, InternalTaskGateway, PortUse, Repair, Task
from task_gateway.routing import addresses as addresses_of
from task_gateway.routing import reach, readiness, templates
from task_gateway.routing.live import live_tasks
from task_gateway.routing.strategies.base import STRATEGIES, default
from task_gateway.routing.use import Use, counted
from task_gateway.settings import Settings, Wait


class TaskGateway:
    """The gateway of one resource manager, whose tasks run in `namespace`. `strategy` defaults to the default strategy.

    It is safe for threads, and any number of processes may use one gateway: each write is conditional on the version
    that was read, and the API server accepts one of them. In one process, calls for the same task wait for each other.

    `settings` default to those of the connection.

    Inside `with`, watches keep the state, and calls need not read it first. Use it in programs that expose often.
    """

    def __init__(
        self,
        kube: Kube,
        gateway: InternalTaskGateway,
        namespace: str,
        strategy: str = "",
        *,
        settings: Settings | None = None,
    ) -> None:
        self.gateway = gateway
        self.namespace = namespace
        self.strategy = strategy or default()
        self.settings = kube.settings if settings is None else settings
        self._kube = kube
        self._strategy = STRATEGIES.get(self.strategy)(kube, gateway, namespace, self.settings)
        self._lock = threading.Lock()
        self._busy: dict[str, tuple[threading.Lock, int]] = {}

    def __enter__(self) -> "TaskGateway":
        try:
            self._strategy.follow()
        except BaseException:
            self._strategy.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._strategy.close()

    def expose(self, task: Task, *, wait: Wait | bool = False) -> tuple[Address, ...]:
        """Make every port of a task reachable, or none; return the addresses in the order of its ports.

        A repeated call returns the same addresses, also after a crash. With `wait` (True: the limit in the settings) it
        returns when a connection through each address reaches a pod of the task. NotReachable names the object that
        prevents this; the task stays exposed.

        NoFreeSlot if too few ports are free; UsageError if the task is exposed with other ports or is not for this
        gateway; NoAddress, before any write, if the gateway has no address. After ClusterUnreachable the state is
        unknown: repeat the call.
        """
        addresses_of.require(self._kube, self.gateway)
        with self._alone(task.id):
            tls = bool(wait) and self._ends_tls()
            refused = partial(
                reach.wait_until_refused, wait=self.settings.task_refused, tls=tls, settings=self.settings
            )
            before_reuse = refused if wait else None
            exposed = self._strategy.expose(task, before_reuse=before_reuse)
        if wait:
            readiness.wait_until_reached(
                self._kube,
                self.gateway,
                self.namespace,
                task.id,
                exposed,
                self.settings.task_exposed if wait is True else wait,
                tls=tls,
                settings=self.settings,
            )
        return tuple(each.address for each in exposed)

    def release(self, task_id: str, *, wait: Wait | bool = False) -> None:
        """Make a task unreachable and free its ports. It is not an error if the task is not exposed.

        With `wait` (True: the limit in the settings) it returns when new connections fail. The call can be repeated.
        """
        with self._alone(task_id):
            released = self._strategy.release(task_id)
        if not wait or not released or not self.gateway.gateway_ip:
            return
        tls, limit = self._ends_tls(), self.settings.task_refused if wait is True else wait
        for address in released:
            reach.wait_until_refused(address, limit, tls=tls, settings=self.settings)

    def exposed(self, *, ready: bool = False) -> list[Exposure]:
        """Return the exposed ports in their order; with `ready` each states whether it has a ready pod."""
        found = self._strategy.exposed()
        if not ready:
            return found
        there = readiness.ready_services(self._kube, self.namespace)
        return [replace(each, ready=each.service in there) for each in found]

    def ports(self) -> PortUse:
        """Return how the ports of the range are used. For the capacity, use task-gateway limits."""
        return counted(self._strategy.ports())

    def uses(self) -> dict[int, Use]:
        """Return how each port of the range is used, as seen from this namespace; see `use.merged`."""
        return self._strategy.ports()

    def reconcile(self, *, dry_run: bool = True, grace_seconds: float | None = None) -> list[Repair]:
        """Free claims and remove objects of tasks without a pod and a Job; create missing objects of live tasks.

        Claims younger than `grace_seconds` (default: in the settings) are left alone, because their pod may not exist
        yet. Listeners, routes and Services of others are never changed. If a repair fails, its `done` is False, and the
        next call finds it again.
        """
        grace = self.settings.claim_grace_seconds if grace_seconds is None else grace_seconds
        before = datetime.now(UTC) - timedelta(seconds=grace)
        found = self._strategy.reconcile(lambda: live_tasks(self._kube, self.namespace), before, dry_run=dry_run)
        return [replace(each, namespace=self.namespace) for each in found]

    def _ends_tls(self) -> bool:
        """Return whether the listeners of tasks terminate TLS. An upgrade of the chart may change it at any time."""
        try:
            return templates.load(self._kube, self.gateway).tls
        except TemplatesMismatch:  # a release can be awaited even if the chart is uninstalled
            return False

    @contextmanager
    def _alone(self, task_id: str) -> Iterator[None]:
        """Serialize the calls for one task. The lock only exists while a call uses it."""
        with self._lock:
            lock, users = self._busy.get(task_id, (threading.Lock(), 0))
            self._busy[task_id] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._busy[task_id]
                if users == 1:
                    del self._busy[task_id]
                else:
                    self._busy[task_id] = (lock, users - 1)
