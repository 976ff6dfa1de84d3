"""The chart gateway-api-crds on a real API server, with helm and with the commands that change the same CRD."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apiserver.test_crds import bounds, crd, eventually, gateway, listeners, managers, refusal

from task_gateway.crds import apply, edit, ports_policy, schema
from task_gateway.crds.raise_limit import raise_to
from task_gateway.crds.restore import restore
from task_gateway.errors import CommandFailed
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.process import Word, run, tool
from task_gateway.model import Manifest
from task_gateway_lab.clusters import base

RELEASE, NAMESPACE = "crds", "system"


@pytest.fixture
def kube() -> Iterator[Kube]:
    name = f"test-crds-chart-{os.getpid()}"
    yield Kube(base.up("control-plane", base.ClusterRequest(name), say=print))
    base.down(name)


def install(kube: Kube, **gateways: object) -> Manifest:
    (chart,) = (Path(__file__).parents[2] / "dist").glob("gateway-api-crds-*.tgz")
    helm.install(kube.cluster, RELEASE, chart, NAMESPACE, {"gateways": gateways}, wait=False)
    return crd(kube)


def test_values_and_commands_raise_the_same_crd(kube: Kube) -> None:
    upstream = install(kube)
    assert bounds(kube) == {(64, 64)}

    # As the command reports, the next upgrade of the release fails: no limit is lowered silently.
    (note,) = raise_to(kube, 213).notes
    assert f"the Helm release {RELEASE} of namespace {NAMESPACE}" in note
    assert "--set gateways.maxListeners=213" in note
    with pytest.raises(CommandFailed, match=f"conflict with .*{apply.MANAGER}.*versions"):
        install(kube)
    assert bounds(kube) == {(213, 213)}
    install(kube, maxListeners=213)
    assert bounds(kube) == {(213, 213)}

    # After a restore the release can apply its values.
    restore(kube)
    assert crd(kube)["spec"] == upstream["spec"]
    assert apply.MANAGER not in managers(kube)
    install(kube, maxListeners=100)
    assert bounds(kube) == {(100, 100)}

    # The policy replaces the dropped rules, and the release takes over both, as the command reports.
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

    # Both are kept, like the CRDs, when the release is uninstalled.
    helm.uninstall(kube.cluster, RELEASE, NAMESPACE)
    assert kube.get(schema.KIND, schema.GATEWAYS)
    assert ports_policy.present(kube)
