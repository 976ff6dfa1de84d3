"""Reads and changes a CRD as a document: versions, lists in their schemas, rules on a list. Pure: changes are copies.

A path names a list from the root of the object, such as `spec.listeners`. Lists on the way have no mark:
`spec.rules.backendRefs`.
"""

import copy
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import cast

from task_gateway.model import Manifest

KIND = "apiextensions.k8s.io/v1/CustomResourceDefinition"
GATEWAYS = "gateways.gateway.networking.k8s.io"
LISTENER_SETS = "listenersets.gateway.networking.k8s.io"
BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version"
CHANNEL = "gateway.networking.k8s.io/channel"
SPEC_LISTENERS, STATUS_LISTENERS = "spec.listeners", "status.listeners"
UPSTREAM_LISTENERS = 64
"""maxItems of the listeners, in spec and status, in every release of Gateway API from v1.0 to v1.7."""
RULES = "x-kubernetes-validations"


@dataclass(frozen=True)
class CelRule:
    """A CEL rule of a list: its expression, and the message if it fails."""

    text: str
    message: str


def bundle(crd: Manifest) -> tuple[str, str]:
    """Return the bundle's version and channel from the annotations of the CRD, empty if they are missing."""
    notes = crd["metadata"].get("annotations") or {}
    return notes.get(BUNDLE_VERSION, ""), notes.get(CHANNEL, "")


def versions(crd: Manifest) -> list[str]:
    """Return the names of all versions, served or not: the API server validates the schema of each."""
    return [each["name"] for each in crd["spec"]["versions"]]


def served(crd: Manifest) -> list[str]:
    """Return the names of the versions that clients can use."""
    return [each["name"] for each in crd["spec"]["versions"] if each.get("served")]


def list_at(crd: Manifest, version: str, path: str) -> Manifest | None:
    """Return the schema of the list at `path` in one version, None if there is no list there."""
    for each in crd["spec"]["versions"]:
        if each["name"] == version:
            node = _follow(_root(each), path)
            return node if node is not None and node.get("type") == "array" else None
    return None


def max_items(crd: Manifest, version: str, path: str) -> int | None:
    """Return how many items the list at `path` may have, None if there is no limit or no list."""
    node = list_at(crd, version, path)
    return None if node is None else cast("int | None", node.get("maxItems"))


def rules(crd: Manifest, version: str, path: str) -> list[CelRule]:
    """Return the CEL rules on the list at `path`, in their order."""
    node = list_at(crd, version, path) or {}
    return [CelRule(each["rule"], each.get("message", "")) for each in node.get(RULES, [])]


def rules_within(crd: Manifest, version: str, path: str) -> list[str]:
    """Return the texts of the rules on the list at `path` and within its items, in their order."""
    return list(_texts(list_at(crd, version, path)))


def lists(crd: Manifest, version: str) -> list[str]:
    """Return the paths of all lists in the schema of one version, in the order of the schema."""
    return [
        path for each in crd["spec"]["versions"] if each["name"] == version for path in _list_paths(_root(each), "")
    ]


def with_max_items(crd: Manifest, path: str, number: int, only: Collection[str] | None = None) -> Manifest:
    """Return a copy in which the list at `path` may have `number` items, in every version that has it, or in `only`."""
    changed = copy.deepcopy(crd)
    for version in versions(crd) if only is None else only:
        node = list_at(changed, version, path)
        if node is not None:
            node["maxItems"] = number
    return changed


def without_rules(crd: Manifest, path: str, unwanted: Callable[[CelRule], bool]) -> Manifest:
    """Return a copy without the `unwanted` rules on the list at `path`, in every version."""
    changed = copy.deepcopy(crd)
    for node in _lists(changed, path):
        kept = [each for each in node.get(RULES, []) if not unwanted(CelRule(each["rule"], each.get("message", "")))]
        if kept:
            node[RULES] = kept
        else:
            node.pop(RULES, None)
    return changed


def without_texts(crd: Manifest, texts: Collection[str]) -> Manifest:
    """Return a copy without the rules of these texts, anywhere in the schemas."""
    changed = copy.deepcopy(crd)
    for each in changed["spec"]["versions"]:
        _drop(each.get("schema"), texts)
    return changed


def without_descriptions(crd: Manifest, version: str) -> object:
    """Return a copy of the schema of one version without descriptions, for comparisons."""
    return next((_plain(_root(each)) for each in crd["spec"]["versions"] if each["name"] == version), None)


def is_quadratic(rule: CelRule) -> bool:
    """Return whether a rule walks the list once for each item, which makes its cost quadratic."""
    return rule.text.lstrip().startswith("self.") and rule.text.count("self.") - rule.text.count("self.size") > 1


def _lists(crd: Manifest, path: str) -> Iterator[Manifest]:
    for version in versions(crd):
        node = list_at(crd, version, path)
        if node is not None:
            yield node


def _root(version: Manifest) -> Manifest:
    return cast(Manifest, (version.get("schema") or {}).get("openAPIV3Schema") or {})


def _list_paths(node: Manifest, path: str) -> Iterator[str]:
    if node.get("type") == "array":
        yield path
        while node.get("type") == "array":
            node = node.get("items") or {}
    for key, child in (node.get("properties") or {}).items():
        yield from _list_paths(child, f"{path}.{key}" if path else key)


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _texts(each)
    elif isinstance(node, dict):
        rules = node.get(RULES)
        yield from (each["rule"] for each in (rules if isinstance(rules, list) else []))
        for each in node.values():
            yield from _texts(each)


def _drop(node: object, texts: Collection[str]) -> None:
    if isinstance(node, list):
        for each in node:
            _drop(each, texts)
    elif isinstance(node, dict):
        rules = node.get(RULES)
        if isinstance(rules, list):
            node[RULES] = [each for each in rules if each["rule"] not in texts]
        for each in node.values():
            _drop(each, texts)


def _plain(node: object, *, names: bool = False) -> object:
    """Copy a schema; under `names`, as in properties, every key is kept."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if isinstance(node, dict):
        kept = {key: each for key, each in node.items() if names or key != "description"}
        return {key: _plain(each, names=key == "properties" and not names) for key, each in kept.items()}
    return node


def _follow(schema: Manifest, path: str) -> Manifest | None:
    node: Manifest | None = schema
    for key in path.split("."):
        while node is not None and node.get("type") == "array":
            node = node.get("items")
        node = ((node or {}).get("properties") or {}).get(key)
    return node
