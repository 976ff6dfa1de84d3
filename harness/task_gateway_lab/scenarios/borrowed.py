"""Uses existing clusters: creates namespaces and a release for the run there, and removes them again."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from task_gateway.controllers.base import Controller, of_class, owner_namespace
from task_gateway.deferred import Deferred
from task_gateway.errors import AlreadyExists, ClusterExists, TaskGatewayError, UsageError
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.services import ports_at
from task_gateway.kube.wait import wait_until_gone
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.settings import Wait
from task_gateway_lab.master import manifests

if TYPE_CHECKING:
    from task_gateway.inventory import target
else:
    target = Deferred("task_gateway.inventory.target")

NAMESPACE = "v1/Namespace"
NAMESPACE_GONE = Wait("namespace-gone", "the namespace and its objects are gone", 180)


class BorrowedClusters:
    """The objects of a run in existing clusters; `spaces` are the names of its namespaces, by purpose."""

    def __init__(self, spaces: Mapping[str, str], release: str) -> None:
        self._spaces = dict(spaces)
        self._release = release
        self._namespaces: list[tuple[Kube, str]] = []

    @property
    def made(self) -> bool:
        """Whether there is anything to remove."""
        return bool(self._namespaces)

    def connect(self, contexts: Sequence[str]) -> dict[str, Kube]:
        """Connect to the clusters of contexts, and create the run's namespaces; ClusterExists if one exists."""
        found: dict[str, Kube] = {}
        for context in contexts:
            found[context] = kube = target.connect(None, context)
            if kube.cluster.default_rules:  # the master gets a single file
                hint = "kubectl config view --flatten > FILE; export KUBECONFIG=FILE"
                raise UsageError(f"context {context} uses several kubeconfig files", hint=hint)
            for use, name in self._spaces.items():
                level = manifests.RESTRICTED if use in ("tasks", "hub") else manifests.PRIVILEGED
                try:
                    kube.create(manifests.namespace(name, level))
                except AlreadyExists:
                    hint = "another run has that name: choose another with --name"
                    raise ClusterExists(f"namespace {name} already exists", where=kube.server, hint=hint) from None
                self._namespaces.append((kube, name))
        return found

    def require_crds(self, kube: Kube) -> None:
        """Raise UsageError if Gateway API is not served: its CRDs are cluster-scoped, so the user installs them."""
        if not kube.served(GATEWAY):
            hint = f"helm install {CRDS_CHART} dist/{CRDS_CHART}-VERSION.tgz --namespace {CRDS_NAMESPACE}"
            raise UsageError("the cluster does not serve Gateway API", where=kube.server, hint=hint)

    def has_controller(self, kube: Kube, controller: Controller) -> bool:
        """Return whether a cluster already has that controller; a second one of the same name would conflict."""
        own = f"{self._release}.{self._spaces['gateway']}"
        classes = [each for each in kube.list(GATEWAY_CLASS) if each["metadata"]["name"] != own]
        return any(of_class(each["spec"]["controllerName"]) == controller for each in classes)

    def require_ports(self, kube: Kube, host: str, ports: Sequence[int]) -> None:
        """Raise UsageError if another Service already uses one of the ports at that address."""
        for each in kube.list(SERVICE):
            if owner_namespace(each) != self._spaces["gateway"] and (taken := ports_at(each, host, ports)):
                name = f"Service {each['metadata']['namespace']}/{each['metadata']['name']}"
                message = f"{name} already uses port {taken[0]} of {host}"
                raise UsageError(message, where=kube.server, hint="choose other ports with --first-port")

    def give_back(self) -> None:
        """Remove the release and the namespaces; raise the first error after all removals were tried."""
        problems: list[TaskGatewayError] = []
        for kube, name in self._namespaces:
            for remove in (self._uninstall, self._delete):
                try:
                    remove(kube, name)
                except TaskGatewayError as problem:
                    problems.append(problem)
        if problems:
            raise problems[0]

    def _uninstall(self, kube: Kube, namespace: str) -> None:
        if namespace == self._spaces["gateway"]:
            helm.uninstall(kube.cluster, self._release, namespace)

    def _delete(self, kube: Kube, namespace: str) -> None:
        kube.delete(NAMESPACE, namespace)
        wait_until_gone(kube, NAMESPACE_GONE, NAMESPACE, namespace, None)
