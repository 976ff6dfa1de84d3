"""Adds listeners to the one Gateway and removes them, beside whoever else writes it, such as a Determined master.

The listeners have names of their own, so that a Determined master does not take them for leftovers when it starts
again, and only fields that the master's older client keeps when it writes the whole Gateway. A write that meets another
is tried again until a deadline, not a few times at once.
"""

import threading
from collections.abc import Callable
from contextlib import suppress

from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.polling import attempts, scattered
from task_gateway.routing.gateway_listeners import Listener
from task_gateway.routing.parents import Parents, listeners_of
from task_gateway.settings import DEFAULTS, Settings

Edit = Callable[[list[Manifest]], list[Manifest] | None]
"""Takes the listeners and returns those to write, None if there is nothing to write."""
IsMine = Callable[[Listener], bool]
"""Tells whether a listener was made for a task of the caller's namespace."""


class OwnListeners:
    """Every write replaces the whole Gateway, if it is still as it was read; others' listeners stay as they are."""

    def __init__(
        self,
        kube: Kube,
        gateway: InternalTaskGateway,
        parents: Parents,
        is_mine: IsMine,
        settings: Settings = DEFAULTS,
    ) -> None:
        self._settings = settings
        self._kube, self._gateway, self._parents, self._is_mine = kube, gateway, parents, is_mine
        self._one_at_a_time = threading.Lock()

    def add(self, listener: Manifest) -> bool:
        """Add a listener, or keep the one that is there; False if another has its port."""

        def edit(listeners: list[Manifest]) -> list[Manifest] | None:
            return None if any(each["port"] == listener["port"] for each in listeners) else [*listeners, listener]

        return bool(self._mine(self._write(edit), listener["port"]))

    def remove(self, port: int, is_taken: Callable[[], bool]) -> None:
        """Remove the listener of a port, unless the next task has taken the port by then."""

        def edit(listeners: list[Manifest]) -> list[Manifest] | None:
            # Asked after the Gateway was read: whoever takes the port from here on makes the write a conflict.
            if is_taken():
                return None
            mine = self._mine(listeners, port)
            kept = [each for each in listeners if each["name"] not in mine]
            # A Gateway without a listener is refused: the last one stays, reaches nothing, and is the next task's.
            return kept if kept and mine else None

        self._write(edit)

    def _mine(self, listeners: list[Manifest], port: int) -> set[str]:
        """Return the names of those at a port that were made for a task of this namespace."""
        gateway = {"metadata": {"namespace": "", "name": ""}, "spec": {"listeners": listeners}}
        found = listeners_of(gateway, self._gateway)
        return {each.name for each in found if each.port == port and self._is_mine(each)}

    def _write(self, edit: Edit) -> list[Manifest]:
        """Change the Gateway's listeners and return them as they are then; WaitTimeout if others always wrote first.

        The lock keeps the threads of one process from making each other's writes fail.
        """
        wait = self._settings.gateway_written
        version = ""
        for _ in attempts(wait, scattered(self._settings.claim_pause_seconds)):
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
        where = f"Gateway {self._gateway.gateway_namespace}/{self._gateway.gateway_name}"
        raise wait.timed_out(f"version {version}, others wrote first", where)
