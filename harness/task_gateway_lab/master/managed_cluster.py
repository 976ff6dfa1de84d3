"""A resource manager of the stand-in master: a cluster, the namespace of its tasks, and optionally a gateway."""

from dataclasses import dataclass, replace

from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, ResourceManager
from task_gateway.routing.gateway import TaskGateway


@dataclass(frozen=True)
class ManagedCluster:
    """One resource manager. Without a gateway, the master connects to the addresses of the pods.

    `kube` starts and ends pods. The gateway is used as `identity`, with only the permissions that the chart grants.
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
        """The gateway in the master's configuration; UsageError if there is none."""
        if self.manager.internal_task_gateway is None:
            raise UsageError(f"resource manager {self.name} has no internal_task_gateway")
        return self.manager.internal_task_gateway

    def connect(self, strategy: str = "", *, host: str = "", ports: tuple[int, int] | None = None) -> TaskGateway:
        """Return the same gateway in another configuration: with another address or other ports."""
        block = self.block
        first, last = ports or (block.gateway_port_range_start, block.gateway_port_range_end)
        told = replace(
            block, gateway_ip=host or block.gateway_ip, gateway_port_range_start=first, gateway_port_range_end=last
        )
        return TaskGateway(self.identity or self.kube, told, self.namespace, strategy)
