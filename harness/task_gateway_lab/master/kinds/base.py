"""The type and the registry of task kinds: the ports that a kind listens on, and the pod that it runs in."""

from collections.abc import Callable
from dataclasses import dataclass

from task_gateway.model import Manifest, Task
from task_gateway.registry import Registry


@dataclass(frozen=True)
class TaskKind:
    """One kind of task. `pod` builds its pod from the task and the image; the pod's Secret has the task's name."""

    name: str
    ports: tuple[int, ...]
    pod: Callable[[Task, str], Manifest]


KINDS: Registry[TaskKind] = Registry("kind of task", "task_gateway_lab.master.kinds")
