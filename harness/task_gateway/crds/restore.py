"""Restores the Gateway CRD of Gateway API: the versions of the bundle and channel that its annotations name."""

from task_gateway.crds import bundles, edit, ports_policy, schema
from task_gateway.crds.apply import MANAGER, Change, apply, notes, preview, refuse_above
from task_gateway.crds.limit_status import gateways
from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest


def restore(kube: Kube, *, dry_run: bool = False) -> Change:
    """Restore the versions of the live CRD and remove our policy. Labels and other annotations are kept.

    Nothing is written before an error: UsageError if the annotations do not name a bundle or it cannot be downloaded,
    TaskGatewayError if Gateways have more listeners than the bundle allows, Conflict if another client wrote the CRD
    in the meantime.
    """
    live = gateways(kube)
    upstream = _upstream(live)
    allowed = edit.allowed(upstream)
    if allowed is not None:
        refuse_above(kube, upstream, allowed)
    shown = preview(kube, live, upstream)
    remove = ports_policy.present(kube)
    if not dry_run:
        if shown:
            apply(kube, live, upstream)
        _disown(kube)
        ports_policy.delete(kube)  # after the rules are restored
    said = notes(kube, live, "sets the limit of its values again") if shown else []
    return Change(schema.GATEWAYS, dry_run, shown, "removed" if remove else "", tuple(said))


def _upstream(live: Manifest) -> Manifest:
    version, channel = schema.bundle(live)
    if not version or not channel:
        raise UsageError(
            "the CRD has no annotations that name its release",
            where=f"{schema.GATEWAYS}, annotations {schema.BUNDLE_VERSION} and {schema.CHANNEL}",
            hint="install the CRDs of a release of Gateway API again",
        )
    return bundles.fetch(version, channel).crds[schema.GATEWAYS]


def _disown(kube: Kube) -> None:
    """Remove our field manager from the CRD, so the manager that installed it can upgrade it without a conflict."""
    live = gateways(kube)
    others = edit.without_manager(live, MANAGER)
    if len(others) < len(live["metadata"].get("managedFields") or []):
        metadata = {"managedFields": others, "resourceVersion": live["metadata"]["resourceVersion"]}
        kube.patch(schema.KIND, schema.GATEWAYS, None, {"metadata": metadata})
