"""What a requirement on a controller is, and where requirements are found: one is a function in a module of here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from task_gateway.probe.fixture import ProbeFixture
from task_gateway.registry import Registry


class RequirementResult(StrEnum):
    """What looking for a requirement comes to."""

    MET = "met"
    FAILED = "failed"
    NOT_SUPPORTED = "not supported"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Met:
    """The requirement is met: what was seen, and what was measured by the way."""

    detail: str
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NotSupported:
    """The controller, or the cluster, does not offer this at all, and says so or leaves it alone."""

    detail: str


RequirementFunction = Callable[[ProbeFixture], Met | NotSupported]
"""Anything it raises of this project's errors means that the requirement is offered and does not hold."""


@dataclass(frozen=True)
class Requirement:
    """One thing that a controller has to do; looked for in the order of `rank` if those of `depends_on` are met."""

    rank: int
    name: str
    sentence: str
    required: bool
    depends_on: tuple[str, ...]
    check: RequirementFunction


REQUIREMENTS: Registry[Requirement] = Registry("requirement", "task_gateway.probe")


def requirement(
    rank: int, name: str, sentence: str, *, required: bool = True, depends_on: tuple[str, ...] = ()
) -> Callable[[RequirementFunction], RequirementFunction]:
    """Return a decorator that files a function as what looks for the requirement called `name`."""

    def keep(check: RequirementFunction) -> RequirementFunction:
        REQUIREMENTS.register(name)(Requirement(rank, name, sentence, required, depends_on, check))
        return check

    return keep


def in_order() -> list[Requirement]:
    """Return all requirements by their rank."""
    return sorted(REQUIREMENTS, key=lambda each: each.rank)
