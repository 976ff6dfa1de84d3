"""A bug bash as `result.json`, and read again from there, so that an interrupted run can go on."""

import json

from task_gateway import records
from task_gateway.model_bugbash import BugBash


def fields(result: BugBash) -> dict[str, object]:
    """Return what the file has: the run's own fields, and whether it passed."""
    return {
        "name": result.name,
        "passed": result.passed,
        "seconds": result.seconds,
        "versions": dict(sorted(result.versions.items())),
        "rows": result.rows,
    }


def result_json(result: BugBash) -> str:
    """Return the run as indented JSON."""
    return records.text(fields(result)) + "\n"


def read(text: str) -> BugBash:
    """Return the run that `result_json` wrote; ValueError if it is none."""
    found = json.loads(text)
    if isinstance(found, dict):
        found.pop("passed", None)
    return records.read(BugBash, found)
