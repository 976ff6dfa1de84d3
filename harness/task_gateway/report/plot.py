"""Plots the cost of rules by the length of a list, and the duration of writes. The output is reproducible."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from task_gateway.model import CelReport

RULE_BUDGET, SCHEMA_BUDGET = 10_000_000, 100_000_000
"""Largest estimated cost of one expression and of one version's schema; constants of Kubernetes' CRD validation."""

MARKERS = "osD^v"
FORMATS = ("svg", "png")
INCHES, DOTS_PER_INCH = (11.0, 4.5), 120
STYLE: Any = {
    "svg.hashsalt": "task-gateway",
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def draw(reports: Sequence[CelReport], folder: Path) -> tuple[Path, ...]:
    """Write `cel.svg` and `cel.png` to `folder`, created if necessary: cost on the left, writes on the right."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=INCHES, layout="constrained")
        cost, seconds = figure.subplots(1, 2)
        shown = distinct(reports)
        _draw_cost(cost, shown)
        _draw_seconds(seconds, shown)
        files = tuple(folder / f"cel.{name}" for name in FORMATS)
        for file in files:
            undated = {"Date": None} if file.suffix == ".svg" else {"Software": None}
            figure.savefig(file, dpi=DOTS_PER_INCH, metadata=undated)
    return files


def distinct(reports: Iterable[CelReport]) -> list[CelReport]:
    """Return the last report of each CRD and limit: that of the newest bundle."""
    return list({(each.crd, each.path, each.accepted_max_items): each for each in reports}.values())


def costs(report: CelReport) -> list[tuple[int, float]]:
    """Return (maxItems, estimated cost) of the binding rule for each refusal that reported its factor."""
    told = {
        each.max_items: each.factor * RULE_BUDGET
        for each in report.points
        if each.factor is not None and each.rule == report.binding_rule
    }
    return sorted(told.items())


def curve(points: Sequence[tuple[int, float]], first: int, last: int) -> list[tuple[int, float]]:
    """Return the power function through the first and the last point, from `first` to `last`.

    Empty with fewer than two points, because these do not show how the cost grows.
    """
    if len(points) < 2:
        return []
    (low, cost), (high, other) = points[0], points[-1]
    power = math.log(other / cost) / math.log(high / low)
    numbers = [round(first * (last / first) ** (step / 40)) for step in range(41)]
    return [(number, cost * (number / low) ** power) for number in numbers]


def _draw_cost(axes: Axes, reports: Sequence[CelReport]) -> None:
    for number, report in enumerate(reports):
        points = costs(report)
        colour = f"C{number}"
        if points:
            axes.plot(
                *zip(*points, strict=True),
                MARKERS[number % len(MARKERS)],
                color=colour,
                markerfacecolor="none",
                label=_label(report),
            )
            line = curve(points, max(1, report.accepted_max_items // 8), points[-1][0])
            if line:
                axes.plot(*zip(*line, strict=True), "--", linewidth=1, color=colour)
    for budget, name in ((RULE_BUDGET, "10 M: one rule"), (SCHEMA_BUDGET, "100 M: all rules of a schema")):
        axes.axhline(budget, color="firebrick", linewidth=1)
        axes.annotate(name, (0.02, budget), xycoords=("axes fraction", "data"), va="bottom", color="firebrick")
    axes.set(xscale="log", yscale="log", xlabel="maxItems", ylabel="estimated cost", title="When the CRD is written")
    _legend(axes, "lower right")


def _draw_seconds(axes: Axes, reports: Sequence[CelReport]) -> None:
    for number, report in enumerate(reports):
        if report.writes:
            colour = f"C{number}"
            items = [each.items for each in report.writes]
            label = f"{_label(report)}, median and p99"
            axes.plot(items, [each.median for each in report.writes], "o-", color=colour, markersize=4, label=label)
            axes.plot(items, [each.p99 for each in report.writes], ":", color=colour)
    axes.set(xlabel="items in the object", ylabel="seconds of a write", title="When an object is written")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    _legend(axes, "upper left")


def _legend(axes: Axes, place: Literal["lower right", "upper left"]) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc=place, fontsize=8)
    else:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center")


def _label(report: CelReport) -> str:
    name = report.crd.partition(".")[0]
    return f"{name} {report.bundle}: {report.accepted_max_items:,}".replace("  ", " ")
