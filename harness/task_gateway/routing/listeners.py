"""Strategy `listeners`: a listener on the one Gateway, a route and a Service for each task, as Determined does it."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from task_gateway import settings
from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.per_task import PerTask

Edit = Callable[[list[Manifest]], list[Manifest] | None]
"""Takes the listeners and returns those to write, None if there is nothing to write."""


@STRATEGIES.register("listeners")
class Listeners(PerTask):
    """Every write replaces the whole Gateway, if it is still as it was read; others' listeners stay as they are."""

    name, parent_kind = "listeners", "Gateway"

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str) -> None:
        super().__init__(kube, gateway, namespace)
        self._one_at_a_time = threading.Lock()

    def _open(self, parent: Manifest) -> bool:
        (mine,) = parent["spec"]["listeners"]

        def add(listeners: list[Manifest]) -> list[Manifest] | None:
            return None if any(each["port"] == mine["port"] for each in listeners) else [*listeners, mine]

        listeners = self._write(add)
        return any(each["port"] == mine["port"] and self._is_mine(each) for each in listeners)

    def _close(self, port: int, name: str) -> None:
        def remove(listeners: list[Manifest]) -> list[Manifest] | None:
            kept = [each for each in listeners if each["port"] != port or not self._is_mine(each)]
            # A Gateway without a listener is refused: the last one stays, reaches nothing, and is the next task's.
            return kept if kept and len(kept) < len(listeners) else None

        self._write(remove)

    def _write(self, edit: Edit) -> list[Manifest]:
        """Change the Gateway's listeners and return them as they are then; WaitTimeout if others always wrote first.

        The lock keeps the threads of one process from making each other's writes fail.
        """
        wait = settings.GATEWAY_WRITTEN
        deadline = time.monotonic() + wait.seconds
        while True:
            with self._one_at_a_time:
                gateway = self._gateway_object()
                before: list[Manifest] = gateway["spec"].get("listeners") or []
                wanted = edit(before)
                if wanted is None:
                    return before
                gateway["spec"]["listeners"] = wanted
                with suppress(Conflict):
                    self._kube.replace(gateway)
                    return wanted
            if time.monotonic() > deadline:
                version = gateway["metadata"]["resourceVersion"]
                raise wait.timed_out(f"version {version}, others wrote first", self._where)
            time.sleep(random.uniform(0, settings.CLAIM_PAUSE_SECONDS))
