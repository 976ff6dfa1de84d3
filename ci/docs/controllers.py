"""The requirements on a gateway controller, and the recorded results of the tested ones, for docs/controllers.md."""

from collections.abc import Mapping, Sequence

from task_gateway.controllers.base import of_class
from task_gateway.model_controllers import ControllerRecord
from task_gateway.report.controllers import seconds
from task_gateway_lab.report.markdown_text import table


def requirements(found: Sequence[tuple[str, bool, str]]) -> str:
    """Return a table of the requirements. `found` has the name of each, whether it is required, and its sentence."""
    rows = [(f"`{name}`", "required" if required else "optional", sentence) for name, required, sentence in found]
    return table(("Requirement", "", "What the probe checks"), rows, plain=[0]) + "\n"


def measured(records: Sequence[ControllerRecord]) -> str:
    """Return two tables with a column for each record: the versions, and the result of each requirement."""
    parts = [table(("", *map(_name, records)), _versions(records)), ""]
    head = ("Requirement", *map(_name, records))
    rows = [(f"`{name}`", *(_cell(record, name) for record in records)) for name in _names(records)]
    return "\n".join([*parts, table(head, rows, plain=[0])]) + "\n"


def _names(records: Sequence[ControllerRecord]) -> list[str]:
    return list(dict.fromkeys(each.name for record in records for each in record.requirements))


def _name(record: ControllerRecord) -> str:
    return of_class(record.controller).title or record.controller


def _versions(records: Sequence[ControllerRecord]) -> list[tuple[str, ...]]:
    parts = dict.fromkeys(name for record in records for name in record.versions)
    rows = [(part, *(record.versions.get(part, "-") for record in records)) for part in parts]
    rows.append(("probed through", *(_gateway(record.gateway) for record in records)))
    rows.append(("cluster", *(_size(record.cluster) for record in records)))
    rows.append(("all required features", *("met" if record.suitable else "not met" for record in records)))
    return rows


def _gateway(name: str) -> str:
    """Return the Gateway of a probe; only one that existed before has the form namespace/name."""
    return f"Gateway {name}" if "/" in name else "its own Gateway"


def _size(cluster: Mapping[str, str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in cluster.items())


def _cell(record: ControllerRecord, name: str) -> str:
    found = next((each for each in record.requirements if each.name == name), None)
    if found is None:
        return "not measured"
    figures = f"; {seconds(found)} s" if found.seconds else ""
    return f"{found.result}: {found.detail}{figures}"
