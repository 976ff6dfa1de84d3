"""Strategy `listenersets`: a ListenerSet, a route and a Service of its own for each task."""

from task_gateway.errors import AlreadyExists, NotFound
from task_gateway.model import Manifest
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.per_task import LISTENER_SET, PerTask, listener_ports


@STRATEGIES.register("listenersets")
class ListenerSets(PerTask):
    """The Gateway itself is never written to, so that its limit on listeners does not count."""

    name = "listenersets"

    def _held(self) -> set[int]:
        return listener_ports([self._gateway_object(), *self._sets()])

    def _open(self, parent: Manifest) -> bool:
        try:
            self._kube.create(parent)
        except AlreadyExists:
            return self._has(parent["metadata"]["name"])
        return True

    def _close(self, port: int, name: str) -> None:
        if self._has(name):
            self._kube.delete(LISTENER_SET, name, self._gateway.gateway_namespace)

    def _has(self, name: str) -> bool:
        """Tell whether there is a ListenerSet of that name for this namespace."""
        try:
            found = self._kube.get(LISTENER_SET, name, self._gateway.gateway_namespace)
        except NotFound:
            return False
        return all(map(self._is_mine, found["spec"]["listeners"]))
