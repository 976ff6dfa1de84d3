"""One resource manager as a master sees it: a cluster, the namespace of its tasks, and perhaps a gateway."""

from dataclasses import dataclass, replace

from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, ResourceManager
from task_gateway.routing.gateway import TaskGateway


@dataclass(frozen=True)
class ManagedCluster:
    """One resource manager; without a gateway its tasks are dialled at their pods' own addresses.

    `kube` starts and ends pods. The gateway is used as `identity`, which may do no more than the chart grants.
    """

    manager: ResourceManager
    kube: Kube
    namespace: str
    gateway: TaskGateway | None = None
    identity: Kube | None = None

    @property
    def name(self) -> str:
        """The resource manager's name."""
        return self.manager.name

    @property
    def block(self) -> InternalTaskGateway:
        """What the master is told of the gateway; UsageError if there is none."""
        if self.manager.internal_task_gateway is None:
            raise UsageError(f"resource manager {self.name} has no internal_task_gateway")
        return self.manager.internal_task_gateway

    def connect(self, strategy: str = "", *, host: str = "", ports: tuple[int, int] | None = None) -> TaskGateway:
        """Return the same gateway as another master might be told of it: at another address, with other ports."""
        block = self.block
        first, last = ports or (block.gateway_port_range_start, block.gateway_port_range_end)
        told = replace(
            block, gateway_ip=host or block.gateway_ip, gateway_port_range_start=first, gateway_port_range_end=last
        )
        return TaskGateway(self.identity or self.kube, told, self.namespace, strategy)
