"""Our admission policy that keeps the ports of a Gateway unique, at a cost that is linear in their number."""

from pathlib import Path

from task_gateway.deferred import yaml
from task_gateway.errors import Invalid, NotFound
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

FILE = Path(__file__).with_suffix(".yaml")
NAME = "unique-listener-ports.task-gateway.dev"
POLICY = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
KINDS = (POLICY, f"{POLICY}Binding")


def manifests() -> list[Manifest]:
    """Return the policy and its binding; the chart renders the same file."""
    return list(yaml.safe_load_all(FILE.read_text()))


def present(kube: Kube) -> bool:
    """Return whether the cluster has the policy and its binding."""
    return all(exists(kube, kind, NAME) for kind in KINDS)


def exists(kube: Kube, kind: str, name: str) -> bool:
    """Return whether the cluster has an object of a cluster-scoped kind."""
    try:
        kube.get(kind, name)
    except NotFound:
        return False
    return True


def apply(kube: Kube, *, dry_run: bool = False) -> None:
    """Write the policy and its binding; Invalid if Kubernetes is too old for them."""
    try:
        for each in manifests():
            kube.apply(each, dry_run=dry_run)
    except Invalid as problem:
        message = f"the API server rejects the admission policy on ports: {problem.message}"
        raise problem.told_as(Invalid, message, hint="the policy requires Kubernetes 1.33 or later") from None


def delete(kube: Kube) -> None:
    """Remove the binding and the policy, if they exist."""
    for kind in reversed(KINDS):
        kube.delete(kind, NAME)
