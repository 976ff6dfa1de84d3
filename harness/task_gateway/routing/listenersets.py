"""Strategy `listenersets`: a ListenerSet, a route and a Service of its own for each task."""

from task_gateway.errors import AlreadyExists, NotFound, UsageError
from task_gateway.model import Manifest
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.gateway_api import LISTENER_SET, allowed_from, is_attached
from task_gateway.routing.per_task import PerTask


@STRATEGIES.register("listenersets")
class ListenerSets(PerTask):
    """The Gateway itself is never written to, so that its limit on listeners does not count."""

    name, parent_kind = "listenersets", "ListenerSet"

    def _check(self, gateway: Manifest) -> None:
        if not self._kube.served(LISTENER_SET):
            raise UsageError(
                f"the cluster does not serve {LISTENER_SET}",
                where=self._where,
                hint="install the CRDs of Gateway API v1.5.0 or later, or use the strategy listeners",
            )
        if allowed_from(gateway["spec"]) == "None":
            raise UsageError(
                f"{self._where} takes no ListenerSets",
                where=self._where,
                hint="set spec.allowedListeners.namespaces.from of the Gateway to Same",
            )

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
        return is_attached(found, self._gateway) and all(map(self._is_mine, found["spec"]["listeners"]))
