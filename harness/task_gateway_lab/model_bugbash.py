"""The records of a run of scenarios, as in `result.json`: a row for each scenario, and the steps of the run itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from task_gateway.errors import NOT_IN_JSON
from task_gateway.model import StepResult


class Status(StrEnum):
    """The status of a row. `person` means that a person has to check it; it neither passed nor failed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    PERSON = "person"


@dataclass(frozen=True)
class NotebookRun:
    """How one notebook was reached. `screenshot` is a path relative to the report, empty without one."""

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
    """The result of one scenario.

    `cause` is why it failed or was skipped, empty otherwise. `screenshot` and `evidence` are paths relative to the
    report. `repeat` are the lines to repeat it manually: commands, and comments (`#`) about what to check.
    `error` is the exception that it failed with. It is not part of `result.json`.
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
    """A whole run. `versions` are those of all components; `seconds` is its duration.

    `images` is the source of the images, `pull` or `build`; it is empty for existing clusters. `before` and `after` are
    the steps of the run before the first and after the last scenario. `cause` is why one of them failed, and `evidence`
    has the files about it, relative to the report.
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
        """Whether at least one scenario ran and none failed; skipped rows and rows for a person do not count."""
        tried = {row.status for row in self.rows} & {Status.PASSED, Status.FAILED}
        return tried == {Status.PASSED} and not self.cause

    @property
    def stepwise(self) -> bool:
        """Whether the run is shown step by step: it ran one scenario, or failed before the first."""
        return not self.rows or (len(self.rows) == 1 and bool(self.rows[0].steps))

    @property
    def steps(self) -> tuple[StepResult, ...]:
        """The steps of the run, with those of its scenario if it ran only one."""
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
        """The rows by group, in the order of the run."""
        found: dict[str, list[ScenarioResult]] = {}
        for row in self.rows:
            found.setdefault(row.group, []).append(row)
        return found

    def count(self, status: Status) -> int:
        """Return how many rows have that status."""
        return sum(row.status == status for row in self.rows)
