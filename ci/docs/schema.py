"""Writes the comments of values.yaml into values.schema.json as descriptions, which editors show.

The text of the schema stays as it is otherwise: a description is added or replaced where its property begins.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from docs import values

ITEM = "[]"
DESCRIPTION = "description"


def described(chart: Path, foreign: str = "") -> str:
    """Return the schema of a chart with the comment of each value as its description.

    ValueError names the values without a comment. The values below `foreign` are those of another chart and need none.
    """
    every = [each for each in values.every(chart) if each.says or not f"{each.path}.".startswith(f"{foreign}.")]
    if silent := [each.path for each in every if not each.says]:
        raise ValueError(f"{chart.name}/values.yaml has no comment for {', '.join(silent)}")
    text = (chart / "values.schema.json").read_text("utf-8")
    if not isinstance(root := yaml.compose(text), yaml.MappingNode):
        raise TypeError(f"{chart.name}/values.schema.json is no object")
    edits = [_edit(text, _property(root, each.path), each.says) for each in every]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _property(root: yaml.MappingNode, path: str) -> yaml.MappingNode:
    """Return the node of the schema for a value."""
    node = root
    for key in path.replace(ITEM, f".{ITEM}").split("."):
        known = _children(_resolved(node, root))
        node = known["items"] if key == ITEM else _children(known["properties"])[key]
    return node


def _resolved(node: yaml.MappingNode, root: yaml.MappingNode) -> yaml.MappingNode:
    if "$ref" not in (known := _children(node)):
        return node
    return _resolved(_children(_children(root)["definitions"])[known["$ref"].value.rsplit("/", 1)[1]], root)


def _children(node: yaml.MappingNode) -> Mapping[str, yaml.MappingNode]:
    return {key.value: value for key, value in node.value}


def _edit(text: str, node: yaml.MappingNode, says: str) -> tuple[int, int, str]:
    """Return where the text of a description begins and ends, and the new one; both are the same if there is none."""
    says = json.dumps(says, ensure_ascii=False)
    if there := _children(node).get(DESCRIPTION):
        return there.start_mark.index, there.end_mark.index, says
    start = node.start_mark.index + 1
    after = text[start:]
    space = after[: len(after) - len(after.lstrip())]
    return start, start, f'{space}"{DESCRIPTION}": {says},'
