"""The packaged chart on a real cluster, only with helm: installed, tested, upgraded, refused twice, and uninstalled."""

from pathlib import Path

import pytest
from pytest_helm_charts.clusters import Cluster as HelmChartsCluster
from pytest_helm_charts.k8s.deployment import wait_for_deployments_to_run
from tests.cluster.conftest import COUNT, GATEWAY, NAMESPACE, RELEASE, START, Installed

from task_gateway.crds import schema
from task_gateway.errors import ClusterExists, CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster, Manifest
from task_gateway_lab.clusters import base

DEPLOYMENT_SECONDS = 60


def test_the_gateway_is_programmed_at_the_given_address(installed: Installed, kube_cluster: HelmChartsCluster) -> None:
    gateway = installed.kube.get(GATEWAY, RELEASE, NAMESPACE)
    assert [each["value"] for each in gateway["status"]["addresses"]] == [installed.gateway.gateway_ip]
    assert gateway["spec"]["gatewayClassName"] == f"{RELEASE}.{NAMESPACE}"
    (controller,) = wait_for_deployments_to_run(
        kube_cluster.kube_client, ["envoy-gateway"], NAMESPACE, DEPLOYMENT_SECONDS
    )
    assert controller.ready


def test_helm_test_passes_and_names_every_slot(installed: Installed) -> None:
    printed = helm.test(installed.cluster, RELEASE, NAMESPACE)
    for port in range(START, START + COUNT):
        assert f"{RELEASE}-slot-{port} condition met" in printed


def test_no_pod_of_ours_breaks_the_restricted_pod_security_standard(installed: Installed) -> None:
    for pod in installed.kube.list("v1/Pod", NAMESPACE):
        for container in pod["spec"]["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, container["name"]
            assert security["capabilities"]["drop"] == ["ALL"], container["name"]
            assert security.get("runAsNonRoot") or pod["spec"]["securityContext"].get("runAsNonRoot"), container["name"]


def test_a_second_controller_is_refused_with_the_value_to_set(installed: Installed, chart: Path) -> None:
    with pytest.raises(CommandFailed, match=r"controller\.install=false"):
        helm.install(installed.cluster, "second", chart, "second", wait=False)
    with pytest.raises(CommandFailed, match=r"at '/gateway': additional properties 'placeholderPorts'"):
        helm.install(installed.cluster, RELEASE, chart, NAMESPACE, {"gateway": {"placeholderPorts": 1}})


def test_a_cluster_of_that_name_is_left_alone(installed: Installed) -> None:
    with pytest.raises(ClusterExists) as taken:
        base.up("kind", base.ClusterRequest(installed.cluster.name), say=print)
    assert taken.value.hint == f"task-gateway cluster down {installed.cluster.name}"
    assert installed.kube.ready() is None


def test_uninstall_leaves_nothing_but_crds(chart: Path, kind_cluster: Cluster, installed: Installed) -> None:
    """Last in this file: the session's release is installed again afterwards, and does not change the CRDs."""
    kube: Kube = installed.kube
    before = {each["metadata"]["name"]: each["spec"] for each in gateway_api(kube)}
    try:
        helm.uninstall(kind_cluster, RELEASE, NAMESPACE)
        assert kube.list(GATEWAY) == []
        assert kube.list("gateway.networking.k8s.io/v1/GatewayClass") == []
        assert kube.list("v1/Service", NAMESPACE) == []
        assert kube.list("apps/v1/Deployment", NAMESPACE) == []
        for kind in ("ClusterRole", "ClusterRoleBinding"):
            names = [each["metadata"]["name"] for each in kube.list(f"rbac.authorization.k8s.io/v1/{kind}")]
            assert not [name for name in names if "gateway" in name or RELEASE in name], kind
        assert kube.served(GATEWAY)
    finally:
        values = {"gateway": {"addresses": [installed.gateway.gateway_ip]}, "slots": [{"start": START, "count": COUNT}]}
        helm.install(kind_cluster, RELEASE, chart, NAMESPACE, values)
    assert {each["metadata"]["name"]: each["spec"] for each in gateway_api(kube)} == before


def gateway_api(kube: Kube) -> list[Manifest]:
    return [each for each in kube.list(schema.KIND) if each["spec"]["group"] == "gateway.networking.k8s.io"]
