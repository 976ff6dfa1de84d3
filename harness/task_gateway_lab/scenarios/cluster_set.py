"""The clusters of one run, which are created and removed in parallel."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from task_gateway.errors import ClusterExists, ClusterUnknown
from task_gateway.model import Cluster
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind_config import IpFamily


class ClusterSet:
    """Clusters by name. It only removes the clusters that it created."""

    def __init__(self, names: Sequence[str], provider: str = "kind", ip_family: IpFamily = IpFamily.ipv4) -> None:
        self.names = tuple(names)
        self._ip_family = ip_family
        self._provider = provider
        self._made: set[str] = set()

    def up(self, say: Callable[[str], None]) -> list[Cluster]:
        """Bring all up in parallel and return them in the order of their names; ClusterExists before the first one.

        On an error or Ctrl-C this returns when no cluster is coming up any more. The thread that created a cluster
        records it for `down`, and Ctrl-C does not interrupt that thread.
        """
        for name in self.names:
            if base.folder(name).exists():
                hint = f"choose another name, or: task-gateway cluster down {name}"
                raise ClusterExists(f"a cluster called {name} is already up", where=str(base.folder(name)), hint=hint)
        with ThreadPoolExecutor(len(self.names)) as pool:
            return list(pool.map(lambda name: self._up(name, say), self.names))

    @property
    def made(self) -> list[str]:
        """The clusters that came up; failed ones are already removed, or belong to another run."""
        return [name for name in self.names if name in self._made]

    def down(self) -> None:
        """Remove the created clusters; raise the first error after all removals were tried."""
        with ThreadPoolExecutor(len(self.names)) as pool:
            going = [pool.submit(_remove, name) for name in self.made]
        for removal in going:
            removal.result()

    def _up(self, name: str, say: Callable[[str], None]) -> Cluster:
        cluster = base.up(self._provider, base.ClusterRequest(name, ip_family=self._ip_family), say=say)
        self._made.add(name)
        return cluster


def _remove(name: str) -> None:
    with suppress(ClusterUnknown):
        base.down(name)
