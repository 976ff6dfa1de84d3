"""A run as `result.json`: the names here are a contract with whoever reads the file."""

import json

from task_gateway.model import NotebookRun, RunResult, Step


def result_json(result: RunResult) -> str:
    """Return the run as indented JSON; seconds are rounded to milliseconds."""
    fields = {
        "name": result.name,
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "images": result.images,
        "versions": dict(sorted(result.versions.items())),
        "steps": [_step(step) for step in result.steps],
        "notebooks": [_notebook(notebook) for notebook in result.notebooks],
        "evidence": list(result.evidence),
    }
    return json.dumps(fields, indent=2) + "\n"


def _step(step: Step) -> dict[str, object]:
    return {
        "name": step.name,
        "passed": step.passed,
        "seconds": round(step.seconds, 3),
        "detail": step.detail,
    }


def _notebook(notebook: NotebookRun) -> dict[str, object]:
    return {
        "resource_manager": notebook.resource_manager,
        "cluster": notebook.cluster,
        "address": notebook.address,
        "port": notebook.port,
        "strategy": notebook.strategy,
        "cell": notebook.cell,
        "output": notebook.output,
        "screenshot": notebook.screenshot,
        "refused_after_release": notebook.refused_after_release,
    }
