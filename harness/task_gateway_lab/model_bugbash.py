"""The records of a run of scenarios: a row for each, and the steps of the run itself; `result.json` is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from task_gateway.errors import NOT_IN_JSON
from task_gateway.model import StepResult


class Status(StrEnum):
    """How a row ended. `person` is for a person to look at, and neither passed nor failed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    PERSON = "person"


@dataclass(frozen=True)
class NotebookRun:
    """One notebook as it was reached and left. `screenshot` is a path relative to the report, empty without one."""

    resource_manager: str
    cluster: str
    address: str
    port: int
    strategy: str
    cell: str
    output: str
    screenshot: str = ""
    refused_after_release: bool = False


@dataclass(frozen=True)
class ScenarioResult:
    """One scenario as it went.

    `cause` says why it failed or was skipped, empty otherwise. `screenshot` and `evidence` are paths relative to the
    report. `repeat` are the lines that do the same by hand: commands, and beginning with `#` what to look at.
    `error` is what it failed with, and is in no file.
    """

    name: str
    group: str
    status: Status
    seconds: float
    sentence: str
    steps: tuple[StepResult, ...] = ()
    cause: str = ""
    screenshot: str = ""
    repeat: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    notebooks: tuple[NotebookRun, ...] = ()
    error: Exception | None = field(default=None, compare=False, repr=False, metadata=NOT_IN_JSON)


@dataclass(frozen=True)
class BugBash:
    """A whole run. `versions` are those of all parts that took part; `seconds` is the time from begin to end.

    `images` is `pull` or `build`: how the images of its clusters were got, empty where they were not made here.
    `before` and `after` are the steps of the run itself, up to the first scenario and from the last one on; `cause`
    says why one of them failed, and `evidence` has the files about it, relative to the report.
    """

    name: str
    seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[ScenarioResult, ...] = ()
    images: str = ""
    before: tuple[StepResult, ...] = ()
    after: tuple[StepResult, ...] = ()
    cause: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether something was tried and nothing failed; rows for a person and skipped ones do not count."""
        tried = {row.status for row in self.rows} & {Status.PASSED, Status.FAILED}
        return tried == {Status.PASSED} and not self.cause

    @property
    def stepwise(self) -> bool:
        """Whether the run is shown step by step: it ran one scenario, or failed before any."""
        return not self.rows or (len(self.rows) == 1 and bool(self.rows[0].steps))

    @property
    def steps(self) -> tuple[StepResult, ...]:
        """The steps of the run, with those of its scenario between where it ran only one."""
        return (*self.before, *(self.rows[0].steps if self.rows and self.stepwise else ()), *self.after)

    @property
    def notebooks(self) -> tuple[NotebookRun, ...]:
        """The notebooks of all scenarios, in the order of the run."""
        return tuple(notebook for row in self.rows for notebook in row.notebooks)

    @property
    def files(self) -> tuple[str, ...]:
        """The evidence of the run and of its scenarios."""
        return (*self.evidence, *(file for row in self.rows for file in row.evidence))

    @property
    def groups(self) -> dict[str, list[ScenarioResult]]:
        """The rows by group, both in the order of the run."""
        found: dict[str, list[ScenarioResult]] = {}
        for row in self.rows:
            found.setdefault(row.group, []).append(row)
        return found

    def count(self, status: Status) -> int:
        """Return how many rows ended so."""
        return sum(row.status == status for row in self.rows)
