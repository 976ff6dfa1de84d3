"""The guide to several resource managers: each of its commands, in their order, on a cluster of its own."""

import os
from collections.abc import Iterator

import pytest
from tests import guides

from task_gateway import __version__
from task_gateway.clusters import base, images
from task_gateway.clusters.kind import node_address
from task_gateway.kube.client import Kube


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[guides.Shell]:
    folder = tmp_path_factory.mktemp("guide")
    (folder / "dist").symlink_to(guides.ROOT / "dist")
    with base.lent("kind", base.Wish(f"test-guide-{os.getpid()}"), say=print) as cluster:
        words = {
            "EAST": str(cluster.kubeconfig),
            "ADDRESS": node_address(Kube(cluster)),
            "IMAGE": images.load().notebook,
            "VERSION": __version__,
            "KUBECONFIG": str(cluster.kubeconfig),
        }
        yield guides.Shell(folder, folder / "exported", words)


@guides.follow(__file__)
def test_block(shell: guides.Shell, block: guides.Block) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: guides.Shell) -> None:
    installed, block, validated, checked, task = shell.said
    assert "Phase:          Succeeded" in installed
    assert f"gateway_ip: {shell.words['ADDRESS']}" in block
    assert "gateway_port_range_end: 20063" in block
    assert "master.yaml" in validated
    assert "east" in checked
    assert '"version"' in task
    assert f"{shell.words['ADDRESS']}:20000" in task
