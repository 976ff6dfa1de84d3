"""Builds the changed Gateway CRD, and finds what prevents a change. Pure: documents in, documents out."""

from task_gateway.crds import schema
from task_gateway.model import Manifest

RELEASE, RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
MANAGED_BY = "app.kubernetes.io/managed-by"


def raised(crd: Manifest, number: int, *, drop: bool) -> Manifest:
    """Return the CRD with `number` listeners allowed in spec and status, in every version.

    With `drop` also without the rules on the listeners whose cost grows with the square of their number.
    """
    changed = crd
    for path in (schema.SPEC_LISTENERS, schema.STATUS_LISTENERS):
        changed = schema.with_max_items(changed, path, number)
    return schema.without_rules(changed, schema.SPEC_LISTENERS, schema.is_quadratic) if drop else changed


def patch(live: Manifest, versions: list[Manifest]) -> Manifest:
    """Return the object to apply to give the live CRD these versions. Other managers keep their fields.

    Server-side apply treats all versions as one field. The resourceVersion makes an outdated write fail.
    """
    metadata = {"name": live["metadata"]["name"], "resourceVersion": live["metadata"]["resourceVersion"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {"versions": versions},
    }


def allowed(crd: Manifest) -> int | None:
    """Return how many listeners the spec of a Gateway may have, the least over all versions; None without a limit."""
    numbers = [schema.max_items(crd, version, schema.SPEC_LISTENERS) for version in schema.versions(crd)]
    return min((number for number in numbers if number is not None), default=None)


def has_quadratic_rules(crd: Manifest) -> bool:
    """Return whether the listeners of any version have rules whose cost grows with the square of their number."""
    return any(quadratic_rules(crd, version) for version in schema.versions(crd))


def quadratic_rules(crd: Manifest, version: str) -> int:
    """Return how many quadratic rules the listeners of one version have."""
    return sum(map(schema.is_quadratic, schema.rules(crd, version, schema.SPEC_LISTENERS)))


def above(gateways: list[Manifest], number: int) -> list[str]:
    """Return the Gateways with more listeners than `number`, each as `namespace/name (listeners)`."""
    counts = [(each["metadata"], len(each["spec"].get("listeners") or [])) for each in gateways]
    return [f"{meta['namespace']}/{meta['name']} ({count})" for meta, count in counts if count > number]


def helm_release(crd: Manifest) -> str | None:
    """Return the Helm release that the CRD belongs to as `namespace/name`, None if it belongs to none."""
    notes, labels = crd["metadata"].get("annotations") or {}, crd["metadata"].get("labels") or {}
    if RELEASE not in notes and labels.get(MANAGED_BY) != "Helm":
        return None
    return f"{notes.get(RELEASE_NAMESPACE, '?')}/{notes.get(RELEASE, '?')}"


def without_manager(live: Manifest, manager: str) -> list[Manifest]:
    """Return the object's managedFields without those of one manager."""
    return [each for each in live["metadata"].get("managedFields") or [] if each.get("manager") != manager]
