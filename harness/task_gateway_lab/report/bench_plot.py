"""Plots the time to the first byte by exposed tasks, with a line per controller and strategy, reproducibly."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from task_gateway.report.plot import DOTS_PER_INCH, FORMATS, MARKERS, STYLE
from task_gateway_lab.model_bench import ExposeRecord, ExposeReport
from task_gateway_lab.report import bench_text

INCHES = (8.0, 4.5)
Line = tuple[str, ...]


def draw(report: ExposeReport, folder: Path) -> tuple[Path, ...]:
    """Write `expose.svg` and `expose.png` to `folder`, created if necessary; nothing without measurements."""
    if not report.records:
        return ()
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.subplots()
        for number, (name, records) in enumerate(lines(report).items()):
            sizes = [each.active for each in records]
            median, mark = [each.ready_seconds.median for each in records], MARKERS[number % len(MARKERS)]
            axes.plot(sizes, median, color=f"C{number}", marker=mark, markersize=4, label=", ".join(name))
            axes.plot(sizes, [each.ready_seconds.p99 for each in records], ":", color=f"C{number}")
        axes.set(xscale="symlog", yscale="log", xlabel="tasks in place", ylabel="seconds to the first byte")
        axes.set_title("One task more: median, and the 99th percentile dotted")
        axes.legend(fontsize=8)
        files = tuple(folder / f"expose.{name}" for name in FORMATS)
        for file in files:
            undated = {"Date": None} if file.suffix == ".svg" else {"Software": None}
            figure.savefig(file, dpi=DOTS_PER_INCH, metadata=undated)
    return files


def lines(report: ExposeReport) -> dict[Line, list[ExposeRecord]]:
    """Return the records of each line, by size: with the same slots and pauses, and with several sizes."""
    alone = bench_text.alone(report.records)
    found: dict[Line, list[ExposeRecord]] = {}
    for each in sorted(report.records, key=lambda each: each.active):
        built = f"{each.strategy} ({each.slots:,} built)" if each.slots else each.strategy
        pause = (f"{each.pause_seconds:g} s between two",) if each not in alone else ()
        found.setdefault((each.controller, built, *pause), []).append(each)
    return found
