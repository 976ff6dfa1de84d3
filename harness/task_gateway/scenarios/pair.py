"""The clusters of one run, brought up side by side and taken down together."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from task_gateway.clusters import base
from task_gateway.errors import ClusterExists, ClusterUnknown, TaskGatewayError
from task_gateway.model import Cluster


class Clusters:
    """Clusters by name. Only those that this object made are ever removed by it."""

    def __init__(self, names: Sequence[str], provider: str = "kind") -> None:
        self.names = tuple(names)
        self._provider = provider
        self._coming: dict[str, Future[Cluster]] = {}

    def up(self, say: Callable[[str], None]) -> list[Cluster]:
        """Bring all up at once and return them in the order of their names; ClusterExists before any is begun.

        On an error or Ctrl-C this returns when none is coming up any more, so that `down` knows which are to go.
        """
        for name in self.names:
            if base.folder(name).exists():
                hint = f"choose another name, or: task-gateway cluster down {name}"
                raise ClusterExists(f"a cluster called {name} is already up", where=str(base.folder(name)), hint=hint)
        with ThreadPoolExecutor(len(self.names)) as pool:
            for name in self.names:
                self._coming[name] = pool.submit(base.up, self._provider, base.Wish(name), say=say)
            wait(self._coming.values())
        return [future.result() for future in self._coming.values()]

    @property
    def made(self) -> list[str]:
        """The clusters that came up; those that failed to are removed already, or are somebody else's."""
        return [name for name, future in self._coming.items() if future.done() and future.exception() is None]

    def down(self) -> None:
        """Remove all that were made; the first error is raised once every removal was tried."""
        wait(self._coming.values())
        errors: list[TaskGatewayError] = []
        for name in self.made:
            try:
                with suppress(ClusterUnknown):
                    base.down(name)
            except TaskGatewayError as error:
                errors.append(error)
        if errors:
            raise errors[0]
