"""The cost of rules as text; its page shows the records."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from docs import cel as cel_page
from task_gateway import records
from task_gateway.model import CelPoint, CelReport, CelVariant, WriteTime
from task_gateway.report import cel_text, plot

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "reports" / "recorded" / "cel"

REPORT = CelReport(
    bundle="v9.8.0", channel="standard", crd="gateways.example", version="v1", path="spec.listeners",
    declared_max_items=64, accepted_max_items=213, binding_rule="self.all(ports)", requests=4, seconds=0.2,
    runtime_max_items=445,
    variants=(
        CelVariant(("self.all(ports)",), 304), CelVariant(("self.all(names)",), 213),
        CelVariant(("self.all(ports)", "self.all(names)"), 1_000_000, at_least=True),
    ),
    points=(CelPoint(64, None), CelPoint(1024, 23.1, "self.all(ports)")),
    writes=(WriteTime(64, 0.15, 0.2, 10), WriteTime(213, 1.4, 2.0, 10)),
)  # fmt: skip


def shown(*reports: CelReport) -> str:
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(cel_text.terminal(reports))
    return console.export_text()


def test_rules_are_numbered_and_quoted_once() -> None:
    text = shown(REPORT, dataclasses.replace(REPORT, version="v1beta1"))
    assert "213 [1]" in text
    assert "[1]: 304, [2]: 213, [1][2]: 1,000,000 or more" in text
    assert text.count("[1] self.all(ports)") == text.count("[2] self.all(names)") == 1
    assert text.count("64: 0.15 (0.20), 213: 1.40 (2.00)") == 1


def test_what_was_not_measured_is_said() -> None:
    assert cel_text.NOT_MEASURED not in shown(REPORT)
    unmeasured = dataclasses.replace(REPORT, runtime_max_items=None)
    assert cel_text.NOT_MEASURED in shown(REPORT, unmeasured)


def test_without_a_rule_that_binds_the_number_is_the_least() -> None:
    free = dataclasses.replace(REPORT, accepted_max_items=1_000_000, binding_rule="", variants=())
    assert "1,000,000 or more" in shown(free)


def test_on_a_page_equal_results_share_a_row() -> None:
    def of(bundle: str, channel: str, **change: Any) -> CelReport:
        return dataclasses.replace(REPORT, bundle=bundle, channel=channel, **change)

    both = [of("v1", channel, version=version) for channel in ("standard", "experimental") for version in ("v1", "v2")]
    text = cel_page.markdown([*both, of("v2", "standard"), of("v3", "standard", accepted_max_items=212)], "v1.99")
    rows = [line for line in text.splitlines() if line.startswith("| `gateways.example`")]
    assert [row.split(" | ")[1] for row in rows[:2]] == [
        "v1 (standard and experimental); v2 (standard)",
        "v3 (standard)",
    ]
    assert "Kubernetes v1.99" in text
    assert "| `gateways.example` | 213 | 1.40 | 2.00 | 10 |" in text


def recorded() -> tuple[list[CelReport], str]:
    found = json.loads((RECORDED / "cel.json").read_text("utf-8"))
    return records.read(list[CelReport], found["crds"]), found["server"]


def test_the_picture_on_the_page_is_the_recorded_one(tmp_path: Path) -> None:
    assert "](../reports/recorded/cel/cel.svg)" in (ROOT / "docs" / "raising.md").read_text("utf-8")
    svg, _ = plot.draw(recorded()[0], tmp_path)
    assert svg.read_text("utf-8") == (RECORDED / "cel.svg").read_text("utf-8")


def test_each_field_of_the_record_is_explained_once() -> None:
    fields = [each.field for each in cel_text.COLUMNS]
    assert sorted(fields) == sorted(field.name for field in dataclasses.fields(CelReport))
    assert all(f"`{field}`" in cel_page.columns() for field in fields)
