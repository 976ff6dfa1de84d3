"""docs/jupyterhub.md, command by command, on two clusters: the hub in one of them, its notebooks in the other."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.guides import blocks
from tests.guides.site import shell as lent

from task_gateway.kube.client import Kube
from task_gateway_lab.clusters import base, hub_image, operator_image
from task_gateway_lab.clusters.kind import node_address
from task_gateway_lab.master.jupyterhub import page

LISTED = "task-gateway ls --kubeconfig $EAST\n"
USER = "ada"
HUB = f"guide-hub-{os.getpid()}"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    folder, dist = tmp_path_factory.mktemp("guide"), blocks.ROOT / "dist"
    with (
        lent("jupyterhub", folder) as found,
        base.temporary_cluster("kind", base.ClusterRequest(HUB), say=print) as home,
    ):
        east = Path(found.words["KUBECONFIG"]).parent.name
        base.load(east, operator_image.archive(dist))
        base.load(home.name, dist / hub_image.ARCHIVE)
        address, node = found.words["ADDRESS"], node_address(Kube(home))
        found.words = {
            **found.words,
            "HUB": str(home.kubeconfig),
            "EAST": found.words["KUBECONFIG"],
            "EAST_ADDRESS": address,
            "EAST_API": f"https://{address}:6443",
            "HUB_ADDRESS": node,
            "HUB_URL": f"http://{node}:30081",
            "HUB_IMAGE": hub_image.NAME,
            "PASSWORD": secrets.token_hex(8),
            "OPERATOR_IMAGE": operator_image.NAME,
        }
        yield found


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.GuideBlock, tmp_path: Path) -> None:
    if block.text == LISTED and not shell.broken:
        url = f"http://{shell.words['HUB_ADDRESS']}:30080/"
        page.first_visit(url, USER, shell.words["PASSWORD"], tmp_path / "login.png", tmp_path / "lab.png")
    shell.follow(block)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    *_, started, listed = shell.said
    assert started.count("condition met") == len(("hub", "proxy"))
    (notebook,) = [words for line in listed.splitlines() if "20000" in (words := line.split())]
    assert "operator" in notebook
    assert USER in notebook
