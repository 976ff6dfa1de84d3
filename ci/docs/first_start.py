"""The seconds of the first `make e2e` on a fresh machine, from a recorded rehearsal: a table for the quick start."""

from collections.abc import Mapping
from typing import Any

from task_gateway_lab.report.markdown_text import table

PARTS = {"make e2e, cold": "first run", "make e2e, warm": "second run"}


def page(record: Mapping[str, Any]) -> str:
    """Return the seconds of each mode, and the versions measured."""
    modes = sorted(record)
    rows = [
        (f"`make e2e`, {words}", *(f"{record[mode]['seconds'][name]:,.0f} s" for mode in modes))
        for name, words in PARTS.items()
    ]
    versions = {name: version for mode in modes for name, version in record[mode]["versions"].items()}
    listed = ", ".join(f"{name.replace('_', ' ')} {version}" for name, version in sorted(versions.items()))
    head = ("", *(f"{mode} mode" for mode in modes))
    return f"Recorded by `make rehearse` on 2 cores, with {listed}:\n\n{table(head, rows, plain=[0])}"
