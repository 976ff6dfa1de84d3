"""A CRD as a document: its versions, the lists in their schemas, the rules on a list. Pure: nothing is changed in place.

A path names a list from the root of the object, `spec.listeners`; lists on the way are passed through without a mark,
`spec.rules.backendRefs`.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from task_gateway.model import Manifest

KIND = "apiextensions.k8s.io/v1/CustomResourceDefinition"
GATEWAYS = "gateways.gateway.networking.k8s.io"
LISTENER_SETS = "listenersets.gateway.networking.k8s.io"
BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version"
CHANNEL = "gateway.networking.k8s.io/channel"
SPEC_LISTENERS, STATUS_LISTENERS = "spec.listeners", "status.listeners"
RULES = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """One CEL rule of a list: its text and what it says when it is broken."""

    text: str
    message: str


def bundle(crd: Manifest) -> tuple[str, str]:
    """Return the bundle's version and channel as the CRD's annotations have them, empty where they do not."""
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
            node = _follow(each.get("schema", {}).get("openAPIV3Schema", {}), path)
            return node if node is not None and node.get("type") == "array" else None
    return None


def max_items(crd: Manifest, version: str, path: str) -> int | None:
    """Return how many items the list at `path` may have, None if there is no bound or no list."""
    node = list_at(crd, version, path)
    return None if node is None else cast("int | None", node.get("maxItems"))


def rules(crd: Manifest, version: str, path: str) -> list[Rule]:
    """Return the CEL rules that stand on the list at `path`, in their order."""
    node = list_at(crd, version, path) or {}
    return [Rule(each["rule"], each.get("message", "")) for each in node.get(RULES, [])]


def with_max_items(crd: Manifest, path: str, number: int) -> Manifest:
    """Return a copy in which the list at `path` may have `number` items, in every version that has the list."""
    changed = copy.deepcopy(crd)
    for node in _lists(changed, path):
        node["maxItems"] = number
    return changed


def without_rules(crd: Manifest, path: str, unwanted: Callable[[Rule], bool]) -> Manifest:
    """Return a copy without the `unwanted` rules on the list at `path`, in every version."""
    changed = copy.deepcopy(crd)
    for node in _lists(changed, path):
        kept = [each for each in node.get(RULES, []) if not unwanted(Rule(each["rule"], each.get("message", "")))]
        if kept:
            node[RULES] = kept
        else:
            node.pop(RULES, None)
    return changed


def is_quadratic(rule: Rule) -> bool:
    """Tell whether a rule walks the list once for each item of it, so that its cost grows with the square."""
    return rule.text.lstrip().startswith("self.") and rule.text.count("self.") - rule.text.count("self.size") > 1


def _lists(crd: Manifest, path: str) -> Iterator[Manifest]:
    for version in versions(crd):
        node = list_at(crd, version, path)
        if node is not None:
            yield node


def _follow(schema: Manifest, path: str) -> Manifest | None:
    node: Manifest | None = schema
    for key in path.split("."):
        while node is not None and node.get("type") == "array":
            node = node.get("items")
        node = ((node or {}).get("properties") or {}).get(key)
    return node
