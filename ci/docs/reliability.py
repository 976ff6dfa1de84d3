"""The injected faults and their results, as a table for docs/reliability.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from task_gateway_lab.report.markdown_text import table

HEAD = ("Fault and expected behavior", "Result", "Cases", "Seconds", "Test")
Case = Mapping[str, Any]


class Outcome(StrEnum):
    """The result of a case, the worst first; `KNOWN` is a failure that the test expects."""

    FAILED = "failed"
    KNOWN = "known"
    SKIPPED = "skipped"
    PASSED = "passed"


WORDS = {
    Outcome.FAILED: "**does not hold**",
    Outcome.KNOWN: "**does not hold yet**",
    Outcome.SKIPPED: "not run",
    Outcome.PASSED: "holds",
}


@dataclass(frozen=True)
class Fault:
    """One fault: `test` injects it, `sentence` describes it and what must hold, `outcomes` has one item per case."""

    test: str
    sentence: str
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def worst(self) -> Outcome:
        """The worst outcome of all cases."""
        return next((each for each in Outcome if each in self.outcomes), Outcome.FAILED)

    @property
    def holds(self) -> bool:
        """Whether every case passed."""
        return self.worst is Outcome.PASSED

    @property
    def result(self) -> str:
        """The worst outcome in words, with the number of such cases if the cases differ."""
        count = self.outcomes.count(self.worst)
        words = WORDS[self.worst]
        return words if count == len(self.outcomes) else f"{words} in {count} of {len(self.outcomes)}"


def by_test(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Return the cases of each test, in the order of the run."""
    tests: dict[str, list[Case]] = {}
    for case in cases:
        tests.setdefault(case["test"], []).append(case)
    return tests


def read(cases: Sequence[Case]) -> list[Fault]:
    """Return the faults of a record in the order of the run; the cases of one test are one fault."""
    return [
        Fault(
            test,
            found[0]["sentence"],
            tuple(Outcome(each["outcome"]) for each in found),
            sum(each["seconds"] for each in found),
        )
        for test, found in by_test(cases).items()
    ]


def page(faults: Sequence[Fault], versions: Mapping[str, str], again: Sequence[str] = ()) -> str:
    """Return the faults as a part of a page, with the versions tested and the tests that ran `again` later."""
    cases = sum(len(fault.outcomes) for fault in faults)
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    heading = f"Last run: {len(faults)} faults in {cases} cases"
    heading += f", with {found}." if found else "."
    if again:
        heading += f" Repeated after the full run: {', '.join(f'`{_name(test)}`' for test in again)}."
    return f"{heading}\n\n{table(HEAD, map(_row, faults), plain=range(len(HEAD)))}\n"


def _name(test: str) -> str:
    return test.rpartition("::")[2]


def _row(fault: Fault) -> tuple[str, ...]:
    file = fault.test.partition("::")[0]
    test = f"[`{_name(fault.test)}`](../{file})"
    return fault.sentence, fault.result, str(len(fault.outcomes)), f"{fault.seconds:.0f}", test
