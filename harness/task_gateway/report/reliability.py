"""What was broken on purpose, and whether what must hold did, as a table for the page about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Case = Mapping[str, Any]
PASSED, FAILED, KNOWN, SKIPPED = "passed", "failed", "known", "skipped"
"""How a case can end; a known one fails, and is written down in its test as a failure that is expected."""
WORDS = {FAILED: "**does not hold**", KNOWN: "**does not hold yet**", SKIPPED: "was not tried", PASSED: "holds"}


@dataclass(frozen=True)
class Fault:
    """One fault: `test` is where it is caused, `sentence` what happens and what must hold, `outcomes` one per case."""

    test: str
    sentence: str
    outcomes: tuple[str, ...]
    seconds: float

    @property
    def result(self) -> str:
        """The worst that a case came to, in words; of how many, where the cases differ."""
        worst = next((each for each in WORDS if each in self.outcomes), FAILED)
        count = self.outcomes.count(worst)
        return WORDS[worst] if count == len(self.outcomes) else f"{WORDS[worst]} in {count} of {len(self.outcomes)}"


def by_test(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Return the cases of each test, the tests in the order in which they come."""
    tests: dict[str, list[Case]] = {}
    for case in cases:
        tests.setdefault(case["test"], []).append(case)
    return tests


def read(cases: Sequence[Case]) -> list[Fault]:
    """Return the faults of a record, the cases of one test together, in the order of the run."""
    return [
        Fault(
            test, found[0]["sentence"], tuple(each["outcome"] for each in found), sum(each["seconds"] for each in found)
        )
        for test, found in by_test(cases).items()
    ]


def page(faults: Sequence[Fault], versions: Mapping[str, str], again: Sequence[str] = ()) -> str:
    """Return the faults as a part of a page: the versions that they happened to, and what ran `again` later."""
    cases = sum(len(fault.outcomes) for fault in faults)
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    rows = ["| What happens, and what holds | Result | Cases | Seconds | Test |", "|---|---|---|---|---|"]
    rows += [_row(fault) for fault in faults]
    heading = f"The last run: {len(faults)} faults in {cases} cases"
    heading += f", with {found}." if found else "."
    if again:
        heading += f" Run again after the rest: {', '.join(f'`{_name(test)}`' for test in again)}."
    return f"{heading}\n\n" + "\n".join(rows) + "\n"


def _name(test: str) -> str:
    return test.rpartition("::")[2]


def _row(fault: Fault) -> str:
    file = fault.test.partition("::")[0]
    test = f"[`{_name(fault.test)}`](../{file})"
    return f"| {fault.sentence} | {fault.result} | {len(fault.outcomes)} | {fault.seconds:.0f} | {test} |"
