"""docs/raising.md: its figures are those of the record."""

import json
from pathlib import Path
from typing import Any

from task_gateway.crds.raising_times import Measured, Times, rows
from task_gateway.model import WriteTime

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "raising.md"


def recorded() -> Measured:
    read: dict[str, Any] = json.loads((ROOT / "reports" / "recorded" / "raising" / "raising.json").read_text())
    times = tuple(
        Times(each["rules"], tuple(WriteTime(**write) for write in each["writes"])) for each in read.pop("times")
    )
    return Measured(**read, times=times)


def test_the_page_names_the_versions_of_the_record() -> None:
    measured = recorded()
    words = f"Kubernetes {measured.server.removeprefix('v')} and Gateway API {measured.bundle.removeprefix('v')}"
    assert words in PAGE.read_text()


def test_what_a_crd_does_not_take_is_refused_in_the_table() -> None:
    few, more = WriteTime(64, 0.0104, 0.02, 10), WriteTime(500, 0.1, 0.25, 10)
    table = rows(Measured("v1", "v1", "standard", (Times("one", (few,)), Times("two", (few, more)))))
    assert table == [
        ["milliseconds a write", "64 listeners", "500 listeners"],
        ["one", "10 (20)", "refused"],
        ["two", "10 (20)", "100 (250)"],
    ]
