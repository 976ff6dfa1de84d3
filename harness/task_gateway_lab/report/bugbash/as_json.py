"""Writes a run as `result.json`, and reads its rows, to continue an interrupted run."""

import json

from task_gateway import records
from task_gateway_lab.model_bugbash import BugBash, ScenarioResult


def fields(result: BugBash) -> dict[str, object]:
    """Return the contents of the file. The names are stable, for programs that read it."""
    return {
        "name": result.name,
        "passed": result.passed,
        "seconds": result.seconds,
        "images": result.images,
        "versions": dict(sorted(result.versions.items())),
        "cause": result.cause,
        "steps": result.steps,
        "notebooks": result.notebooks,
        "evidence": result.files,
        "rows": result.rows,
    }


def result_json(result: BugBash) -> str:
    """Return the run as indented JSON."""
    return records.text(fields(result)) + "\n"


def read(text: str) -> list[ScenarioResult]:
    """Return the rows of a `result.json`; ValueError if the text is not valid."""
    found = json.loads(text)
    return records.read(list[ScenarioResult], found.get("rows") if isinstance(found, dict) else found)
