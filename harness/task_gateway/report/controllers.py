"""Renders the results of probing controllers as a table for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from task_gateway.model_controllers import ControllerRecord, RequirementRecord
from task_gateway.report.cells import cells, table

MET = "met"
MARKS = {MET: ("√", "green"), "failed": ("×", "bold red"), "not supported": ("×", "bold red"), "skipped": ("-", "dim")}
OPTIONAL = ("‼", "yellow")


def terminal(record: ControllerRecord) -> RenderableType:
    """Return each requirement with its result, details and measurements, and the verdict."""
    rows = table("", "REQUIREMENT", "", "RESULT", "SEEN", "SECONDS")
    for each in record.requirements:
        mark, style = MARKS[each.result] if each.required or each.result == MET else OPTIONAL
        needed = "required" if each.required else "optional"
        words = (each.name, needed, each.result, each.detail, seconds(each))
        rows.add_row(Text(mark, style=style), *cells(words))
    lacking = [each.name for each in record.requirements if each.required and each.result != MET]
    verdict = f"lacks {', '.join(lacking)}" if lacking else "meets all that is required"
    mark, style = MARKS[MET if record.suitable else "failed"]
    ending = f" GatewayClass {record.gateway_class} ({record.controller}) {verdict}"
    return Group(rows, Text(), Text.assemble((mark, style), ending))


def seconds(requirement: RequirementRecord) -> str:
    """Return the measurements, each with its name."""
    return ", ".join(f"{name.replace('_', ' ')} {number:g}" for name, number in requirement.seconds.items())
