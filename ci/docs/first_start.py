"""The first start of `make e2e` on a fresh machine, as a rehearsal recorded it: a table for the quick start."""

from collections.abc import Mapping
from typing import Any

from task_gateway_lab.report.markdown_text import table

PARTS = {"make e2e, cold": "first time", "make e2e, warm": "again"}


def page(record: Mapping[str, Any]) -> str:
    """Return the seconds of each mode, and the versions that they were measured with."""
    modes = sorted(record)
    rows = [
        (f"`make e2e`, {words}", *(f"{record[mode]['seconds'][name]:,.0f} s" for mode in modes))
        for name, words in PARTS.items()
    ]
    versions = {name: version for mode in modes for name, version in record[mode]["versions"].items()}
    told = ", ".join(f"{name.replace('_', ' ')} {version}" for name, version in sorted(versions.items()))
    head = ("", *(f"{mode} mode" for mode in modes))
    return f"On 2 cores, from a recorded run of `make rehearse` with {told}:\n\n{table(head, rows, plain=[0])}"
