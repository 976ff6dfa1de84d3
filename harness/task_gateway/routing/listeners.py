"""Strategy `listeners`: a listener on the one Gateway, a route and a Service for each task, as Determined does it."""

import random
import time
from collections.abc import Callable

from task_gateway import settings
from task_gateway.errors import Conflict, Invalid, NoFreeSlot
from task_gateway.model import Manifest
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.per_task import PerTask, listener_ports

Edit = Callable[[list[Manifest]], list[Manifest] | None]
"""Takes the listeners and returns those to write, None if there is nothing to write."""


@STRATEGIES.register("listeners")
class Listeners(PerTask):
    """Every write replaces the whole Gateway, if it is still as it was read; others' listeners stay as they are."""

    name = "listeners"

    def _held(self) -> set[int]:
        return listener_ports([self._gateway_object(), *self._sets()])

    def _open(self, parent: Manifest) -> bool:
        (mine,) = parent["spec"]["listeners"]

        def add(listeners: list[Manifest]) -> list[Manifest] | None:
            return None if any(each["port"] == mine["port"] for each in listeners) else [*listeners, mine]

        try:
            listeners = self._write(add)
        except Invalid as refused:
            raise NoFreeSlot(
                f"the API server takes no more listeners: {refused.message}",
                where=refused.where,
                hint="task-gateway limits says what to raise",
            ) from refused
        return any(each["port"] == mine["port"] and self._is_mine(each) for each in listeners)

    def _close(self, port: int, name: str) -> None:
        def remove(listeners: list[Manifest]) -> list[Manifest] | None:
            kept = [each for each in listeners if each["port"] != port or not self._is_mine(each)]
            # A Gateway without a listener is refused: the last one stays, and without a Service reaches nothing.
            return kept if kept and len(kept) < len(listeners) else None

        self._write(remove)

    def _write(self, edit: Edit) -> list[Manifest]:
        """Change the Gateway's listeners and return them as they are then; WaitTimeout if others always wrote first."""
        wait = settings.GATEWAY_WRITTEN
        deadline = time.monotonic() + wait.seconds
        while True:
            gateway = self._gateway_object()
            before: list[Manifest] = gateway["spec"]["listeners"]
            wanted = edit(before)
            if wanted is None:
                return before
            gateway["spec"]["listeners"] = wanted
            try:
                self._kube.replace(gateway)
            except Conflict:
                if time.monotonic() > deadline:
                    version = gateway["metadata"]["resourceVersion"]
                    raise wait.timed_out(f"version {version}, others wrote first", "the Gateway") from None
                time.sleep(random.uniform(0, settings.CLAIM_PAUSE_SECONDS))
            else:
                return wanted
