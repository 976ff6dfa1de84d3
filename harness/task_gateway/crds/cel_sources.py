"""Reads the CRDs to probe: from a file, from releases of Gateway API, or from a cluster."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from task_gateway.crds import bundles, schema
from task_gateway.crds.limit_status import gateways
from task_gateway.deferred import yaml
from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

GROUPS = "gateway.networking."
API, _, NAME = schema.KIND.rpartition("/")


def of_file(file: Path, path: str) -> list[Manifest]:
    """Return the CRDs of a YAML file that have a list at `path`; UsageError if it cannot be read or has none."""
    try:
        documents = list(yaml.safe_load_all(file.read_text("utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as problem:
        reason = getattr(problem, "strerror", None) or " ".join(str(problem).split())
        raise UsageError(f"the file cannot be read: {reason}", where=str(file)) from None
    found = [each for each in _objects(documents) if each.get("kind") == NAME]
    if not found:
        raise UsageError(f"the file has no {NAME}", where=str(file))
    for crd in found:
        _look(crd, file)
    return having(found, path, str(file))


def of_bundles(versions: Sequence[str], channels: Sequence[str], path: str) -> list[Manifest]:
    """Return the CRDs of these releases and channels that have a list at `path`; UsageError if none has."""
    fetched = [bundles.fetch(version, channel) for version in versions for channel in channels]
    return having(
        [crd for bundle in fetched for crd in bundle.crds.values()], path, f"Gateway API {', '.join(versions)}"
    )


def live(kube: Kube, path: str) -> list[Manifest]:
    """Return Gateway API's CRDs of a cluster that have a list at `path`; NotFound without Gateway's."""
    gateways(kube)
    crds = [crd for crd in kube.list(schema.KIND) if crd["spec"]["group"].startswith(GROUPS)]
    return having(crds, path, kube.server)


def having(crds: Sequence[Manifest], path: str, where: str) -> list[Manifest]:
    """Return the CRDs that have a list at `path` in some version.

    UsageError if none of several has it. A single one is always returned, because its later error names its lists.
    """
    found = [crd for crd in crds if any(schema.list_at(crd, each, path) is not None for each in schema.versions(crd))]
    if not found and len(crds) > 1:
        raise UsageError(f"none of these CRDs has a list at {path}", where=where, hint="name another list with --path")
    return found or list(crds)


def _objects(documents: Sequence[Any]) -> Iterator[Manifest]:
    """Yield the objects of YAML documents, including those inside a List."""
    for each in documents:
        if isinstance(each, dict):
            yield from _objects(each["items"]) if isinstance(each.get("items"), list) else [each]


def _look(crd: Manifest, file: Path) -> None:
    """Raise UsageError if a document of kind CRD does not have its structure."""
    if crd.get("apiVersion") != API:
        raise UsageError(f"the CRD is of {crd.get('apiVersion')}, the API server serves {API}", where=str(file))
    try:
        named = isinstance(crd["metadata"]["name"], str) and bool(crd["spec"]["names"]["kind"] and crd["spec"]["group"])
        for version in schema.versions(crd):
            for path in schema.lists(crd, version):
                schema.rules(crd, version, path)
                named = named and isinstance(schema.max_items(crd, version, path), int | None)
    except (AttributeError, KeyError, TypeError) as problem:
        raise UsageError(f"the file has no readable CRD: {problem!r}", where=str(file)) from None
    if not named:
        raise UsageError("the CRD in the file lacks a name or a group, or a maxItems is not a number", where=str(file))
