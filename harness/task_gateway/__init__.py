"""Exposes the tasks of an ML platform at one address of another cluster: a library for masters, and a program.

The names that are exported here are the public interface. Each is imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from task_gateway.version import __version__

if TYPE_CHECKING:
    from task_gateway.errors import NoFreeSlot, NotReachable, TaskGatewayError, WaitTimeout
    from task_gateway.inventory.target import connect
    from task_gateway.model import Address, InternalTaskGateway, Task
    from task_gateway.routing.gateway import TaskGateway
    from task_gateway.settings import Settings, Wait

__all__ = [
    "Address",
    "InternalTaskGateway",
    "NoFreeSlot",
    "NotReachable",
    "Settings",
    "Task",
    "TaskGateway",
    "TaskGatewayError",
    "Wait",
    "WaitTimeout",
    "__version__",
    "connect",
]

_HOMES = {
    "errors": ("NoFreeSlot", "NotReachable", "TaskGatewayError", "WaitTimeout"),
    "inventory.target": ("connect",),
    "model": ("Address", "InternalTaskGateway", "Task"),
    "routing.gateway": ("TaskGateway",),
    "settings": ("Settings", "Wait"),
}
_HOME = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
