"""One resource manager as a master sees it: a cluster, the namespace of its tasks, and perhaps a gateway."""

from dataclasses import dataclass

from task_gateway.kube.client import Kube
from task_gateway.model import ResourceManager
from task_gateway.routing.gateway import TaskGateway


@dataclass(frozen=True)
class Side:
    """One resource manager; without a gateway its tasks are dialled at their pods' own addresses."""

    manager: ResourceManager
    kube: Kube
    namespace: str
    gateway: TaskGateway | None = None

    @property
    def name(self) -> str:
        """The resource manager's name."""
        return self.manager.name
