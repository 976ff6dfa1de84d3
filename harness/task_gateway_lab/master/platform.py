"""What the scenarios ask of a master, whichever it is: start, list and end tasks, and where they are to be had."""

from dataclasses import dataclass, field
from typing import Protocol

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address


@dataclass(frozen=True)
class TaskRequest:
    """A task that somebody wants: a kind, the resource manager to run it, and a name; `ports` if not the kind's own."""

    kind: str
    manager: str
    id: str
    owner: str = ""
    ports: tuple[int, ...] = ()
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class RunningTask:
    """A task that runs: `addresses` are where its ports are dialled, in their order, empty if the master tells none.

    `authorization` is the header that opens a notebook; `host` is its pod's own name, empty if not known. `url` is the
    base URL of one that the operator exposes, and that no master has started.
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
        """Where the first port is dialled; ScenarioFailed if the master tells no address."""
        if not self.addresses:
            raise ScenarioFailed(f"the master reports no address of {self.kind} {self.id}", hint="task-gateway ls")
        return self.addresses[0]


class Platform(Protocol):
    """A master and its resource managers."""

    def launch(self, request: TaskRequest) -> RunningTask:
        """Start a task and return it once it is reached; the error says what is in the way, and nothing is left."""

    def tasks(self) -> list[RunningTask]:
        """Return the tasks that run."""

    def kill(self, task_id: str) -> None:
        """End a task and free its ports; fine if there is none."""

    def restart(self) -> None:
        """End the master and start it again; it finds its tasks by what the clusters have."""

    def gone(self, task_id: str) -> str:
        """Return what the master says of a task that was ended, once it says so; WaitTimeout if it does not."""

    def url(self, task_id: str) -> str:
        """Return the base URL of a task by way of the master, with a slash at its end."""
