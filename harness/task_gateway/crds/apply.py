"""Steps that raising and restoring the live Gateway CRD share: check the Gateways, apply the CRD, collect the notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from task_gateway.crds import diff, edit, ports_policy, schema
from task_gateway.crds.limit_status import SAFE_UPGRADES
from task_gateway.errors import ApiError, Conflict, DeniedByPolicy, Forbidden, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

MANAGER = "task-gateway"


@dataclass(frozen=True)
class Change:
    """The result: what changed or, with `dry_run`, what would change.

    `diff` is the change of the CRD, empty if there is none. `ports_policy` is "added", "removed" or empty. `notes` are
    sentences for the user.
    """

    crd: str
    dry_run: bool
    diff: str
    ports_policy: str = ""
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything changed or, with `dry_run`, would change."""
        return bool(self.diff or self.ports_policy)


def apply(kube: Kube, live: Manifest, wanted: Manifest, *, dry_run: bool = False) -> Manifest:
    """Apply the versions of `wanted` to the live CRD and return it; Conflict if its spec changed in the meantime."""
    try:
        with explained():
            return kube.apply(edit.patch(live, wanted["spec"]["versions"]), field_manager=MANAGER, dry_run=dry_run)
    except Conflict:
        now = kube.get(schema.KIND, schema.GATEWAYS)
        if now["spec"] != live["spec"]:
            raise
        return apply(kube, now, wanted, dry_run=dry_run)  # only the status changed, as it does after creation


@contextmanager
def explained() -> Iterator[None]:
    """Add a hint to a refusal by an admission policy, such as Gateway API's own, or for missing permissions."""
    try:
        yield
    except ApiError as problem:
        if problem.denied_by == SAFE_UPGRADES:
            remove = f"kubectl delete validatingadmissionpolicybinding {SAFE_UPGRADES}"
            problem.hint = f"bring the CRDs up to the release of that policy, or remove its binding: {remove}"
        elif isinstance(problem, DeniedByPolicy):
            problem.hint = "kubectl get validatingadmissionpolicies,validatingwebhookconfigurations"
        elif isinstance(problem, Forbidden):
            problem.hint = "kubectl auth can-i patch customresourcedefinitions"
        raise


def preview(kube: Kube, live: Manifest, wanted: Manifest) -> str:
    """Return the change that `apply` would make, as a diff, by a dry run."""
    answer = apply(kube, live, wanted, dry_run=True)
    return diff.unified({"spec": live["spec"]}, {"spec": answer["spec"]}, live["metadata"]["name"])


def refuse_above(kube: Kube, crd: Manifest, number: int) -> None:
    """Raise TaskGatewayError that names the Gateways with more listeners than `number`, if there are any."""
    kind = f"gateway.networking.k8s.io/{schema.served(crd)[0]}/Gateway"
    gateways = kube.list(kind) if kube.served(kind) else []
    above = edit.above(gateways, number)
    if above:
        subject = "1 Gateway has" if len(above) == 1 else f"{len(above)} Gateways have"
        raise TaskGatewayError(
            f"{subject} more than {number} listeners: {', '.join(above)}",
            where=kube.server,
            hint="remove listeners first: a Gateway with too many listeners cannot be changed",
        )


def notes(kube: Kube, live: Manifest, then: str) -> list[str]:
    """Return what else a user should know; `then` is what the next upgrade of the CRD's Helm release does."""
    said = []
    release = edit.helm_release(live)
    if release is not None:
        namespace, _, name = release.partition("/")
        said.append(f"the CRD belongs to the Helm release {name} of namespace {namespace}, whose next upgrade {then}")
    if ports_policy.exists(kube, ports_policy.POLICY, SAFE_UPGRADES):
        said.append(f"the policy {SAFE_UPGRADES} is installed and allows this")
    return said
