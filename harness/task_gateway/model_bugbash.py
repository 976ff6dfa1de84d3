"""The records of a bug bash: a row for each scenario, as `reports/bugbash/result.json` says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from task_gateway.model import Step


class Status(StrEnum):
    """How a row ended. `person` is for a person to look at, and neither passed nor failed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    PERSON = "person"


@dataclass(frozen=True)
class Row:
    """One scenario as it went.

    `cause` says why it failed or was skipped, empty otherwise. `screenshot` and `evidence` are paths relative to the
    report. `repeat` are the lines that do the same by hand: commands, and beginning with `#` what to look at.
    """

    name: str
    group: str
    status: Status
    seconds: float
    sentence: str
    steps: tuple[Step, ...] = ()
    cause: str = ""
    screenshot: str = ""
    repeat: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class BugBash:
    """A whole run. `versions` are those of all parts that took part; `seconds` is the time from begin to end."""

    name: str
    seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether something was tried and nothing failed; rows for a person and skipped ones do not count."""
        tried = {row.status for row in self.rows} & {Status.PASSED, Status.FAILED}
        return tried == {Status.PASSED}

    @property
    def groups(self) -> dict[str, list[Row]]:
        """The rows by group, both in the order of the run."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.group, []).append(row)
        return found

    def count(self, status: Status) -> int:
        """Return how many rows ended so."""
        return sum(row.status == status for row in self.rows)
