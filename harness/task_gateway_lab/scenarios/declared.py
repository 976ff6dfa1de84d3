"""What a scenario is, as data: a sentence, what it needs, its moves, and how a person does each by hand."""

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
class Scene:
    """One scenario as it is played: the world it is played in, and what its moves leave for those after them.

    `folder` is for its pictures and files. `other` is a platform to use in place of the world's. `notebooks` are those
    whose cells ran, by the task. `facts` are words for the commands by hand (`$task`, `$address`); `kept` is anything
    else that a later move needs. What `later` is told is undone at the end, the last first.
    """

    world: "runtime.World"
    folder: Path
    facts: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    notebooks: dict[str, NotebookRun] = field(default_factory=dict)
    later: ExitStack = field(default_factory=ExitStack)
    screenshot: str = ""
    other: "runtime.Platform | None" = None

    @property
    def platform(self) -> "runtime.Platform":
        """The platform that its tasks are started on: the world's, or another one that a move has chosen."""
        return self.other or self.world.platform

    def picture(self, name: str) -> Path:
        """Return where to keep a picture; the last one is shown in the row."""
        self.screenshot = f"{self.folder.name}/{name}.png"
        return self.folder / f"{name}.png"


@dataclass(frozen=True)
class Move:
    """One step: what it is called, what is done (it returns what was seen), and the commands that do it by hand."""

    name: str
    do: Callable[[Scene], str]
    by_hand: str = ""


@dataclass(frozen=True)
class Scenario:
    """What is proved, in one sentence, what must be there for it (`NEEDS`), and the moves that prove it.

    One that is `alone` changes what others stand on, so that none is played beside it. Without moves it is for a
    person, and `look` says what to do and to see. `managers` are the additional resource managers of its master; one
    with others than the checklist's is played only when its name or tag is given.
    """

    name: str
    group: str
    sentence: str
    needs: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    tags: tuple[str, ...] = ()
    alone: bool = False
    look: str = ""
    managers: tuple[str, ...] = ADDITIONAL

    def by_hand(self, facts: dict[str, str]) -> tuple[str, ...]:
        """Return the lines that repeat it by hand; a word that is not known yet stays a `$word`."""
        lines = []
        for move in self.moves:
            if move.by_hand:
                lines += [f"# {move.name}", *Template(move.by_hand).safe_substitute(facts).splitlines()]
        return tuple(lines or self.look.splitlines())


SCENARIOS: Registry[Scenario] = Registry("scenario", "task_gateway_lab.scenarios", without=RUN_ONLY)


def declare(scenario: Scenario) -> Scenario:
    """Register a scenario under its name; ValueError if its group is none of GROUPS."""
    GROUPS.index(scenario.group)
    return SCENARIOS.register(scenario.name)(scenario)


def everyone() -> list[Scenario]:
    """Return all scenarios, by their groups."""
    return sorted(SCENARIOS, key=lambda each: (GROUPS.index(each.group), each.name))


def checklist() -> list[Scenario]:
    """Return the scenarios that a run without names plays: those of the checklist's resource managers."""
    return [each for each in everyone() if set(each.managers) <= set(ADDITIONAL)]
