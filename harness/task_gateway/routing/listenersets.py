"""Strategy `listenersets`: a ListenerSet, a route and a Service of its own for each port of a task."""

from task_gateway.errors import AlreadyExists, UsageError
from task_gateway.model import TASK_LABEL, Manifest, Task
from task_gateway.routing import claims
from task_gateway.routing.base import STRATEGIES
from task_gateway.routing.gateway_api import LISTENER_SET, allowed_from, is_attached
from task_gateway.routing.listening import listeners_of
from task_gateway.routing.per_task import PerTask


@STRATEGIES.register("listenersets")
class ListenerSets(PerTask):
    """The Gateway itself is never written to, so that its limit on listeners does not count.

    A ListenerSet lies in the namespace of the tasks, where a task's own object can own it.
    """

    name = "listenersets"
    _checked = _shared = False

    def _check(self) -> None:
        if self._checked:
            return
        if not self._kube.served(LISTENER_SET):
            raise UsageError(
                f"the cluster does not serve {LISTENER_SET}",
                where=self._where,
                hint="install the CRDs of Gateway API v1.5.0 or later, or use the strategy listeners",
            )
        spec = self._parents.gateway_object()["spec"]
        if not self._serving.read().controller.listener_sets:
            raise UsageError(
                f"the controller of {self._where} has no ListenerSets",
                where=self._where,
                hint="use the strategy slots, or listeners",
            )
        allowed = allowed_from(spec)
        if allowed == "None" or (allowed == "Same" and self._namespace != self._gateway.gateway_namespace):
            raise UsageError(
                f"{self._where} takes no ListenerSets of namespace {self._namespace}",
                where=self._where,
                hint="set spec.allowedListeners.namespaces of the Gateway so that it lets them in",
            )
        self._checked, self._shared = True, allowed != "Same"

    def _open(self, parent: Manifest, task: Task) -> bool:
        name = parent["metadata"]["name"]
        wanted = claims.owned_by(parent, task.object)
        try:
            self._kube.create(wanted)
        except AlreadyExists:
            found = self._found(name)
            if found is None:
                return False
            if (found["metadata"].get("labels") or {}).get(TASK_LABEL) == task.id:
                return True
            # Left behind by a task that had this port: whoever has the Service has the port.
            self._delete(LISTENER_SET, name, None)
            self._kube.create(wanted)
        return not self._shared or self._alone(wanted)

    def _close(self, port: int, name: str, task_id: str | None) -> None:
        self._delete(LISTENER_SET, name, task_id)

    def _alone(self, made: Manifest) -> bool:
        """Tell whether no other ListenerSet has a port of the one that was made.

        Names keep ports apart within a namespace. Of two namespaces that take one port at once, at least the one that
        looks last sees the other, and gives the port up.
        """
        ports = {each["port"] for each in made["spec"]["listeners"]}
        return not any(each.port in ports for each in self._parents.fresh() if not self._is_mine(each))

    def _found(self, name: str) -> Manifest | None:
        """Return this strategy's ListenerSet of that name, None if there is none or it is another's."""
        found = self._kube.find(LISTENER_SET, name, self._namespace)
        if found is None:
            return None
        mine = is_attached(found, self._gateway) and all(map(self._is_mine, listeners_of(found, self._gateway)))
        return found if mine else None
