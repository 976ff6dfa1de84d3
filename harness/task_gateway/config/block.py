"""A mapping of a document, read key by key with the type that each key must have."""

import re
from collections.abc import Collection
from difflib import get_close_matches

import yaml

from task_gateway.config.document import (
    Document,
    describe,
    integer_of,
    is_merge,
    is_null,
    is_string,
    join,
    line_of,
    name_of,
)
from task_gateway.reasons import ConfigRule

_OCTAL = re.compile(r"[-+]?0[0-9_]+")


class Block:
    """One mapping. If the value of a key has a wrong type, reading it notes the problem and returns None."""

    def __init__(self, document: Document, node: yaml.MappingNode, path: str, line: int) -> None:
        self.document = document
        self.path = path
        self.line = line
        self._entries = entries_of(node)

    @property
    def keys(self) -> list[str]:
        """All keys, including those merged in with `<<`."""
        return list(self._entries)

    def line_at(self, key: str) -> int:
        """Return the line of `key`, or that of the block if the key is missing."""
        return self._entries[key][0] if key in self._entries else self.line

    def report(self, key: str, message: str, rule: ConfigRule = ConfigRule.WELL_FORMED) -> None:
        """Note a problem with `key`, present or not, and the rule that it breaks."""
        self.document.report(self.line_at(key), join(self.path, key), message, rule)

    def has(self, key: str) -> bool:
        """Return whether `key` has a value."""
        return key in self._entries and not is_null(self._entries[key][1])

    def refuse_others(self, known: Collection[str], kind: str) -> None:
        """Report every key that is not `known`, with the most similar known key."""
        for key in self.keys:
            if key not in known:
                match = nearest(key, known)
                advice = f"did you mean {match}?" if match else f"known keys: {', '.join(known)}"
                self.report(key, f"is not a key of {kind}; {advice}", ConfigRule.KNOWN_KEYS)

    def string(self, key: str, rule: ConfigRule = ConfigRule.WELL_FORMED) -> str | None:
        """Return a string, None if there is none. A value of another type breaks `rule`."""
        if not self.has(key):
            return None
        node = self._entries[key][1]
        if is_string(node):
            return str(node.value)
        remedy = " (put it in quotes)" if isinstance(node, yaml.ScalarNode) else ""
        self._misfit(key, "a string", rule, remedy)
        return None

    def integer(self, key: str, rule: ConfigRule = ConfigRule.WELL_FORMED) -> int | None:
        """Return an integer, None if there is none. A value of another type breaks `rule`."""
        if not self.has(key):
            return None
        node = self._entries[key][1]
        value = integer_of(node)
        if value is not None and not _OCTAL.fullmatch(node.value):
            return value
        self._misfit(key, "an integer" if value is None else "an integer without a leading zero", rule)
        return None

    def block(self, key: str) -> "Block | None":
        """Return the mapping under `key`, None if there is none."""
        if not self.has(key):
            return None
        line, node = self._entries[key]
        if isinstance(node, yaml.MappingNode):
            return Block(self.document, node, join(self.path, key), line)
        self._misfit(key, "a mapping")
        return None

    def blocks(self, key: str) -> list["Block"]:
        """Return the mappings of the list under `key`; empty if there is no list."""
        if not self.has(key):
            return []
        node = self._entries[key][1]
        if not isinstance(node, yaml.SequenceNode):
            self._misfit(key, "a list")
            return []
        found = []
        for index, item in enumerate(node.value):
            path = f"{join(self.path, key)}[{index}]"
            if isinstance(item, yaml.MappingNode):
                found.append(Block(self.document, item, path, line_of(item)))
            else:
                message = f"expected a mapping, found {describe(item)}"
                self.document.report(line_of(item), path, message, ConfigRule.WELL_FORMED)
        return found

    def _misfit(self, key: str, expected: str, rule: ConfigRule = ConfigRule.WELL_FORMED, remedy: str = "") -> None:
        self.report(key, f"expected {expected}, found {describe(self._entries[key][1])}{remedy}", rule)


def nearest(key: str, known: Collection[str], cutoff: float = 0.6) -> str | None:
    """Return the known key that is most similar to `key`, None if none is similar."""
    return next(iter(get_close_matches(key[:100], known, n=1, cutoff=cutoff)), None)


def entries_of(node: yaml.MappingNode) -> dict[str, tuple[int, yaml.Node]]:
    """Return the line and value of each key with the precedence of the master.

    A later key in the file takes precedence, also one that `<<` merges in. In a list of mappings under `<<`, the first
    takes precedence.
    """
    return _Entries().entries(node)


class _Entries:
    """Flattens each mapping once, even if several `<<` refer to it."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str, tuple[int, yaml.Node]]] = {}

    def entries(self, node: yaml.MappingNode) -> dict[str, tuple[int, yaml.Node]]:
        if id(node) in self._known:
            return self._known[id(node)]
        entries: dict[str, tuple[int, yaml.Node]] = {}
        for key, value in node.value:
            if is_merge(key):
                for merged in reversed(value.value if isinstance(value, yaml.SequenceNode) else [value]):
                    if isinstance(merged, yaml.MappingNode):
                        entries |= self.entries(merged)
            elif isinstance(key, yaml.ScalarNode):
                entries[name_of(key)] = (line_of(key), value)
        self._known[id(node)] = entries
        return entries
