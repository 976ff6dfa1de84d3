"""The CRDs' chart on clusters with installed CRDs: bundles from v1.0.0 to v1.7.0, of both channels."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apiserver.test_crds import crd, refusal

import pins
from task_gateway.crds import bundles, limit_status, schema
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.process import Completed, Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Manifest
from task_gateway.settings import API_READY
from task_gateway_lab.clusters import base

PINNED = f"v{pins.read()['GATEWAY_API_VERSION']}"
RELEASE, NAMESPACE = "crds", "system"
ADOPT: tuple[Word, ...] = ("--take-ownership", "--force-conflicts")
GATEWAY_CLASS: Manifest = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GatewayClass",
    "metadata": {"name": "theirs"},
    "spec": {"controllerName": "example.com/theirs"},
}


@pytest.fixture(scope="module")
def plane() -> Iterator[Kube]:
    """An API server for all bundles; each test starts without CRDs."""
    with base.temporary_cluster(
        "control-plane", base.ClusterRequest(f"test-adoption-{os.getpid()}"), say=print
    ) as cluster:
        yield Kube(cluster)


def given(kube: Kube, version: str, channel: str) -> None:
    """Install only the CRDs of a bundle on an API server, as kubectl applies them, with an object of a user."""
    helm.uninstall(kube.cluster, RELEASE, NAMESPACE)
    kubectl(kube.cluster, "delete", "customresourcedefinitions", "--all", "--wait")
    crds = bundles.fetch(version, channel).crds
    for each in crds.values():
        kube.apply(each, field_manager="kubectl")
    for name in crds:
        wait_for(kube, API_READY, schema.KIND, name, None, condition("Established"))
    kube.create(GATEWAY_CLASS)


def helm_install(kube: Kube, *words: Word) -> Completed:
    (chart,) = (Path(__file__).parents[2] / "dist").glob("gateway-api-crds-*.tgz")
    target: list[Word] = [RELEASE, chart, "--namespace", NAMESPACE, "--create-namespace"]
    argv = [tool("helm"), "upgrade", "--install", *target, "--kubeconfig", kube.cluster.kubeconfig, *words]
    return run(argv, check=False)


@pytest.mark.parametrize(
    ("version", "channel"),
    [("v1.0.0", "standard"), ("v1.2.1", "standard"), ("v1.5.0", "standard"), (PINNED, "standard"),
     ("v1.4.0", "experimental"), (PINNED, "experimental")],
)  # fmt: skip
def test_crds_that_are_there_are_adopted_when_told_so_and_outlive_the_release(
    plane: Kube, version: str, channel: str
) -> None:
    given(plane, version, channel)
    before = crd(plane)
    refused = helm_install(plane, "--set", f"channel={channel}")
    assert refused.code != 0
    assert "invalid ownership metadata" in refused.stderr
    assert crd(plane) == before
    done = helm_install(plane, "--set", f"channel={channel}", *ADOPT)
    assert done.code == 0, done.stderr
    found = crd(plane)["metadata"]["annotations"]
    assert (found[schema.BUNDLE_VERSION], found[schema.CHANNEL]) == (PINNED, channel)
    assert plane.get("gateway.networking.k8s.io/v1/GatewayClass", "theirs")["spec"] == GATEWAY_CLASS["spec"]
    helm.uninstall(plane.cluster, RELEASE, NAMESPACE)
    assert crd(plane)["metadata"]["uid"] == before["metadata"]["uid"]
    assert plane.get("gateway.networking.k8s.io/v1/GatewayClass", "theirs")


@pytest.mark.parametrize(
    ("version", "channel", "words"),
    [
        ("v1.7.0", "standard", f"newer than the {PINNED}"),
        (PINNED, "experimental", "set channel=experimental"),
        ("v1.0.0", "experimental", "has objects stored as v1alpha2"),
    ],
)
def test_newer_crds_those_of_the_other_channel_and_versions_that_are_gone_are_left_alone(
    plane: Kube, version: str, channel: str, words: str
) -> None:
    given(plane, version, channel)
    before = crd(plane)
    channels = () if "set channel" in words else ("--set", f"channel={channel}")
    done = helm_install(plane, *channels, *ADOPT)
    assert done.code != 0
    assert words in done.stderr
    assert crd(plane) == before


def test_upstreams_policy_refuses_what_it_prohibits_and_nothing_changes(plane: Kube) -> None:
    given(plane, PINNED, "standard")
    for each in bundles.fetch(PINNED, "standard").policies:
        plane.apply(each, field_manager="kubectl")
    adopted = helm_install(plane, *ADOPT)
    assert adopted.code == 0, adopted.stderr
    before = crd(plane)
    other = bundles.fetch(PINNED, "experimental").crds[schema.GATEWAYS]
    refusal(lambda: plane.apply(other, dry_run=True))
    refused = helm_install(plane, "--set", "channel=experimental", *ADOPT)
    assert refused.code != 0
    assert limit_status.SAFE_UPGRADES in refused.stderr
    assert crd(plane)["spec"] == before["spec"]
