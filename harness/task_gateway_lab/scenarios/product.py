"""A Determined master that somebody runs, in place of clusters of our own: it is asked to do what any master does."""

from collections.abc import Sequence
from dataclasses import replace

from task_gateway_lab.master.determined import Determined
from task_gateway_lab.master.platform import Platform
from task_gateway_lab.scenarios.steps import Steps
from task_gateway_lab.scenarios.world import Given, World

ANY_MASTER = "any-master"
"""The tag of scenarios that ask no more of a master than to start, list and end tasks, and where they are."""


class Product(World):
    """A world of which nothing is known but its master; nothing is installed or removed but the tasks."""

    def __init__(
        self, given: Given, url: str, user: str, password: str, pools: dict[str, str], experiments: Sequence[int] = ()
    ) -> None:
        super().__init__(replace(given, against=("",)))
        self._login = url, user, password, pools, experiments
        self._product: Determined | None = None

    @property
    def platform(self) -> Platform:
        """The master; UsageError before the login."""
        return self._product or super().platform

    def lacks(self, needs: Sequence[str], tags: Sequence[str] = ()) -> str:
        """Return why a scenario cannot be played with nothing but a master."""
        if ANY_MASTER not in tags:
            return "it looks into the clusters, of which nothing is known but a Determined master"
        return "" if "chromium" not in needs else "a page of a Determined master wants a login by a person"

    def up(self, steps: Steps) -> None:
        """Log in."""
        with steps.step("logged in to the Determined master") as note:
            self._product = Determined(*self._login)
            self.versions["determined"] = self._product.version()
            note.detail = f"{self._login[0]}, version {self.versions['determined']}"
