"""Shows a change of an object as a unified diff of only the fields that differ, as YAML. Pure."""

import difflib
from typing import Any

from task_gateway.deferred import yaml

EVERYTHING = 10_000  # lines of context: both sides only contain the fields that differ, and their parents


def unified(before: Any, after: Any, name: str) -> str:
    """Return the diff of two documents, empty if they are equal; `name` is part of its header."""
    pair = _differing(before, after)
    if pair is None:
        return ""
    old, new = (yaml.safe_dump(side, width=EVERYTHING).splitlines() for side in pair)
    lines = difflib.unified_diff(old, new, f"{name} (live)", f"{name} (changed)", n=EVERYTHING, lineterm="")
    return "\n".join(line for line in lines if not line.startswith("@@"))


def _differing(before: Any, after: Any) -> tuple[Any, Any] | None:
    """Return both documents reduced to the fields that differ, None if they are equal."""
    if before == after:
        return None
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_mappings(before, after)
    if _same_names(before, after):
        pairs = [(old["name"], _differing(old, new)) for old, new in zip(before, after, strict=True)]
        changed = [(name, pair) for name, pair in pairs if pair is not None]
        return (
            [{"name": name, **pair[0]} for name, pair in changed],
            [{"name": name, **pair[1]} for name, pair in changed],
        )
    return before, after


def _of_mappings(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, Any]:
    old, new = {}, {}
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            old[key] = before[key]
        elif key not in before:
            new[key] = after[key]
        elif (pair := _differing(before[key], after[key])) is not None:
            old[key], new[key] = pair
    return old, new


def _same_names(before: Any, after: Any) -> bool:
    """Return whether both are lists of the same named things in the same order, like the versions of a CRD."""
    return isinstance(before, list) and isinstance(after, list) and _names(before) == _names(after) != []


def _names(items: list[Any]) -> list[str]:
    names = [each.get("name") if isinstance(each, dict) else None for each in items]
    return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) for name in names) else []
