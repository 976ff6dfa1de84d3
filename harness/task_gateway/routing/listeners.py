"""Strategy `listeners`: a listener on the one Gateway, a route and a Service for each port, as Determined does it.

It stands beside a Determined master on the same Gateway. Its listeners have names of their own, so that the master
does not take them for leftovers when it starts again, and only fields that the master's older client keeps when it
writes the whole Gateway. A write that meets another is tried again until a deadline, not a few times at once.
"""

import threading
from collections.abc import Callable
from contextlib import suppress

from task_gateway import settings
from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest, Task
from task_gateway.polling import attempts, scattered
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.listening import listeners_of
from task_gateway.routing.per_task import PerTask

Edit = Callable[[list[Manifest]], list[Manifest] | None]
"""Takes the listeners and returns those to write, None if there is nothing to write."""


@STRATEGIES.register("listeners")
class Listeners(PerTask):
    """Every write replaces the whole Gateway, if it is still as it was read; others' listeners stay as they are."""

    name = "listeners"

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str) -> None:
        super().__init__(kube, gateway, namespace)
        self._one_at_a_time = threading.Lock()

    def _open(self, parent: Manifest, task: Task) -> bool:
        (mine,) = parent["spec"]["listeners"]

        def add(listeners: list[Manifest]) -> list[Manifest] | None:
            return None if any(each["port"] == mine["port"] for each in listeners) else [*listeners, mine]

        return bool(self._mine(self._write(add), mine["port"]))

    def _close(self, port: int, name: str, task_id: str | None) -> None:
        def remove(listeners: list[Manifest]) -> list[Manifest] | None:
            # Looked at after the Gateway was read: whoever takes the port from here on makes the write a conflict.
            holder = self._claim_of(name)
            if holder is not None and holder.task != task_id:
                return None
            mine = self._mine(listeners, port)
            kept = [each for each in listeners if each["name"] not in mine]
            # A Gateway without a listener is refused: the last one stays, reaches nothing, and is the next task's.
            return kept if kept and mine else None

        self._write(remove)

    def _mine(self, listeners: list[Manifest], port: int) -> set[str]:
        """Return the names of those at a port that were made for a task of this namespace."""
        gateway = {"metadata": {"namespace": "", "name": ""}, "spec": {"listeners": listeners}}
        found = listeners_of(gateway, self._gateway)
        return {each.name for each in found if each.port == port and self._is_mine(each)}

    def _write(self, edit: Edit) -> list[Manifest]:
        """Change the Gateway's listeners and return them as they are then; WaitTimeout if others always wrote first.

        The lock keeps the threads of one process from making each other's writes fail.
        """
        wait = settings.GATEWAY_WRITTEN
        version = ""
        for _ in attempts(wait, scattered(settings.CLAIM_PAUSE_SECONDS)):
            with self._one_at_a_time:
                gateway = self._parents.gateway_object()
                before: list[Manifest] = gateway["spec"].get("listeners") or []
                wanted = edit(before)
                if wanted is None:
                    return before
                gateway["spec"]["listeners"] = wanted
                with suppress(Conflict):
                    self._kube.replace(gateway)
                    return wanted
            version = gateway["metadata"]["resourceVersion"]
        raise wait.timed_out(f"version {version}, others wrote first", self._where)
