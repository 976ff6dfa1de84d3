"""Reads a file like the master, with its lines. No objects are built, and each problem is noted with its line."""

import re

import yaml

from task_gateway.config.compose import compose
from task_gateway.config.scalars import STANDARD, Value, quote, resolve, show
from task_gateway.errors import Problem
from task_gateway.reasons import ConfigRule

_KINDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "null": "nothing",
}
_TOO_LARGE = 2**63


class Document:
    """One YAML file, `root` None if it cannot be read, and the problems found in it so far."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._problems: dict[Problem, None] = {}
        self.root = self._compose(text)
        if self.root is not None:
            self._find_duplicates(self.root)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems in the order of their lines."""
        return tuple(sorted(self._problems, key=lambda problem: problem.line))

    def report(self, line: int, key: str, message: str, rule: ConfigRule) -> None:
        """Note a problem and the rule that it breaks. If it occurs again through a YAML alias, it is noted once."""
        self._problems[Problem(self.file, line, key, message, rule)] = None

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return compose(text, self._unreadable)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = " ".join(part for part in (error.context, error.problem) if part)
            self._unreadable(mark.line + 1 if mark else 0, f"is not valid YAML: {what}")
        except yaml.reader.ReaderError as error:
            line = text.encode("utf-8").count(b"\n", 0, error.position) + 1
            self._unreadable(line, f"is not valid YAML: character U+{error.character:04X} is not allowed")
        except UnicodeEncodeError as error:
            line = text.count("\n", 0, error.start) + 1
            self._unreadable(line, f"is not valid YAML: character U+{ord(text[error.start]):04X} is not allowed")
        return None

    def _unreadable(self, line: int, message: str) -> None:
        self.report(line, "", message, ConfigRule.READABLE)

    def _find_duplicates(self, root: yaml.Node) -> None:
        """Visit every mapping once, even if several aliases refer to it."""
        seen: set[int] = set()
        waiting: list[tuple[yaml.Node, str]] = [(root, "")]
        while waiting:
            node, path = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                waiting += [(item, f"{path}[{index}]") for index, item in enumerate(node.value)]
            elif isinstance(node, yaml.MappingNode):
                waiting += self._distinct(node, path)

    def _distinct(self, node: yaml.MappingNode, path: str) -> list[tuple[yaml.Node, str]]:
        """Report duplicate keys of one mapping, and return its values with their paths."""
        first: dict[str, int] = {}
        values = []
        for key, value in node.value:
            where = path
            if isinstance(key, yaml.ScalarNode):
                name = name_of(key)
                where = join(path, name)
                if name in first and not is_merge(key):
                    message = f"is given twice; the first is on line {first[name]}"
                    self.report(line_of(key), where, message, ConfigRule.KNOWN_KEYS)
                first.setdefault(name, line_of(key))
            values.append((value, where))
        return values


def line_of(node: yaml.Node) -> int:
    """Return the first line of a node, counted from 1."""
    return int(node.start_mark.line) + 1


def join(path: str, key: str) -> str:
    """Return the dotted path of `key` under `path`."""
    name = key if re.fullmatch(r"[\w<./-]{1,100}", key) else quote(key)
    return f"{path}.{name}" if path else name


def describe(node: yaml.Node) -> str:
    """Describe a node for a message: `an integer (7)`, `a boolean (y, read as true)`, `a list`, `nothing`."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    kind = _KINDS.get(node.tag.removeprefix(STANDARD), "a string")
    if is_null(node):
        return kind
    if is_string(node):
        return f"{kind} ({quote(node.value)})"
    read = show(value_of(node))
    known = node.value.lower() == read or isinstance(value_of(node), float)
    return f"{kind} ({quote(node.value)[1:-1]}{'' if known else f', read as {read}'})"


def value_of(node: yaml.Node) -> Value:
    """Return the value of a scalar: a string unchanged, any other word as the master's reader converts it."""
    return str(node.value) if is_string(node) or is_merge(node) else resolve(node.value)[1]


def name_of(key: yaml.ScalarNode) -> str:
    """Return a key as a string, like the master, also if it is a number or a boolean."""
    return show(value_of(key))


def is_string(node: yaml.Node) -> bool:
    """Return whether the node is a string by YAML's own rules."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{STANDARD}str"


def integer_of(node: yaml.Node) -> int | None:
    """Return the integer that the master reads from a node, also from `3e4` and `30_000`; None for another type."""
    value = value_of(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE else None


def is_null(node: yaml.Node) -> bool:
    """Return whether a key has no value."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{STANDARD}null"


def is_merge(node: yaml.Node) -> bool:
    """Return whether a key is YAML's `<<`, which merges in the keys of another mapping."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{STANDARD}merge"
