"""A bug bash as `result.json`, and read again from there, so that an interrupted run can go on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from task_gateway.model import Step
from task_gateway.model_bugbash import BugBash, Row, Status


def result_json(result: BugBash) -> str:
    """Return the run as indented JSON; seconds are rounded to milliseconds."""
    fields = {
        "name": result.name,
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "versions": dict(sorted(result.versions.items())),
        "rows": [_row(row) for row in result.rows],
    }
    return json.dumps(fields, indent=2) + "\n"


def read(text: str) -> BugBash:
    """Return the run that `result_json` wrote; ValueError, KeyError or TypeError if it is none."""
    found: Mapping[str, Any] = json.loads(text)
    return BugBash(found["name"], found["seconds"], found["versions"], tuple(_read_row(each) for each in found["rows"]))


def _row(row: Row) -> dict[str, Any]:
    steps = [asdict(step) | {"seconds": round(step.seconds, 3)} for step in row.steps]
    return asdict(row) | {"status": str(row.status), "seconds": round(row.seconds, 3), "steps": steps}


def _read_row(entry: Mapping[str, Any]) -> Row:
    lists = {name: tuple(entry[name]) for name in ("repeat", "evidence")}
    steps = tuple(Step(**step) for step in entry["steps"])
    return Row(**{**entry, **lists, "status": Status(entry["status"]), "steps": steps})
