"""The guide to several resource managers: all of its commands, in order, on a separate cluster."""

from collections.abc import Iterator

import pytest
from tests.guides import blocks
from tests.guides.site import PASSED
from tests.guides.site import shell as lent


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    with lent("multi-rm", tmp_path_factory.mktemp("guide")) as found:
        found.words = {**found.words, "EAST": found.words["KUBECONFIG"]}
        yield found


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.GuideBlock) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    installed, block, validated, checked, task, account = shell.said
    assert PASSED in installed
    assert f"gateway_ip: {shell.words['ADDRESS']}" in block
    assert "gateway_port_range_end: 20063" in block
    assert "master.yaml" in validated
    assert "east" in checked
    assert '"version"' in task
    assert f"{shell.words['ADDRESS']}:20000" in task
    assert "no tasks are exposed" in account
    assert "64 tasks fit" in account
    assert "nothing is left behind" in account
    assert "√ the resource manager has all required rights" in account
