"""The login and the registry of existing platforms. To add one, add a module to this package."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from task_gateway.registry import Registry
from task_gateway_lab.master.platform import Platform


@dataclass(frozen=True)
class PlatformLogin:
    """The URL of a platform, the user, and the resource pool for each resource manager.

    `experiments` are those that its TensorBoards show. A platform without experiments ignores them.
    """

    url: str
    user: str
    password: str = field(repr=False)
    pools: Mapping[str, str]
    experiments: Sequence[int] = ()


class RunningPlatform(Platform, Protocol):
    """A platform that was not started for the run."""

    def version(self) -> str:
        """Return the platform's version."""


Open = Callable[[PlatformLogin], RunningPlatform]
"""Logs in; TaskGatewayError if the platform refuses."""

PLATFORMS: Registry[Open] = Registry("platform", "task_gateway_lab.master.platforms")
