"""The chart gateway-api-crds on a real API server, by helm, and beside the commands that change the same CRD."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apiserver.test_crds import bounds, crd, eventually, gateway, listeners, managers, refusal

from task_gateway.clusters import base
from task_gateway.crds import bundles, edit, edit_live, ports_policy, raised, schema
from task_gateway.crds.raising import raise_to
from task_gateway.crds.restore import restore
from task_gateway.errors import CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.process import Completed, Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Manifest
from task_gateway.settings import API_READY

RELEASE, NAMESPACE = "crds", "system"
ADOPT: tuple[Word, ...] = ("--take-ownership", "--force-conflicts")
GATEWAY_CLASS: Manifest = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GatewayClass",
    "metadata": {"name": "theirs"},
    "spec": {"controllerName": "example.com/theirs"},
}


@pytest.fixture
def kube() -> Iterator[Kube]:
    name = f"test-crds-chart-{os.getpid()}"
    yield Kube(base.up("control-plane", base.Wish(name), say=print))
    base.down(name)


def install(kube: Kube, **gateways: object) -> Manifest:
    (chart,) = (Path(__file__).parents[2] / "dist").glob("gateway-api-crds-*.tgz")
    helm.install(kube.cluster, RELEASE, chart, NAMESPACE, {"gateways": gateways}, wait=False)
    return crd(kube)


def test_values_and_commands_raise_the_same_crd(kube: Kube) -> None:
    upstream = install(kube)
    assert bounds(kube) == {(64, 64)}

    # The command says that the release will mind, and it does: nothing is lowered behind the user's back.
    (note,) = raise_to(kube, 213).notes
    assert f"the Helm release {RELEASE} of namespace {NAMESPACE}" in note
    assert "--set gateways.maxListeners=213" in note
    with pytest.raises(CommandFailed, match=f"conflict with .*{edit_live.MANAGER}.*versions"):
        install(kube)
    assert bounds(kube) == {(213, 213)}
    install(kube, maxListeners=213)
    assert bounds(kube) == {(213, 213)}

    # After a restore the release is free to set what its values say.
    restore(kube)
    assert crd(kube)["spec"] == upstream["spec"]
    assert edit_live.MANAGER not in managers(kube)
    install(kube, maxListeners=100)
    assert bounds(kube) == {(100, 100)}

    # Without the rules there is the policy too, and the release takes over both as the command says.
    (note,) = raise_to(kube, 1000, drop=True).notes
    assert note.endswith("--set gateways.maxListeners=1000,gateways.dropQuadraticRules=true --take-ownership")
    (chart,) = (Path(__file__).parents[2] / "dist").glob("gateway-api-crds-*.tgz")
    words = note.rpartition(": ")[2].split()
    target: list[Word] = [RELEASE, chart, "--namespace", NAMESPACE, "--kubeconfig", kube.cluster.kubeconfig]
    run([tool("helm"), "upgrade", *target, *words])
    assert bounds(kube) == {(1000, 1000)}


def test_the_chart_drops_the_rules_and_leaves_the_policy(kube: Kube) -> None:
    install(kube, maxListeners=1000, dropQuadraticRules=True)
    assert bounds(kube) == {(1000, 1000)}
    assert not edit.has_quadratic_rules(crd(kube))
    eventually(lambda: kube.create(gateway(listeners(1000))))
    twice = gateway([*listeners(2), {"name": "other", "port": 20000, "protocol": "TCP"}])
    twice["metadata"]["name"] = "twice"
    assert "20000 TCP already exists" in refusal(lambda: kube.create(twice, dry_run=True))

    # Both stay as the CRDs do when the release goes.
    helm.uninstall(kube.cluster, RELEASE, NAMESPACE)
    assert kube.get(schema.KIND, schema.GATEWAYS)
    assert ports_policy.present(kube)


@pytest.fixture(scope="module")
def plane() -> Iterator[Kube]:
    """One API server for all bundles; each test finds it without CRDs."""
    with base.lent("control-plane", base.Wish(f"test-adoption-{os.getpid()}"), say=print) as cluster:
        yield Kube(cluster)


def given(kube: Kube, version: str, channel: str) -> None:
    """Bring an API server to the CRDs of a bundle alone, as kubectl applies them, with an object of somebody's."""
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
    [("v1.0.0", "standard"), ("v1.2.1", "standard"), ("v1.5.0", "standard"), ("v1.6.1", "standard"),
     ("v1.4.0", "experimental"), ("v1.6.1", "experimental")],
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
    assert (found[schema.BUNDLE_VERSION], found[schema.CHANNEL]) == ("v1.6.1", channel)
    assert plane.get("gateway.networking.k8s.io/v1/GatewayClass", "theirs")["spec"] == GATEWAY_CLASS["spec"]
    helm.uninstall(plane.cluster, RELEASE, NAMESPACE)
    assert crd(plane)["metadata"]["uid"] == before["metadata"]["uid"]
    assert plane.get("gateway.networking.k8s.io/v1/GatewayClass", "theirs")


@pytest.mark.parametrize(
    ("version", "channel", "words"),
    [
        ("v1.7.0", "standard", "newer than the v1.6.1"),
        ("v1.6.1", "experimental", "say channel=experimental"),
        ("v1.0.0", "experimental", "has objects stored as v1alpha2"),
    ],
)
def test_newer_crds_those_of_the_other_channel_and_versions_that_are_gone_are_left_alone(
    plane: Kube, version: str, channel: str, words: str
) -> None:
    given(plane, version, channel)
    before = crd(plane)
    channels = () if "say channel" in words else ("--set", f"channel={channel}")
    done = helm_install(plane, *channels, *ADOPT)
    assert done.code != 0
    assert words in done.stderr
    assert crd(plane) == before


def test_upstreams_policy_refuses_what_it_prohibits_and_nothing_changes(plane: Kube) -> None:
    given(plane, "v1.6.1", "standard")
    for each in bundles.fetch("v1.6.1", "standard").policies:
        plane.apply(each, field_manager="kubectl")
    adopted = helm_install(plane, *ADOPT)
    assert adopted.code == 0, adopted.stderr
    before = crd(plane)
    other = bundles.fetch("v1.6.1", "experimental").crds[schema.GATEWAYS]
    refusal(lambda: plane.apply(other, dry_run=True))
    refused = helm_install(plane, "--set", "channel=experimental", *ADOPT)
    assert refused.code != 0
    assert raised.SAFE_UPGRADES in refused.stderr
    assert crd(plane)["spec"] == before["spec"]
