"""A read-only snapshot of one gateway and its cluster: each object is read once, on first use."""

from collections.abc import Sequence
from functools import cached_property

from task_gateway.inventory.cluster import ClusterObjects
from task_gateway.inventory.crds import InstalledCrds
from task_gateway.inventory.gateway import GatewayObjects
from task_gateway.inventory.namespaces import TaskNamespaces
from task_gateway.inventory.proxy import Proxy
from task_gateway.inventory.target import GatewayTarget
from task_gateway.inventory.tasks import TaskObjects
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, ResourceManager
from task_gateway.routing import determined, table
from task_gateway.routing.gateway_listeners import FOREIGN, Listener
from task_gateway.routing.ports import in_range
from task_gateway.routing.strategies.base import in_order, traits_of
from task_gateway.routing.strategies.traits import Traits
from task_gateway.routing.table import Slot


class GatewaySnapshot:
    """The current state of one resource manager's gateway.

    `profile` names a writer of the Gateway other than this project's library, `user` its user, if that is not the
    kubeconfig's, and `groups` that user's groups. `namespace` limits the snapshot to the tasks of one namespace; by
    default it includes all task namespaces. ValueError if the resource manager has no gateway.
    """

    def __init__(
        self,
        target: GatewayTarget,
        strategy: str | None = None,
        *,
        profile: str = "",
        user: str = "",
        groups: Sequence[str] = (),
        namespace: str | None = None,
    ) -> None:
        if target.manager.internal_task_gateway is None:
            raise ValueError(f"resource manager {target.manager.name} has no gateway")
        self.target = target
        self.kube: Kube = target.kube
        self.manager: ResourceManager = target.manager
        self.gateway: InternalTaskGateway = target.manager.internal_task_gateway
        self.profile = profile
        self.user = user
        self.groups = tuple(groups)
        self.crds = InstalledCrds(self.kube)
        self.cluster = ClusterObjects(self.kube)
        self.objects = GatewayObjects(self.kube, self.gateway)
        self.proxy = Proxy(self.kube, self.objects)
        self._strategy = strategy
        self._chosen = namespace
        self._namespaces = TaskNamespaces(
            self.kube, self.gateway, self.objects, configured=self.manager.default_namespace, chosen=namespace
        )

    @property
    def name(self) -> str:
        """The Gateway as namespace/name."""
        return self.gateway.full_name

    @property
    def ports(self) -> range:
        """The configured port range, both ends included."""
        return in_range(self.gateway)

    @cached_property
    def strategy(self) -> str:
        """The given strategy, else the one whose objects exist, else one that creates objects per task."""
        if self._strategy is not None:
            return self._strategy
        known = in_order()
        for each in known:
            exists = any(one.use == each.name for one in self.objects.listeners) if each.per_task else self.slots
            if exists:
                return each.name
        return next(each.name for each in known if each.per_task)

    @property
    def traits(self) -> Traits:
        """The traits of the strategy."""
        return traits_of(self.strategy)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces of tasks, at least one; see `TaskNamespaces.names`."""
        return self._namespaces.names if self._chosen is None else (self._chosen,)

    @property
    def namespace(self) -> str:
        """The first namespace of tasks: the configured one, otherwise the chart's first."""
        return self.namespaces[0]

    @cached_property
    def tasks(self) -> TaskObjects:
        """The objects in the first namespace of tasks; `spaces` has those of each one."""
        return TaskObjects(self.kube, self.namespace, self.crds)

    @cached_property
    def slots(self) -> list[Slot]:
        """The slots of the gateway in all namespaces of tasks, in and outside the port range."""
        here = [each for each in self._namespaces.slot_services if each["metadata"]["namespace"] in self.namespaces]
        return [slot for slot in map(table.parse, here) if slot is not None]

    @cached_property
    def spaces(self) -> tuple["GatewaySnapshot", ...]:
        """The gateway as seen from each namespace of tasks, in the order of `namespaces`."""
        return (self,) if len(self.namespaces) == 1 else tuple(map(self.within, self.namespaces))

    def within(self, namespace: str) -> "GatewaySnapshot":
        """Return the gateway with only the slots, Services, routes and pods of one namespace; it shares the rest."""
        made = GatewaySnapshot(
            self.target,
            self.strategy,
            profile=self.profile,
            user=self.user,
            groups=self.groups,
            namespace=namespace,
        )
        made.crds, made.cluster, made.objects, made.proxy = self.crds, self.cluster, self.objects, self.proxy
        made._namespaces = self._namespaces
        return made

    @property
    def foreign_listeners(self) -> list[Listener]:
        """The listeners in the port range that belong neither to a slot nor to a task."""
        return [each for each in self.objects.listeners if each.use == FOREIGN and each.port in self.ports]

    @property
    def determined(self) -> dict[int, str]:
        """The allocation of each port of the Gateway that a Determined master holds."""
        return determined.ports(self.objects.gateway)

    @property
    def active(self) -> int:
        """The number of ports of the range that serve a task."""
        if not self.traits.per_task:
            return sum(slot.task is not None for slot in table.in_port_range(self.slots, self.ports[0], self.ports[-1]))
        return sum(each.use == self.strategy and each.port in self.ports for each in self.objects.listeners)
