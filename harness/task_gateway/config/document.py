"""YAML that remembers its lines: composed without building any object, each problem noted where it stands."""

import re

import yaml

from task_gateway.errors import Problem

_KINDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "null": "nothing",
    "timestamp": "a date",
}
_STANDARD = "tag:yaml.org,2002:"
_LONGEST_SHOWN = 60


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

    def report(self, line: int, key: str, message: str) -> None:
        """Note a problem; one that is met twice through a YAML alias is noted once."""
        self._problems[Problem(self.file, line, key, message)] = None

    def _compose(self, text: str) -> yaml.Node | None:
        loader: yaml.SafeLoader | None = None
        try:
            # The pure Python loader: on too deep a nesting it raises, where the one in C overflows its stack.
            loader = yaml.SafeLoader(text)
            root: yaml.Node | None = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = " ".join(part for part in (error.context, error.problem) if part)
            self.report(mark.line + 1 if mark else 0, "", f"is not valid YAML: {what}")
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.report(line, "", f"is not valid YAML: character U+{error.character:04X} is not allowed")
        except RecursionError:
            self.report(loader.line + 1 if loader else 0, "", "is nested too deeply")
        except (ValueError, OverflowError) as error:
            self.report(loader.line + 1 if loader else 0, "", f"is not valid YAML: {error}")
        else:
            if root is None:
                self.report(0, "", "is empty; a master configuration is expected")
            return root
        return None

    def _find_duplicates(self, root: yaml.Node) -> None:
        """Look at every mapping once, however many aliases lead to it."""
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
        """Report the keys of one mapping that come twice, and return its values with their paths."""
        first: dict[tuple[str, str], int] = {}
        values = []
        for key, value in node.value:
            where = path
            if isinstance(key, yaml.ScalarNode):
                where = join(path, key.value)
                name = (key.tag, key.value)
                if name in first:
                    self.report(line_of(key), where, f"is given twice; the first is on line {first[name]}")
                first.setdefault(name, line_of(key))
            values.append((value, where))
        return values


def line_of(node: yaml.Node) -> int:
    """Return the line a node starts on, counted from 1."""
    return int(node.start_mark.line) + 1


def join(path: str, key: str) -> str:
    """Return the dotted path of `key` under `path`."""
    name = key if re.fullmatch(r"[\w<./-]{1,100}", key) else quote(key)
    return f"{path}.{name}" if path else name


def quote(text: str) -> str:
    """Return `text` in quotes, on one line and not too long, whatever is in it."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "...")


def describe(node: yaml.Node) -> str:
    """Return what a node is, for a message: `an integer (7)`, `a list`, `nothing`."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    kind = _KINDS.get(node.tag.removeprefix(_STANDARD), f"a value tagged {quote(node.tag)}")
    if is_null(node):
        return kind
    value = quote(node.value)
    return f"{kind} ({value if is_string(node) else value[1:-1]})"


def is_string(node: yaml.Node) -> bool:
    """Tell whether the node is a string by YAML's own rules."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_STANDARD}str"


def is_integer(node: yaml.Node) -> bool:
    """Tell whether the node is an integer by YAML's own rules; a boolean is none."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_STANDARD}int"


def is_null(node: yaml.Node) -> bool:
    """Tell whether a key has no value."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_STANDARD}null"


def is_merge(node: yaml.Node) -> bool:
    """Tell whether a key is YAML's `<<`, which takes in the keys of another mapping."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_STANDARD}merge"
