"""What a running platform is opened with, and where platforms are found: a new one is a new file of this package."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from task_gateway.registry import Registry
from task_gateway_lab.master.platform import Platform


@dataclass(frozen=True)
class PlatformLogin:
    """Where a platform answers, as which user, and the resource pool of each resource manager that is used.

    `experiments` are those that its TensorBoards show; a platform without experiments ignores them.
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
