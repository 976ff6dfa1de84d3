"""The protocol of a master that scenarios use: start, list and end tasks, and return their addresses."""

from dataclasses import dataclass, field
from typing import Protocol

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address


@dataclass(frozen=True)
class TaskRequest:
    """A task to start: its kind, its resource manager, and its name; `ports` default to those of the kind."""

    kind: str
    manager: str
    id: str
    owner: str = ""
    ports: tuple[int, ...] = ()
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class RunningTask:
    """A running task: `addresses` are those of its ports, in their order, empty if the master reports none.

    `authorization` is the header to log in to a notebook. `host` is the name of its pod, empty if not known. `url` is
    the base URL of a notebook that the operator exposes and that no master started.
    """

    id: str
    kind: str
    manager: str
    owner: str
    addresses: tuple[Address, ...]
    authorization: str = field(default="", repr=False)
    host: str = ""
    url: str = ""

    @property
    def address(self) -> Address:
        """The address of the first port; ScenarioFailed if the master reports none."""
        if not self.addresses:
            raise ScenarioFailed(f"the master reports no address of {self.kind} {self.id}", hint="task-gateway ls")
        return self.addresses[0]


class Platform(Protocol):
    """A master and its resource managers."""

    def launch(self, request: TaskRequest) -> RunningTask:
        """Start a task and return it when it is reachable. On an error, which has the reason, the task is removed."""

    def tasks(self) -> list[RunningTask]:
        """Return the running tasks."""

    def kill(self, task_id: str) -> None:
        """End a task, if it exists, and free its ports."""

    def restart(self) -> None:
        """Restart the master. It finds its tasks again from the objects in the clusters."""

    def gone(self, task_id: str) -> str:
        """Wait until the master reports that a task ended, and return that reply; WaitTimeout if it does not."""

    def url(self, task_id: str) -> str:
        """Return the base URL of a task at the master, with a slash at its end."""
