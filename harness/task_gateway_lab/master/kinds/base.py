"""What a kind of task is: the ports it listens on, and the pod that it runs as."""

from collections.abc import Callable
from dataclasses import dataclass

from task_gateway.model import Manifest, Task
from task_gateway.registry import Registry


@dataclass(frozen=True)
class TaskKind:
    """One kind of task. `pod` takes the task and the image; the pod's secret is the Secret named like the task."""

    name: str
    ports: tuple[int, ...]
    pod: Callable[[Task, str], Manifest]


KINDS: Registry[TaskKind] = Registry("kind of task", "task_gateway_lab.master.kinds")
