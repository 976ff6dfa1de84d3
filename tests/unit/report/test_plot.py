"""The plot agrees with the reports, and the same reports give the same files."""

import dataclasses
from pathlib import Path

import pytest

from task_gateway.model import CelPoint, CelReport, WriteTime
from task_gateway.report import plot

REPORT = CelReport(
    bundle="v9.9.9", channel="standard", crd="gateways.example", version="v1", path="spec.listeners",
    declared_max_items=64, accepted_max_items=213, binding_rule="ports", requests=4, seconds=0.2,
    points=(
        CelPoint(64, None), CelPoint(1024, 23.1, "ports"), CelPoint(213, None), CelPoint(214, 1.0076, "ports"),
        CelPoint(4000, None, "ports"), CelPoint(500, 7.0, "names"),
    ),
    writes=(WriteTime(64, 0.15, 0.2, 10), WriteTime(213, 1.4, 2.0, 10)),
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"


def test_both_files_are_written_and_are_what_they_are_called(tmp_path: Path) -> None:
    svg, png = plot.draw([REPORT], tmp_path / "new")
    assert (svg.name, png.name) == ("cel.svg", "cel.png")
    assert svg.read_text("utf-8").startswith("<?xml")
    assert png.read_bytes().startswith(PNG)


def test_the_same_reports_give_the_same_files(tmp_path: Path) -> None:
    once, again = (plot.draw([REPORT], tmp_path / name) for name in ("once", "again"))
    assert [file.read_bytes() for file in once] == [file.read_bytes() for file in again]


def test_other_figures_give_another_picture(tmp_path: Path) -> None:
    slower = dataclasses.replace(REPORT, writes=(WriteTime(64, 0.5, 0.6, 10),))
    cheaper = dataclasses.replace(REPORT, points=(CelPoint(300, 1.1, "ports"), CelPoint(900, 9.0, "ports")))
    pictures = {
        plot.draw([each], tmp_path / str(number))[0].read_bytes()
        for number, each in enumerate((REPORT, slower, cheaper))
    }
    assert len(pictures) == 3


@pytest.mark.parametrize("reports", [[], [dataclasses.replace(REPORT, points=(), writes=(), binding_rule="")]])
def test_what_was_not_measured_is_no_error(tmp_path: Path, reports: list[CelReport]) -> None:
    assert all(file.stat().st_size for file in plot.draw(reports, tmp_path))


def test_costs_are_those_of_the_rule_that_binds() -> None:
    assert [(number, round(cost)) for number, cost in plot.costs(REPORT)] == [(214, 10_076_000), (1024, 231_000_000)]


def test_the_curve_goes_through_its_ends() -> None:
    line = plot.curve([(200, 10.0), (300, 99.0), (400, 40.0)], 100, 400)
    assert [(number, round(cost, 6)) for number, cost in (line[0], line[-1])] == [(100, 2.5), (400, 40.0)]
    assert plot.curve([(200, 10.0)], 100, 400) == []


def test_of_equal_limits_the_newest_bundle_is_drawn() -> None:
    older, newer = (dataclasses.replace(REPORT, bundle=bundle) for bundle in ("v1", "v2"))
    other = dataclasses.replace(REPORT, accepted_max_items=212)
    assert plot.distinct([older, newer, other]) == [newer, other]
