"""Measurements on a terminal, on a page, and in a plot; the page agrees with the records."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from docs import bench as bench_page
from docs import bench_targets
from task_gateway.spread import Spread
from task_gateway_lab.model_bench import (
    BurstRecord,
    BurstReport,
    DataplaneReport,
    ExposeRecord,
    ExposeReport,
    OperatorRecord,
    OperatorReport,
    PathRecord,
)
from task_gateway_lab.report import bench_plot, bench_text

VERSIONS, MACHINE = {"kubernetes": "v9"}, {"cores": "2"}
SLOTS = ExposeRecord(
    controller="contour", strategy="slots", active=1000, samples=100, pause_seconds=1.0, slots=1024,
    api_writes=1.0, kube_requests=1.0, api_seconds=Spread(0.004, 0.012),
    ready_seconds=Spread(0.012, 0.1), refused_seconds=Spread(0.011, 0.09),
    apiserver_cpu_seconds=0.021, controller_memory_mib=339, envoy_memory_mib=372,
)  # fmt: skip
FEW = dataclasses.replace(SLOTS, active=10, ready_seconds=Spread(0.010, 0.08))
ON_ENVOY_GATEWAY = [
    dataclasses.replace(SLOTS, controller="envoy-gateway", active=active, slots=slots, ready_seconds=Spread(first, 1.0))
    for active, slots, first in ((63, 64, 0.12), (1000, 1024, 0.71))
]
LISTENERS = dataclasses.replace(
    SLOTS, controller="envoy-gateway", strategy="listeners", active=180, slots=0, api_writes=3.0,
    ready_seconds=Spread(3.9, 6.0), stopped="one expose took 11.2 s",
)  # fmt: skip
EXPOSE = ExposeReport(VERSIONS, MACHINE, (FEW, SLOTS, *ON_ENVOY_GATEWAY, LISTENERS))
BURST = BurstRecord(
    controller="contour", strategy="slots", tasks=100, rounds=10, slots=1024, endpoints_qps=20, endpoints_burst=30,
    ports=100, api_seconds=Spread(0.5, 0.6), ready_seconds=Spread(3.6, 3.9), worst_seconds=3.9,
)  # fmt: skip
QUICK = dataclasses.replace(BURST, endpoints_qps=500, endpoints_burst=1000, worst_seconds=1.2)
BURSTS = BurstReport(VERSIONS, MACHINE, (BURST, QUICK))
PATHS = DataplaneReport(
    VERSIONS, MACHINE, (PathRecord("contour", "pod", 1000, Spread(0.0001, 0.0004), Spread(0.00003, 0.0001), 2300.0),)
)


def shown(renderable: Any) -> str:
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


def reached(*records: ExposeRecord, bursts: BurstReport = BURSTS) -> list[bool | None]:
    return [each.reached for each in bench_targets.targets(ExposeReport(VERSIONS, MACHINE, records), bursts)]


def test_a_row_has_medians_with_the_99th_percentile_behind() -> None:
    text = shown(bench_text.exposed(EXPOSE))
    row = next(line for line in text.splitlines() if line.startswith("contour") and " 1,000 " in line)
    assert row.split()[1:8] == ["slots", "1,024", "1,000", "1", "100", "1", "4.0"]
    assert "12 (100)" in row
    assert "0.50" in shown(bench_text.bursts(BURSTS))
    assert "0.10 (0.40)" in shown(bench_text.paths(PATHS))


def test_the_page_has_versions_machine_and_sizes_that_were_not_measured() -> None:
    text = bench_page.exposed(EXPOSE)
    assert "Measured with kubernetes v9, on one machine: cores 2." in text
    assert text.count("| contour | slots |") == 2
    assert "- envoy-gateway with listeners: not measured above 180 tasks, because one expose took 11.2 s." in text
    tables = (text, bench_page.bursts(BURSTS), bench_page.paths(PATHS))
    for table in tables:
        widths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
        assert len(widths) == 1


def test_each_target_is_judged_by_the_figures() -> None:
    found = bench_targets.targets(EXPOSE, BURSTS)
    assert [each.reached for each in found] == [True, True, True, True, False, True, False, True, *[None] * 6]
    assert "325 times: 3.90 s on envoy-gateway, 0.012 s with slots on contour" in found[5].measured
    assert "**no**" in bench_page.targets(EXPOSE, BURSTS, OperatorReport())


@pytest.mark.parametrize(
    ("change", "index"),
    [
        ({"api_writes": 1.01}, 0),
        ({"ready_seconds": Spread(0.051, 0.1)}, 1),
        ({"ready_seconds": Spread(0.012, 0.26)}, 1),
        ({"ready_seconds": Spread(0.0131, 0.1)}, 2),
        ({"ready_seconds": Spread(0.08, 0.1)}, 5),
    ],
)
def test_a_target_is_missed_by_a_little(change: dict[str, Any], index: int) -> None:
    slower = dataclasses.replace(SLOTS, **change)
    assert reached(FEW, SLOTS, *ON_ENVOY_GATEWAY, LISTENERS)[index]
    assert reached(FEW, slower, *ON_ENVOY_GATEWAY, LISTENERS)[index] is False


OPERATOR = [
    dataclasses.replace(
        SLOTS, controller=name, strategy="operator", active=active, slots=slots, ready_seconds=Spread(first, 1.0)
    )
    for name, active, slots, first in (
        ("envoy-gateway", 63, 64, 0.0604), ("envoy-gateway", 10, 1024, 0.26), ("envoy-gateway", 1000, 1024, 0.33),
        ("contour", 10, 1024, 0.03), ("contour", 1000, 1024, 0.0392),
    )
]  # fmt: skip
LABELLED = dataclasses.replace(BURST, strategy="operator", worst_seconds=1.5)


def test_the_operator_has_targets_of_its_own() -> None:
    quick = dataclasses.replace(LABELLED, endpoints_qps=500, endpoints_burst=1000, worst_seconds=9.0)
    bursts = BurstReport(VERSIONS, MACHINE, (*BURSTS.records, LABELLED, quick))
    found = bench_targets.targets(ExposeReport(VERSIONS, MACHINE, (*EXPOSE.records, *OPERATOR)), bursts)
    assert [each.reached for each in found[:8]] == reached(*EXPOSE.records)[:8], "those of slots are judged by slots"
    operator = found[8:]
    assert [each.reached for each in operator] == [False, True, True, True, False, True]
    assert operator[0].measured == "60 ms with 64 slots"
    assert operator[0].aim == "operator: label to first byte on Envoy Gateway with 63 tasks exposed: at most 60 ms"
    assert operator[4].measured == "1.31 times"
    assert operator[5].measured.startswith("contour, 1,024 slots, 20 endpoints per second: ")


def test_close_claims_of_the_operator_are_not_those_of_slots() -> None:
    amid = dataclasses.replace(OPERATOR[-1], pause_seconds=0.25, ready_seconds=Spread(9.0, 9.0))
    found = bench_targets.targets(ExposeReport(VERSIONS, MACHINE, (*EXPOSE.records, *OPERATOR, amid)), BURSTS)
    assert found[1].measured == "contour: 12 ms, p99 100 ms"
    assert found[11].measured == "39 ms with 1,024 slots"


def test_listeners_on_another_controller_are_shown_too() -> None:
    more = dataclasses.replace(LISTENERS, controller="contour", active=200, ready_seconds=Spread(0.6, 0.9))
    found = bench_targets.targets(ExposeReport(VERSIONS, MACHINE, (SLOTS, LISTENERS, more)), BURSTS)[5]
    assert found.measured.endswith("0.012 s with slots on contour; 50 times: 0.60 s on contour with 200")


def test_claims_in_quick_succession_are_shown_and_not_judged() -> None:
    amid = [dataclasses.replace(each, pause_seconds=0.25, ready_seconds=Spread(0.06, 0.4)) for each in (SLOTS, FEW)]
    one, other = bench_targets.targets(ExposeReport(VERSIONS, MACHINE, (SLOTS, FEW, *amid)), BURSTS)[1:3]
    assert (one.reached, other.reached) == (True, True)
    after = "with 0.25 s between a release and the next claim"
    assert one.measured == f"contour: 12 ms, p99 100 ms; 60 ms, p99 400 ms, {after}"
    assert other.measured == f"1.20 times; 1.00 times, {after}"
    drawn = bench_plot.lines(ExposeReport(VERSIONS, MACHINE, (SLOTS, FEW, *amid)))
    assert [*drawn] == [("contour", "slots (1,024 built)"), ("contour", "slots (1,024 built)", "0.25 s between two")]


def test_a_port_twice_misses_the_target_of_a_burst() -> None:
    twice = BurstReport(VERSIONS, MACHINE, (dataclasses.replace(QUICK, ports=99),))
    assert reached(SLOTS, bursts=twice)[6] is False


def test_what_was_not_measured_is_not_reached() -> None:
    assert set(reached(bursts=BurstReport())) == {None}
    assert reached(SLOTS, bursts=BurstReport()) == [True, True, None, None, None, None, *[None] * 6]


def test_the_picture_has_a_line_for_each_strategy_and_is_the_same_each_time(tmp_path: Path) -> None:
    found = bench_plot.lines(EXPOSE)
    assert [each.active for each in found["contour", "slots (1,024 built)"]] == [10, 1000]
    assert ("envoy-gateway", "listeners") in found
    once, again = (bench_plot.draw(EXPOSE, tmp_path / name) for name in ("once", "again"))
    assert [file.name for file in once] == ["expose.svg", "expose.png"]
    assert [file.read_bytes() for file in once] == [file.read_bytes() for file in again]
    assert bench_plot.draw(ExposeReport(), tmp_path) == ()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, [True, True]),
        ({"ready_seconds": Spread(1.3, 2.01)}, [False, True]),
        ({"memory_mib": 121}, [False, True]),
        ({"idle_writes": 1}, [True, False]),
    ],
)
def test_the_start_of_the_operator_is_judged_with_the_most_pods(change: dict[str, Any], wanted: list[bool]) -> None:
    start = OperatorRecord(4000, 4000, 5, Spread(1.3, 2.0), Spread(0.9, 1.0), 120, 30.0, 2, 0)
    few = dataclasses.replace(start, pods=0, ready_seconds=Spread(9.0, 9.0), memory_mib=999, idle_writes=9)
    report = OperatorReport(VERSIONS, MACHINE, (dataclasses.replace(start, **change), few))
    *_, ready, idle = bench_targets.targets(EXPOSE, BURSTS, report)
    assert [ready.reached, idle.reached] == wanted
    assert "with 4,000 pods exposed" in ready.aim
    assert len(bench_targets.targets(EXPOSE, BURSTS)) == len(bench_targets.targets(EXPOSE, BURSTS, report)) - 2
