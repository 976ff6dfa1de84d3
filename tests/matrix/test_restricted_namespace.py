"""A release in a namespace with a LimitRange, a ResourceQuota and a policy on labels: its values satisfy all three.

The tests of this file depend on each other. Each controller has a separate cluster.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import yaml
from tests.cluster.conftest import GATEWAY, NAMESPACE, RELEASE, START
from tests.faults import serving
from tests.faults.serving import greeting, greeting_of
from tests.faults.watching import until

from task_gateway.controllers import base as controllers
from task_gateway.controllers.base import Controller
from task_gateway.errors import ApiError, Forbidden, NotFound
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Address, Cluster, InternalTaskGateway, Manifest, Task
from task_gateway.reasons import Refusal
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway
from task_gateway.settings import GATEWAY_PROGRAMMED, POD_READY, TASK_EXPOSED, TASK_REACHABLE
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

COUNT, MORE, PORT = 4, 6, 8080
TASK = Task("task", NAMESPACE, (PORT,), owner="ada")
TEAM = {"team": "ml"}
RESOURCES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}}
LIMITS: Manifest = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "containers", "namespace": NAMESPACE},
    "spec": {
        "limits": [
            {"type": "Container", "min": RESOURCES["requests"], "maxLimitRequestRatio": {"cpu": "10", "memory": "8"}}
        ]
    },
}
QUOTA: Manifest = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "all", "namespace": NAMESPACE},
    "spec": {
        "hard": {"pods": "16", "requests.cpu": "1", "requests.memory": "4Gi", "limits.cpu": "8", "limits.memory": "8Gi"}
    },
}
LABELLED = {
    "": ["pods", "services", "configmaps", "serviceaccounts"],
    "apps": ["deployments"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["jobs"],
    "gateway.envoyproxy.io": ["*"],
    "gateway.networking.k8s.io": ["gateways", "listenersets", "tcproutes"],
    "policy": ["poddisruptionbudgets"],
    "rbac.authorization.k8s.io": ["roles", "rolebindings"],
}
"""Kinds that must have the label. No value sets labels on Secrets and Leases that a controller creates for itself."""
POLICY: Manifest = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "team"},
    "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": resources,
                }
                for group, resources in LABELLED.items()
            ]
        },
        "validations": [
            {
                "expression": "has(object.metadata.labels) && 'team' in object.metadata.labels",
                "message": "label team is required",
            }
        ],
    },
}
BINDING: Manifest = {
    "apiVersion": POLICY["apiVersion"],
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": POLICY["metadata"],
    "spec": {
        "policyName": "team",
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}},
    },
}
BY_ITSELF = (("v1/ServiceAccount", "default"), ("v1/ConfigMap", "kube-root-ca.crt"))
"""Objects that Kubernetes creates in a namespace without the label. They must exist before the policy."""
SECONDS = 60.0


@dataclass
class Restricted:
    """A cluster with a restricted namespace for the release, and the values that satisfy it."""

    cluster: Cluster
    kube: Kube
    chart: Path
    values: Manifest
    address: str
    exposed: list[Address] = field(default_factory=list)

    def install(self, more: Manifest) -> None:
        self.values = helm.merged(self.values, more)
        helm.install(self.cluster, RELEASE, self.chart, NAMESPACE, self.values)
        wait_for(self.kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        assert "Succeeded" in helm.test(self.cluster, RELEASE, NAMESPACE)

    def answers(self, address: Address) -> str:
        """Return what is wrong with the answer of the task, empty if nothing."""
        try:
            said = greeting_of(address)
        except OSError as error:
            return str(error)
        return "" if said == greeting(TASK.id, PORT) else f"the answer is {said!r}"


def satisfying(controller: Controller, chart: Path, address: str) -> Manifest:
    """Return the values of a controller with the label on every object and resources for every container."""
    values: Manifest = {
        "commonLabels": TEAM,
        "gateway": {"addresses": [address]},
        "slots": [{"start": START, "count": COUNT}],
        "envoy": {
            "drainSeconds": 5,
            "resources": RESOURCES,
            "shutdownManager": {"resources": RESOURCES},
            "podDisruptionBudget": {"maxUnavailable": 1},
        },
        "contour": {"replicas": 1, "resources": RESOURCES},
        "hooks": {"resources": RESOURCES},
        "envoy-gateway": {
            "commonLabels": TEAM,
            "deployment": {"pod": {"labels": TEAM}, "envoyGateway": {"resources": RESOURCES}},
            "certgen": {"job": {"resources": RESOURCES, "pod": {"labels": TEAM}}, "rbac": {"labels": TEAM}},
        },
    }
    return helm.merged(values, controller.values(chart))


def labels_are_required(kube: Kube) -> str:
    """Return why the policy is not enforced yet, empty if it is."""
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": NAMESPACE}}
    try:
        kube.create(probe)
    except ApiError as refused:
        return "" if Refusal.DENIED in refused.reasons else str(refused)
    kube.delete("v1/ConfigMap", "probe", NAMESPACE)
    return "an object without the label is accepted"


def is_there(kube: Kube, kind: str, name: str) -> str:
    try:
        kube.get(kind, name, NAMESPACE)
    except NotFound:
        return f"{kind} {name} is missing"
    return ""


@pytest.fixture(scope="module", params=controllers.names())
def restricted(request: pytest.FixtureRequest, chart: Path, crds_chart: Path) -> Iterator[Restricted]:
    controller = controllers.CONTROLLERS.get(request.param)
    with base.temporary_cluster("kind", base.ClusterRequest(f"test-restricted-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        helm.install(cluster, names.CRDS_CHART, crds_chart, names.CRDS_NAMESPACE, dict(controller.crds))
        kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for kind, name in BY_ITSELF:
            until(partial(is_there, kube, kind, name), SECONDS)
        for each in (LIMITS, QUOTA, POLICY, BINDING):
            kube.create(each)
        until(partial(labels_are_required, kube), SECONDS)
        address = node_address(kube)
        yield Restricted(cluster, kube, chart, satisfying(controller, chart, address), address)


def task_pod() -> Manifest:
    pod = serving.pod(TASK.id, NAMESPACE, TASK.ports)
    pod["metadata"]["labels"] |= TEAM
    pod["spec"]["containers"][0]["resources"] = RESOURCES
    return pod


def test_the_restrictions_refuse_the_default_values(restricted: Restricted) -> None:
    def try_out(values: Manifest) -> None:
        restricted.kube.create(pod_of_helm_test(restricted.chart, values), dry_run=True)

    with pytest.raises(ApiError, match="label team is required"):
        try_out(restricted.values | {"commonLabels": {}})
    with pytest.raises(Forbidden, match="minimum cpu usage per Container is 50m"):
        try_out(restricted.values | {"hooks": {}})
    try_out(restricted.values)


def pod_of_helm_test(chart: Path, values: Manifest) -> Manifest:
    """Return the pod of `helm test`, without the ServiceAccount of the release."""
    only = ("--show-only", "templates/tests/pod.yaml")
    pod: Manifest = yaml.safe_load(helm.template(chart, values, release=RELEASE, namespace=NAMESPACE, arguments=only))
    del pod["spec"]["serviceAccountName"]
    return pod


def test_it_is_installed_and_tested(restricted: Restricted) -> None:
    restricted.install({})


def test_a_task_is_reached(restricted: Restricted) -> None:
    restricted.kube.create(task_pod())
    wait_for(restricted.kube, POD_READY, POD, TASK.id, NAMESPACE, condition("Ready"))
    gateway = InternalTaskGateway(RELEASE, NAMESPACE, restricted.address, START, START + COUNT - 1)
    restricted.exposed += TaskGateway(restricted.kube, gateway, NAMESPACE).expose(TASK, wait=TASK_EXPOSED)
    (address,) = restricted.exposed
    until(partial(restricted.answers, address), TASK_REACHABLE.seconds)


def test_an_upgrade_that_changes_the_labels_keeps_the_claim(restricted: Restricted) -> None:
    restricted.install({"commonLabels": {"tier": "gold"}, "slots": [{"start": START, "count": MORE}]})
    slots = restricted.kube.list(SERVICE, NAMESPACE, names.slots_selector(RELEASE, NAMESPACE))
    assert len(slots) == MORE
    assert {each["metadata"]["labels"]["tier"] for each in slots} == {"gold"}
    (address,) = restricted.exposed
    until(partial(restricted.answers, address), TASK_REACHABLE.seconds)


def test_it_is_uninstalled(restricted: Restricted) -> None:
    restricted.kube.delete(POD, TASK.id, NAMESPACE)
    helm.uninstall(restricted.cluster, RELEASE, NAMESPACE)
    until(partial(left, restricted), SECONDS)


def left(restricted: Restricted) -> str:
    """Return the pods and Services that the release has left, separated by commas."""
    found = [each for kind in (POD, SERVICE) for each in restricted.kube.list(kind, NAMESPACE)]
    return ", ".join(each["metadata"]["name"] for each in found)
