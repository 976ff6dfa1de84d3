"""Writes what the pages in docs/ render from records and code: `python ci/pages.py`; `verify` says what differs.

A rendered part of a page stands between <!-- NAME: begin (…) --> and <!-- NAME: end -->.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pins
from task_gateway.checks import page as checks
from task_gateway.crds.raising_times import Measured, Times, rows
from task_gateway.model import WriteTime
from task_gateway.report import cel_text, limits

DOCS, RECORDED = pins.ROOT / "docs", pins.ROOT / "reports" / "recorded"


@dataclass(frozen=True)
class Part:
    """A page, the name of the part of it that is rendered (empty: all of it), and what renders it."""

    page: str
    name: str
    render: Callable[[], str]


def main() -> None:
    """Write every page whose rendered part is not up to date, or with `verify` fail naming them."""
    old = [part.page for part in PARTS if wanted(part) != path(part).read_text("utf-8")]
    if sys.argv[1:] == ["verify"]:
        for page in old:
            print(f"× docs/{page} is not what its sources say")
        if old:
            sys.exit("  run: make pages")
        print("√ pages agree with the records and the code")
        return
    for part in PARTS:
        path(part).write_text(wanted(part), "utf-8")
    print(f"√ pages: {', '.join(old) or 'nothing has changed'}")


def path(part: Part) -> Path:
    """Return the file of a part's page."""
    return DOCS / part.page


def wanted(part: Part) -> str:
    """Return the page as it should be."""
    if not part.name:
        return part.render()
    text = path(part).read_text("utf-8")
    marked = re.compile(rf"(<!-- {part.name}: begin[^>]*-->\n).*?(<!-- {part.name}: end -->)", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"docs/{part.page} has no part {part.name}")
    return marked.sub(lambda found: f"{found[1]}{part.render().strip()}\n{found[2]}", text)


def ladder() -> str:
    """Return the recorded limits of each strategy."""
    record = _record("limits")
    return limits.page(limits.read(record["resource_managers"]), record["versions"])


def cost() -> str:
    """Return what the rules of every release cost."""
    record = _record("cel")
    return cel_text.markdown(cel_text.read(record["crds"]), record["server"])


def times() -> str:
    """Return what a write costs with each set of rules."""
    record = _record("raising")
    measured = Measured(**record | {"times": tuple(map(_times, record["times"]))})
    heading, *lines = (f"| {' | '.join(row)} |" for row in rows(measured))
    return "\n".join([heading, "|---" * len(rows(measured)[0]) + "|", *lines])


def _times(entry: dict[str, Any]) -> Times:
    return Times(entry["rules"], tuple(WriteTime(**write) for write in entry["writes"]))


def _record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / name / f"{name}.json").read_text("utf-8"))
    return found


PARTS = (
    Part("limits.md", "limits", ladder),
    Part("cel.md", "cel", cost),
    Part("raising.md", "raising", times),
    Part("checks.md", "", checks.page),
)

if __name__ == "__main__":
    main()
