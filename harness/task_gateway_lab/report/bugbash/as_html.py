"""Renders a bug bash as one HTML file that works offline: it contains screenshots and styles, and links to evidence."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from task_gateway_lab.model_bugbash import BugBash, ScenarioResult, Status
from task_gateway_lab.report.bugbash.by_hand import by_hand

WORDS = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.PERSON: "manual",
}


def page(result: BugBash, folder: Path) -> str:
    """Return the page; `folder` has the pictures of the rows. A missing picture is omitted."""
    environment = Environment(
        loader=PackageLoader("task_gateway_lab.report.bugbash", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["address"] = quote
    template = environment.get_template("page.html.j2")
    pictures = {row.name: _picture(folder / row.screenshot) for row in result.rows if row.screenshot}
    return template.render(
        result=result,
        title=_title(result),
        statuses=list(Status),
        words=WORDS,
        pictures=pictures,
        shown=_shown,
        failed=[row for row in result.rows if row.status == Status.FAILED],
        hand={row.name: by_hand(row.repeat) for row in result.rows},
    )


def _title(result: BugBash) -> str:
    """Return the product with its version, the run, the controller, and the day on which the page is written."""
    product = f"Internal Task Gateway {result.versions.get('task-gateway', '')}".strip()
    parts = (result.name, result.versions.get("controller", ""), f"{datetime.now(UTC):%Y-%m-%d}")
    return f"{product}: {', '.join(filter(None, parts))}"


def _shown(row: ScenarioResult) -> bool:
    """Return whether a row is open at first: if it failed or is manual."""
    return row.status in (Status.FAILED, Status.PERSON)


def _picture(file: Path) -> str:
    """Return a PNG as a data URL, empty if the file is missing."""
    try:
        return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
    except OSError:
        return ""
