"""What a scenario is, as data: a sentence, what it needs, its steps, and how a person does each by hand."""

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
"""The groups of the checklist, in the order in which a person goes through it."""


@dataclass
class ScenarioCase:
    """One scenario as it is run: the environment it is run in, and what its steps leave for those after them.

    `folder` is for its pictures and files. `other_platform` is a platform to use in place of the environment's.
    `notebooks` are those whose cells ran, by the task. `facts` are words for the commands by hand (`$task`,
    `$address`); `state` is anything else that a later step needs. What `cleanup` is told is undone at the end, the
    last first.
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
        """The platform that its tasks are started on: the environment's, or another one that a step has chosen."""
        return self.other_platform or self.environment.platform

    def picture(self, name: str) -> Path:
        """Return where to keep a picture; the last one is shown in the row."""
        self.screenshot = f"{self.folder.name}/{name}.png"
        return self.folder / f"{name}.png"


@dataclass(frozen=True)
class Step:
    """One step: what it is called, what is done (it returns what was seen), and the commands that do it by hand."""

    name: str
    do: Callable[[ScenarioCase], str]
    by_hand: str = ""


@dataclass(frozen=True)
class Scenario:
    """What is proved, in one sentence, what must be there for it (`NEEDS`), and the steps that prove it.

    One that is `alone` changes what others stand on, so that none is run beside it. Without steps it is for a
    person, and `instructions` says what to do and to see. `managers` are the additional resource managers of its
    master; one with others than the checklist's is run only when its name or tag is given.
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
        """Return the lines that repeat it by hand; a word that is not known yet stays a `$word`."""
        lines = []
        for step in self.steps:
            if step.by_hand:
                lines += [f"# {step.name}", *Template(step.by_hand).safe_substitute(facts).splitlines()]
        return tuple(lines or self.instructions.splitlines())


SCENARIOS: Registry[Scenario] = Registry("scenario", "task_gateway_lab.scenarios", without=RUN_ONLY)


def declare(scenario: Scenario) -> Scenario:
    """Register a scenario under its name; ValueError if its group is none of GROUPS."""
    GROUPS.index(scenario.group)
    return SCENARIOS.register(scenario.name)(scenario)


def in_order() -> list[Scenario]:
    """Return all scenarios, by their groups."""
    return sorted(SCENARIOS, key=lambda each: (GROUPS.index(each.group), each.name))


def checklist() -> list[Scenario]:
    """Return the scenarios that a run without names runs: those of the checklist's resource managers."""
    return [each for each in in_order() if set(each.managers) <= set(ADDITIONAL)]
