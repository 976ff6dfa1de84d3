"""A bug bash as one HTML file that opens without a network: pictures and style are inside, evidence lies beside it."""

import base64
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from task_gateway_lab.model_bugbash import BugBash, Row, Status

WORDS = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.PERSON: "for a person",
}


def page(result: BugBash, folder: Path) -> str:
    """Return the page; `folder` is where the pictures of the rows are. One that is not there is left out."""
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
    return template.render(result=result, statuses=list(Status), words=WORDS, pictures=pictures, shown=_shown)


def _shown(row: Row) -> bool:
    """Tell whether a row is open when the page is: what failed, and what asks for a person."""
    return row.status in (Status.FAILED, Status.PERSON)


def _picture(file: Path) -> str:
    """Return a PNG as an address that needs no network, empty if it is not there."""
    try:
        return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
    except OSError:
        return ""
