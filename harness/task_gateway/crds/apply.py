"""What raising and restoring do alike to the live Gateway CRD: refuse, write by server-side apply, and tell."""

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
    """What was changed, or would be with `dry_run`: the CRD as a diff (empty: nothing), and our policy on ports.

    `ports_policy` is added, removed or empty. `notes` are sentences for the user.
    """

    crd: str
    dry_run: bool
    diff: str
    ports_policy: str = ""
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is, or would be, other than before."""
        return bool(self.diff or self.ports_policy)


def apply(kube: Kube, live: Manifest, wanted: Manifest, *, dry_run: bool = False) -> Manifest:
    """Give the live CRD the versions of the wanted one and return it; Conflict if its spec changed meanwhile."""
    try:
        with explained():
            return kube.apply(edit.patch(live, wanted["spec"]["versions"]), field_manager=MANAGER, dry_run=dry_run)
    except Conflict:
        now = kube.get(schema.KIND, schema.GATEWAYS)
        if now["spec"] != live["spec"]:
            raise
        return apply(kube, now, wanted, dry_run=dry_run)  # its status alone changed, as it does when it is new


@contextmanager
def explained() -> Iterator[None]:
    """Give a refusal by a policy, upstream's on upgrades above all, or for want of rights a hint that helps here."""
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
    """Return what the API server would make of that write, as a diff, without writing."""
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
    """Return what a user should know beside the change; `then` says what the next upgrade of its Helm release does."""
    said = []
    release = edit.helm_release(live)
    if release is not None:
        namespace, _, name = release.partition("/")
        said.append(f"the CRD belongs to the Helm release {name} of namespace {namespace}, whose next upgrade {then}")
    if ports_policy.exists(kube, ports_policy.POLICY, SAFE_UPGRADES):
        said.append(f"the policy {SAFE_UPGRADES} is installed and allows this")
    return said
