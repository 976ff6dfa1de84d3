"""Runs scenarios on an existing platform instead of temporary clusters, with what every master supports."""

from collections.abc import Sequence
from dataclasses import replace

from task_gateway_lab.master.platform import Platform
from task_gateway_lab.master.platforms.base import PLATFORMS, PlatformLogin, RunningPlatform
from task_gateway_lab.scenarios.environment import Environment, EnvironmentSpec
from task_gateway_lab.scenarios.steps import StepRecorder

ANY_MASTER = "any-master"
"""The tag of scenarios that only require a master to start, list and end tasks and to return their addresses."""


class Product(Environment):
    """An environment of which only the platform is known. Only tasks are created and removed."""

    def __init__(self, spec: EnvironmentSpec, name: str, login: PlatformLogin) -> None:
        super().__init__(replace(spec, against=("",)))
        self._name, self._open, self._login = name, PLATFORMS.get(name), login
        self._product: RunningPlatform | None = None

    @property
    def platform(self) -> Platform:
        """The platform; UsageError before the login."""
        return self._product or super().platform

    def missing_requirement(self, needs: Sequence[str], tags: Sequence[str] = ()) -> str:
        """Return why a scenario cannot run with only a master."""
        if ANY_MASTER not in tags:
            return f"it requires access to the clusters, but only the platform {self._name} is known"
        return "" if "chromium" not in needs else f"a page of {self._name} requires a login by a person"

    def up(self, steps: StepRecorder) -> None:
        """Log in."""
        with steps.step(f"logged in to {self._name}") as note:
            self._product = self._open(self._login)
            self.versions[self._name] = self._product.version()
            note.detail = f"{self._login.url}, version {self.versions[self._name]}"
