"""docs/install.md, command by command, on a cluster of its own: installed, upgraded, back again, and gone."""

import os
from collections.abc import Iterator

import pytest
from tests import guides

from task_gateway.clusters import base
from task_gateway.clusters.kind import node_address
from task_gateway.kube.client import Kube


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    with base.lent("kind", base.Wish(f"test-install-{os.getpid()}"), say=print) as cluster:
        yield Kube(cluster)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, kube: Kube) -> guides.Shell:
    words = {"KUBECONFIG": str(kube.cluster.kubeconfig), "ADDRESS": node_address(kube)}
    return guides.Shell(guides.ROOT, tmp_path_factory.mktemp("install") / "exported", words)


@guides.follow(__file__)
def test_block(shell: guides.Shell, block: guides.Block) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: guides.Shell, kube: Kube) -> None:
    installed, looked, upgraded, removed = shell.said
    assert "Phase:          Succeeded" in installed
    assert f"gateway_ip: {shell.words['ADDRESS']}" in looked
    assert "offers 80 slots" in upgraded
    assert "Rollback was a success" in upgraded
    assert "uninstalled" in removed
    assert kube.list("v1/Service", "tasks") == []
    assert kube.list("gateway.networking.k8s.io/v1/Gateway") == []
