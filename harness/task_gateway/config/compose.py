"""Parses YAML text to nodes like the master's reader: events of libyaml, with the same types, anchors and errors."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import yaml

from task_gateway.config.scalars import STANDARD, Value, quote, resolve, resolve_tagged

# libyaml, which yaml.v2 is a translation of. PyYAML's own parser, the substitute where PyYAML was built
# without it, refuses tabs. Both give events without recursion, so no nesting overflows a stack.
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JSON_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")

_DEEPEST = 10_000
_MOST_KEY = 2**63 - 1
_MERGE = "<< requires a mapping, or a list of mappings that is not an alias"

Report = Callable[[int, str], None]


@dataclass
class _Open:
    """An open collection; `decoded` and `aliased` count nodes as if every alias were written out."""

    node: yaml.MappingNode | yaml.SequenceNode
    anchor: str | None
    decoded: int = 1
    aliased: int = 0
    key: yaml.Node | None = None


def compose(text: str, report: Report) -> yaml.Node | None:
    """Return the root of the first document, None if there is none.

    Content that the master's reader rejects and PyYAML accepts is reported with its line. yaml.YAMLError if the text
    cannot be parsed.
    """
    if (mark := re.search("[\r\n]\ufeff", text)) is not None:
        report(text.count("\n", 0, mark.end()) + 1, "a byte order mark, U+FEFF, starts this line; remove it")
    events = yaml.parse(text, Loader=_LOADER)
    composer = _Composer(text, report)
    for event in events:
        if isinstance(event, yaml.DocumentEndEvent):
            _find_second(events, report)
            break
        composer.take(event)
    return composer.root


class _Composer:
    def __init__(self, text: str, report: Report) -> None:
        self.root: yaml.Node | None = None
        self._text = text
        self._report = report
        self._anchors: dict[str, tuple[yaml.Node, int]] = {}
        self._open: list[_Open] = []
        self._flow = 0

    def take(self, event: yaml.Event) -> None:
        """Process the next event of the document."""
        match event:
            case yaml.DocumentStartEvent(version=version) if version not in (None, (1, 1)):
                line = _line(event)
                self._report(line, f"%YAML {version[0]}.{version[1]}: the master only reads 1.1; remove the line")
            case yaml.ScalarEvent():
                self._add(self._scalar(event), event.anchor)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self._open.pop()
                self._flow -= bool(done.node.flow_style)
                self._add(done.node, done.anchor, done.decoded, done.aliased)

    def _begin(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        """Open a collection. The master's reader ignores an explicit tag of a collection."""
        if len(self._open) == _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", _start(event))
        kind, tag = (
            (yaml.SequenceNode, "seq") if isinstance(event, yaml.SequenceStartEvent) else (yaml.MappingNode, "map")
        )
        node = kind(STANDARD + tag, [], _start(event), _end(event), event.flow_style)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 0)
        self._open.append(_Open(node, event.anchor))
        self._flow += bool(event.flow_style)

    def _scalar(self, event: yaml.ScalarEvent) -> yaml.ScalarNode:
        line = _line(event)
        written = self._text[_start(event).index : _end(event).index]
        if event.style == '"' and _JSON_SLASH.search(written):
            self._report(line, r"the master does not read the escape \/; write / without a backslash")
        if self._flow and not event.style and "?" in event.value:
            self._report(line, f"the master does not read '?' inside of [] or {{}}; put {quote(event.value)} in quotes")
        kind, value = "str", cast("Value", event.value)
        try:
            if event.tag is not None:
                kind, value = resolve_tagged(event.tag, event.value)
            elif event.implicit[0]:
                kind, value = ("merge", "<<") if event.value == "<<" else resolve(event.value)
        except ValueError as error:
            self._report(line, f"is not valid YAML: {error}")
        if isinstance(value, float) and not math.isfinite(value) and not self._is_key():
            self._report(line, f"the master does not read the number {event.value}")
        shown = value if kind == "str" else event.value
        return yaml.ScalarNode(STANDARD + kind, shown, _start(event), _end(event), event.style)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line = _line(event)
        if event.anchor not in self._anchors:
            raise yaml.composer.ComposerError(None, None, f"found undefined alias {event.anchor!r}", _start(event))
        node, decoded = self._anchors[event.anchor]
        if any(node is opened.node for opened in self._open):
            message = f"anchor {event.anchor!r} contains itself"
            raise yaml.composer.ComposerError(None, None, message, _start(event))
        if self._merging() and not isinstance(node, yaml.MappingNode):
            self._report(line, _MERGE)
        self._add(node, None, decoded + 1, decoded)

    def _merging(self) -> bool:
        key = self._open[-1].key if self._open else None
        return key is not None and key.tag == f"{STANDARD}merge"

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].node, yaml.MappingNode) and self._open[-1].key is None

    def _add(self, node: yaml.Node, anchor: str | None, decoded: int = 1, aliased: int = 0) -> None:
        """Add a complete node to its collection."""
        if anchor is not None:
            self._anchors[anchor] = (node, decoded)
        if not self._open:
            self.root = node
            if aliased > 100 and decoded > 1000 and aliased / decoded > _most_aliased(decoded):
                self._report(0, "the master rejects so many nested aliases")
            return
        top = self._open[-1]
        top.decoded += decoded
        top.aliased += aliased
        if isinstance(top.node, yaml.SequenceNode):
            top.node.value.append(node)
        elif top.key is None:
            self._check_key(node)
            top.key = node
        else:
            if self._merging() and not _mergeable(node):
                self._report(node.start_mark.line + 1, _MERGE)
            top.node.value.append((top.key, node))
            top.key = None

    def _check_key(self, key: yaml.Node) -> None:
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{STANDARD}null":
            what = "nothing" if isinstance(key, yaml.ScalarNode) else "a collection"
            self._report(key.start_mark.line + 1, f"a key is {what}; the master only reads keys that are strings")
        elif key.tag == f"{STANDARD}int" and (value := resolve(key.value)[1]) is not None and int(value) > _MOST_KEY:
            self._report(key.start_mark.line + 1, f"the master does not read {key.value} as a key; put it in quotes")


def _mergeable(node: yaml.Node) -> bool:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return all(isinstance(item, yaml.MappingNode) for item in items)


def _most_aliased(decoded: int) -> float:
    """Return the share of nodes that yaml.v2 allows from aliases: 99 %, falling to 10 % in very large files."""
    return min(0.99, max(0.10, 0.99 - 0.89 * (decoded - 400_000) / 3_600_000))


def _start(event: yaml.Event) -> yaml.Mark:
    return cast("yaml.Mark", event.start_mark)


def _end(event: yaml.Event) -> yaml.Mark:
    return cast("yaml.Mark", event.end_mark)


def _line(event: yaml.Event) -> int:
    return _start(event).line + 1


def _is_empty(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == ""


def _find_second(events: Iterator[yaml.Event], report: Report) -> None:
    """Report a second document with content, because the master ignores it and all later ones."""
    line = 0
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                line = _line(event)
            elif not (isinstance(event, yaml.DocumentEndEvent | yaml.StreamEndEvent) or _is_empty(event)):
                break
        else:
            return
    except yaml.MarkedYAMLError as error:
        line = line or (error.problem_mark.line + 1 if error.problem_mark else 0)
    report(line, "the master only reads the first document of a file; remove this one")
