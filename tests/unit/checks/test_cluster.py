"""Checks of the cluster, its CRDs and its controller, in states that are hard to create in a cluster."""

import pytest
from tests.unit.checks.objects import CONTOUR, ENVOY, Make, make_condition

from task_gateway.checks import cluster, controller, crds
from task_gateway.checks.base import Finding
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest


def node(name: str, ready: str) -> Manifest:
    return {"metadata": {"name": name}, "status": {"conditions": [make_condition("Ready", ready)]}}


@pytest.mark.parametrize(
    ("version", "right"), [("v1.33.9", False), ("v1.34.0", True), ("v1.37.0+k3s1", True), ("v2.0.0", True)]
)
def test_old_kubernetes_is_a_warning(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, version: str, right: bool
) -> None:
    monkeypatch.setattr(Kube, "version", lambda _: version)
    said = cluster.version(snapshot())
    assert said == (None if right else Finding("v1.33.9 is older than 1.34", warning=True))


def test_some_nodes_not_ready_warn_and_none_ready_is_an_error(snapshot: Make) -> None:
    assert cluster.nodes(snapshot(nodes=[node("a", "True")])) is None
    some = cluster.nodes(snapshot(nodes=[node("a", "True"), node("b", "Unknown")]))
    assert some == Finding("not Ready: b", warning=True)
    assert cluster.nodes(snapshot(nodes=[node("b", "False")])) == Finding("not Ready: b")
    assert cluster.nodes(snapshot(nodes=[])) == Finding("there are no nodes")


def kube_proxy(node: str, ready: str, restarts: int = 0) -> Manifest:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    container = {"name": "kube-proxy", "ready": ready == "True", "restartCount": restarts, "state": state}
    status = {"conditions": [make_condition("Ready", ready)], "containerStatuses": [container]}
    return {"metadata": {"name": f"kube-proxy-{node}"}, "spec": {"nodeName": node}, "status": status}


def test_a_node_whose_kube_proxy_does_not_run_is_named(snapshot: Make) -> None:
    assert cluster.kube_proxy(snapshot(kube_proxies=[])) is None, "another component may replace it"
    assert cluster.kube_proxy(snapshot(kube_proxies=[kube_proxy("a", "True", restarts=7)])) is None
    broken = kube_proxy("b", "False", restarts=7)
    said = "node b: Pod kube-proxy-b: container kube-proxy: CrashLoopBackOff"
    logs = "kubectl logs --namespace kube-system kube-proxy-b --previous"
    assert cluster.kube_proxy(snapshot(kube_proxies=[broken])) == Finding(said, fix=logs)
    some = cluster.kube_proxy(snapshot(kube_proxies=[kube_proxy("a", "True"), broken]))
    assert some == Finding(said, warning=True, fix=logs)
    assert cluster.kube_proxy(snapshot(kube_proxies=[broken, kube_proxy("b", "True")])) is None, "it was replaced"
    begun = cluster.kube_proxy(snapshot(kube_proxies=[kube_proxy("b", "False")]))
    assert begun is not None
    assert begun.fix == "", "there is no previous log"


def test_a_crd_whose_names_clash_is_not_established(snapshot: Make) -> None:
    crd = {"metadata": {}, "status": {"conditions": [make_condition("Established", "False")]}}
    said = crds.established(snapshot(crd=crd))
    assert said is not None
    assert said.message.startswith("Established is False")
    crd["status"]["conditions"] = [make_condition("Established", "True")]
    assert crds.established(snapshot(crd=crd)) is None


def crd(version: str, **lists: int) -> Manifest:
    properties = {
        part: {"properties": {"listeners": {"type": "array", "maxItems": number}}} for part, number in lists.items()
    }
    each = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"properties": properties}}}
    notes = {"gateway.networking.k8s.io/bundle-version": version}
    return {"metadata": {"annotations": notes}, "spec": {"versions": [each]}}


def test_the_command_raises_to_the_larger_number(snapshot: Make) -> None:
    said = crds.agree(snapshot(crd=crd("v1.6.1", spec=213, status=64)))
    assert said == Finding(
        "maxItems differs: v1 spec.listeners 213, v1 status.listeners 64",
        fix="task-gateway crds raise --max-listeners 213",
    )
    assert crds.agree(snapshot(crd=crd("v1.6.1", spec=213, status=213))) is None


@pytest.mark.parametrize(("version", "right"), [("v1.5.9", False), ("v1.6.0", True), ("v1.10.0", True), ("", False)])
def test_envoy_gateway_needs_the_crds_of_its_time(snapshot: Make, version: str, right: bool) -> None:
    assert (crds.bundle(snapshot(crd=crd(version), controller=ENVOY)) is None) == right
    assert crds.bundle(snapshot(crd=crd(version), controller=CONTOUR)) is None


def deployment(image: str) -> Manifest:
    container = {"image": image}
    return {"metadata": {"name": "c", "namespace": "n"}, "spec": {"template": {"spec": {"containers": [container]}}}}


@pytest.mark.parametrize(
    ("name", "image", "said"),
    [
        (ENVOY, "docker.io/envoyproxy/gateway:v1.9.1", None),
        (ENVOY, "registry:5000/gateway:v1.9.7@sha256:1234", None),
        (
            ENVOY,
            "docker.io/envoyproxy/gateway:v1.10.0",
            "docker.io/envoyproxy/gateway:v1.10.0: the tested version is 1.9",
        ),
        (CONTOUR, "ghcr.io/projectcontour/contour:v1.33.8", None),
        (
            CONTOUR,
            "ghcr.io/projectcontour/contour:v1.32.0",
            "ghcr.io/projectcontour/contour:v1.32.0: the tested version is 1.33",
        ),
        ("else.where/controller", "", "else.where/controller is not a tested controller"),
    ],
)
def test_other_controllers_are_a_warning(snapshot: Make, name: str, image: str, said: str | None) -> None:
    found = controller.supported(snapshot(controller=name, controllers=[deployment(image)]))
    assert found == (None if said is None else Finding(said, warning=True))


def test_an_unknown_controller_has_no_deployments(snapshot: Make) -> None:
    assert controller.deployments(snapshot(controllers=[deployment("any")])) == []
