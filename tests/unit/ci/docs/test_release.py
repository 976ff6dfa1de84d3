"""The release notes have five figures from the records, and list everything that falls short."""

from dataclasses import replace
from typing import Any

import pytest

from docs import release, reliability
from docs.reliability import Fault, Outcome
from task_gateway.model import ManagerLimits
from task_gateway.spread import Spread
from task_gateway_lab.model_bench import (
    BurstRecord,
    BurstReport,
    DataplaneReport,
    ExposeRecord,
    ExposeReport,
    PathRecord,
)

VERSIONS, MACHINE = {"contour": "v1.33.8"}, {"cores": "2"}


def exposed(active: int, median: float, slots: int = 1024) -> ExposeRecord:
    spread = Spread(median, 2 * median)
    return ExposeRecord("contour", "slots", active, 30, 1.0, slots, 1.0, 1.0, spread, spread, spread, 0.1, 100, 100)


def expose(*records: ExposeRecord) -> ExposeReport:
    return ExposeReport(VERSIONS, MACHINE, records)


BURST = BurstReport(
    VERSIONS,
    MACHINE,
    (BurstRecord("contour", "slots", 100, 10, 1024, 20, 30, 100, Spread(0.4, 0.9), Spread(1.2, 4.8), 4.8),),
)
PATHS = DataplaneReport(
    VERSIONS,
    MACHINE,
    (
        PathRecord("contour", "gateway", 1000, Spread(0.002, 0.003), Spread(0.1, 0.2), 721.0),
        PathRecord("contour", "pod", 1000, Spread(0.001, 0.002), Spread(0.1, 0.2), 800.0),
    ),
)
HOLDS = Fault("tests/faults/a.py::test_a", "A is killed: B holds.", (Outcome.PASSED, Outcome.PASSED), 9.0)
BREAKS = Fault("tests/faults/a.py::test_b", "The same with C.", (Outcome.KNOWN,), 9.0)


def figures(**changed: Any) -> str:
    ladder = ManagerLimits("east", "east", "slots", "gw/gw", 64, 0, 64, "slots", ())
    given: dict[str, Any] = {
        "expose": expose(exposed(63, 0.016, 64), exposed(10, 0.022), exposed(500, 0.027), exposed(1000, 0.031)),
        "burst": BURST,
        "dataplane": PATHS,
        "ladders": [ladder],
        "faults": [HOLDS, BREAKS],
    }
    return release.figures(**(given | changed))


def test_there_are_five_figures_of_the_largest_sizes() -> None:
    text = figures()
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 + 5
    assert "1,000 tasks exposed, 1,024 slots | contour 31 (62) ms |" in text
    assert "1,024 slots, 20 endpoints per second | contour 1.2 s, worst 4.8 s |" in text
    assert "| contour 2.0 (3.0) ms, direct 1.0 (2.0) ms |" in text
    assert "| `slots` 64, bound by `slots` |" in text
    assert "| 1 of 2, in 3 cases |" in text
    assert text.endswith("Measured with contour v1.33.8.")


def test_the_burst_is_that_with_the_limits_of_kubernetes() -> None:
    (slow,) = BURST.records
    quick = replace(slow, endpoints_qps=500, ready_seconds=Spread(0.5, 0.6), worst_seconds=0.6)
    assert figures(burst=replace(BURST, records=(quick, slow))) == figures()


def test_the_operator_has_rows_of_its_own() -> None:
    labelled = [replace(each, strategy="operator") for each in (exposed(63, 0.05, 64), exposed(1000, 0.04))]
    (burst,) = BURST.records
    bursts = replace(BURST, records=(burst, replace(burst, strategy="operator", worst_seconds=1.4)))
    text = figures(expose=expose(exposed(1000, 0.031), *labelled), burst=bursts)
    assert "from a claim to the first byte of the task, 1,000 tasks exposed, 1,024 slots | contour 31 (62) ms |" in text
    assert (
        "from a pod's label to the first byte of the task, 1,000 tasks exposed, 1,024 slots | contour 40 (80)" in text
    )
    assert "until 100 pods labelled at once all answer, 1,024 slots, 20 endpoints per second | contour 1.2 s," in text


def test_a_figure_that_was_not_measured_has_no_row() -> None:
    text = figures(burst=BurstReport(VERSIONS, MACHINE, ()), dataplane=DataplaneReport(VERSIONS, MACHINE, ()))
    assert "simultaneous" not in text
    assert "new connection" not in text
    assert "31 (62) ms" in text
    assert "first byte" not in figures(expose=expose())


def test_what_falls_short_is_listed_and_what_does_not_is_not() -> None:
    slow = release.shortfalls(expose(exposed(10, 0.02), exposed(1000, 0.2)), BURST, [HOLDS, BREAKS])
    first = "First byte with 1,000 tasks exposed, fastest controller: at most 50 ms, p99 250 ms. Measured: contour"
    assert f"- {first}" in slow
    assert "- 100 simultaneous claims answer within 2 s, each on its own port. Measured: contour" in slow
    assert "- `test_b` in [Reliability](reliability.md) **does not hold yet**." in slow
    assert "test_a" not in slow
    quick = release.shortfalls(expose(exposed(10, 0.02), exposed(1000, 0.021)), BURST, [HOLDS])
    assert "1,000 tasks exposed, fastest controller" not in quick


def test_what_was_not_measured_is_said_to_be_missing() -> None:
    nothing = BurstReport(VERSIONS, MACHINE, ())
    assert "Measured: nothing" in release.shortfalls(expose(), nothing, [HOLDS])


def test_a_shortfall_is_known_by_its_outcome_and_not_by_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    before = figures()
    for outcome in Outcome:
        monkeypatch.setitem(reliability.WORDS, outcome, "in other words")
    assert figures() == before
    said = release.shortfalls(expose(exposed(10, 0.022)), BURST, [HOLDS, BREAKS])
    assert ("`test_a`" in said, "`test_b`" in said) == (False, True)
