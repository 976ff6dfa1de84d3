"""Renders the tables of the charts' values: names, defaults and descriptions from values.yaml.

The types come from values.schema.json, which Helm validates the values against.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from task_gateway_lab.report import markdown_text

HEAD = ("Value", "Type", "Default", "Description")
Schema = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A value: its path with dots, its type, its default as JSON in one line, and its comment as the description.

    `default` is empty for a map of further values, and for a key of list items.
    """

    path: str
    kind: str
    default: str
    says: str


def table(chart: Path) -> str:
    """Return the values of a chart as a table in Markdown, in the order of its values.yaml."""
    rows = [(f"`{each.path}`", each.kind, _code(each.default), _cell(each.says)) for each in values(chart)]
    return markdown_text.table(HEAD, rows, plain=range(len(HEAD)))


def values(chart: Path) -> list[Value]:
    """Return every leaf of values.yaml, and each map that has a comment; ValueError for one without schema."""
    return [each for each in every(chart) if each.kind or each.says]


def every(chart: Path) -> list[Value]:
    """Return every leaf and every map of values.yaml; ValueError for one without schema.

    The keys of a list's first item follow the list where they have comments; `[]` stands for an item in their path.
    """
    text = (chart / "values.yaml").read_text("utf-8")
    schema: Schema = json.loads((chart / "values.schema.json").read_text("utf-8"))
    return list(_walk(yaml.compose(text), "", schema, schema, text.splitlines()))


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return a schema, or the definition that it refers to."""
    if "$ref" not in schema:
        return schema
    return resolved(root["definitions"][schema["$ref"].rsplit("/", 1)[1]], root)


def _walk(node: Any, path: str, schema: Schema, root: Schema, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        here = f"{path}.{key.value}".lstrip(".")
        properties = schema.get("properties", {})
        if key.value not in properties:
            raise ValueError(f"{here} is missing in values.schema.json")
        known = resolved(properties[key.value], root)
        says = _comment(lines, key.start_mark.line, key.start_mark.column)
        if isinstance(value, yaml.MappingNode) and value.value and "properties" in known:
            yield Value(here, "", "", says)
            yield from _walk(value, here, known, root, lines)
            continue
        default = yaml.safe_load(yaml.serialize(value))
        yield Value(here, _kind(known, root), json.dumps(default, ensure_ascii=False), says)
        if isinstance(value, yaml.SequenceNode) and value.value and isinstance(value.value[0], yaml.MappingNode):
            item = _walk(value.value[0], f"{here}[]", resolved(known["items"], root), root, lines)
            yield from (replace(each, default="") for each in item if each.says)


def _comment(lines: list[str], line: int, column: int) -> str:
    """Return the comment lines directly above a key, at the same indentation."""
    found: list[str] = []
    start = f"{' ' * column}# "
    while line > 0 and lines[line - 1].startswith(start):
        line -= 1
        found.insert(0, lines[line].strip().removeprefix("# "))
    return " ".join(found)


def _kind(schema: Schema, root: Schema) -> str:
    if "enum" in schema:
        return " or ".join(_code(str(each)) for each in schema["enum"] if each != "")
    types = schema.get("type", "any")
    words = " or ".join([types] if isinstance(types, str) else types)
    least, most = schema.get("minimum"), schema.get("maximum")
    if "integer" in words and least is not None:
        words += f", {least} to {most}" if most is not None else f" from {least} on"
    if "array" in words:
        item = resolved(schema.get("items", {}), root)
        words = f"list of {_kind(item, root)}" if item else "list"
    return words.replace("object", "map")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
