"""docs/quick-start.md, command by command, in this checkout, with a unique name of the cluster."""

import dataclasses
import os
from collections.abc import Iterator

import pytest
from tests.guides import blocks

from task_gateway_lab.clusters import base

CLUSTER = f"quick-start-{os.getpid()}"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    yield blocks.Shell(blocks.ROOT, tmp_path_factory.mktemp("quick-start") / "exported")
    if CLUSTER in {cluster.name for cluster in base.known()}:
        base.down(CLUSTER)


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.GuideBlock) -> None:
    shell.follow(dataclasses.replace(block, text=block.text.replace(" quick-start", f" {CLUSTER}")))


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    _, _, installed, _, exposed, ended, _, labelled, removed = shell.said
    assert "Phase:          Succeeded" in installed
    assert ":20000" in exposed
    assert '"kernels"' in exposed
    assert "the port is closed" in ended
    assert "8 tasks fit" in ended
    assert "condition met" in labelled
    assert '"kernels"' in labelled
    assert CLUSTER in removed
    assert CLUSTER not in {cluster.name for cluster in base.known()}
