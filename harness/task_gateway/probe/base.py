"""The types and the registry of requirements on a controller. To add one, add a function to a module here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from task_gateway.probe.fixture import ProbeFixture
from task_gateway.registry import Registry


class RequirementResult(StrEnum):
    """The result of testing a requirement."""

    MET = "met"
    FAILED = "failed"
    NOT_SUPPORTED = "not supported"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Met:
    """The requirement is met: what was seen, and what was measured."""

    detail: str
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NotSupported:
    """The controller or the cluster does not support this, and reports so or ignores it."""

    detail: str


RequirementFunction = Callable[[ProbeFixture], Met | NotSupported]
"""If it raises an error of this project, the controller supports the requirement but does not meet it."""


@dataclass(frozen=True)
class Requirement:
    """A requirement on a controller. It is tested in the order of `rank` if those in `depends_on` are met."""

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
    """Return a decorator that registers a function as the test of the requirement `name`."""

    def keep(check: RequirementFunction) -> RequirementFunction:
        REQUIREMENTS.register(name)(Requirement(rank, name, sentence, required, depends_on, check))
        return check

    return keep


def in_order() -> list[Requirement]:
    """Return all requirements, ordered by rank."""
    return sorted(REQUIREMENTS, key=lambda each: each.rank)
