"""Adds listeners to the Gateway and removes them, while other clients, such as a Determined master, also write it.

The names differ from those of a Determined master, which would otherwise remove the listeners as leftovers when it
restarts. The listeners only have fields that its older client keeps when it writes the whole Gateway. After a conflict,
a write is repeated until a deadline.
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
"""Returns the listeners to write for the current ones, None if there is nothing to write."""
IsMine = Callable[[Listener], bool]
"""Returns whether a listener was created for a task of the caller's namespace."""


class OwnListeners:
    """Writes our listeners. A write replaces the whole Gateway if it has not changed, and keeps all other listeners."""

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
        """Add a listener, or keep the existing one; False if another listener has its port."""

        def edit(listeners: list[Manifest]) -> list[Manifest] | None:
            return None if any(each["port"] == listener["port"] for each in listeners) else [*listeners, listener]

        return bool(self._mine(self._write(edit), listener["port"]))

    def remove(self, port: int, is_taken: Callable[[], bool]) -> None:
        """Remove the listener of a port, unless the next task has taken the port meanwhile."""

        def edit(listeners: list[Manifest]) -> list[Manifest] | None:
            # Checked after the Gateway was read: if another client takes the port from now on, the write conflicts.
            if is_taken():
                return None
            mine = self._mine(listeners, port)
            kept = [each for each in listeners if each["name"] not in mine]
            # A Gateway needs a listener: the last one stays without a route until the next task uses it.
            return kept if kept and mine else None

        self._write(edit)

    def _mine(self, listeners: list[Manifest], port: int) -> set[str]:
        """Return the names of the listeners at a port that were created for a task of this namespace."""
        gateway = {"metadata": {"namespace": "", "name": ""}, "spec": {"listeners": listeners}}
        found = listeners_of(gateway, self._gateway)
        return {each.name for each in found if each.port == port and self._is_mine(each)}

    def _write(self, edit: Edit) -> list[Manifest]:
        """Change the Gateway's listeners and return the new ones; WaitTimeout if each write conflicts.

        The lock prevents conflicts between the threads of one process.
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
        where = f"Gateway {self._gateway.full_name}"
        raise wait.timed_out(f"version {version}, others wrote first", where)
