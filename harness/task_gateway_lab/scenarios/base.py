"""The types and the registry of scenarios. A scenario is data: a sentence, needs, steps, and manual commands."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from task_gateway.registry import Registry
from task_gateway_lab.model_bugbash import NotebookRun
from task_gateway_lab.scenarios import RUN_ONLY, runtime
from task_gateway_lab.scenarios.places import ADDITIONAL

GROUPS = (
    "Notebooks",
    "TensorBoards",
    "Commands and shells",
    "JupyterHub",
    "When something ends",
    "When something fails",
    "Limits",
    "Configuration",
    "Operations",
    "Manual",
)
"""The groups of the checklist, in its order."""


@dataclass
class ScenarioCase:
    """The state of a scenario that runs: its environment, and the data that its steps pass on to later steps.

    `folder` is for its screenshots and files. `other_platform` is a platform to use instead of the default one.
    `notebooks` are those whose cells ran, by task. `facts` are variables of the manual commands (`$task`, `$address`).
    `state` is other data for later steps. `cleanup` runs at the end, in reverse order.
    """

    environment: "runtime.Environment"
    folder: Path
    facts: dict[str, str] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    notebooks: dict[str, NotebookRun] = field(default_factory=dict)
    cleanup: ExitStack = field(default_factory=ExitStack)
    screenshot: str = ""
    other_platform: "runtime.Platform | None" = None

    @property
    def platform(self) -> "runtime.Platform":
        """The platform that starts its tasks: the default one, or another one that a step has selected."""
        return self.other_platform or self.environment.platform

    def picture(self, name: str) -> Path:
        """Return the path for a screenshot; the row shows the last one."""
        self.screenshot = f"{self.folder.name}/{name}.png"
        return self.folder / f"{name}.png"


@dataclass(frozen=True)
class Step:
    """One step: its name, its function, which returns what was seen, and the manual commands for it."""

    name: str
    do: Callable[[ScenarioCase], str]
    by_hand: str = ""


@dataclass(frozen=True)
class Scenario:
    """One test: what it proves, in a sentence, what it requires (`NEEDS`), and its steps.

    With `alone`, no other scenario runs at the same time, because it changes what they use. Without steps it is for a
    person, and has `instructions`. `managers` are the additional resource managers of its master. If they differ from
    those of the checklist, the scenario only runs when its name or tag is given.
    """

    name: str
    group: str
    sentence: str
    needs: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    tags: tuple[str, ...] = ()
    alone: bool = False
    instructions: str = ""
    managers: tuple[str, ...] = ADDITIONAL

    def by_hand(self, facts: dict[str, str]) -> tuple[str, ...]:
        """Return the lines to repeat it manually; a variable without a value stays a `$variable`."""
        lines = []
        for step in self.steps:
            if step.by_hand:
                lines += [f"# {step.name}", *Template(step.by_hand).safe_substitute(facts).splitlines()]
        return tuple(lines or self.instructions.splitlines())


SCENARIOS: Registry[Scenario] = Registry("scenario", "task_gateway_lab.scenarios", without=RUN_ONLY)


def declare(scenario: Scenario) -> Scenario:
    """Register a scenario under its name; ValueError if its group is not in GROUPS."""
    GROUPS.index(scenario.group)
    return SCENARIOS.register(scenario.name)(scenario)


def in_order() -> list[Scenario]:
    """Return all scenarios, ordered by group."""
    return sorted(SCENARIOS, key=lambda each: (GROUPS.index(each.group), each.name))


def checklist() -> list[Scenario]:
    """Return the default scenarios of a run: those that use the resource managers of the checklist."""
    return [each for each in in_order() if set(each.managers) <= set(ADDITIONAL)]
