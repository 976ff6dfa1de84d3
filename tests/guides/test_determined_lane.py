"""docs/determined-lane.md, command by command: a Gateway that no controller serves, and the operator."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.guides import blocks
from tests.guides.site import PASSED
from tests.guides.site import shell as lent

from task_gateway_lab.clusters import base, operator_image

GUIDE, RIGHTS = blocks.ROOT / "docs" / "determined.md", "rights.yaml"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    folder = tmp_path_factory.mktemp("guide")
    (rights,) = [each for each in blocks.marked(GUIDE) if each.file == RIGHTS]
    (folder / RIGHTS).write_text(rights.text)
    with lent("determined-lane", folder, OPERATOR_IMAGE=operator_image.NAME) as found:
        base.load(Path(found.words["KUBECONFIG"]).parent.name, operator_image.archive(blocks.ROOT / "dist"))
        yield found


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.GuideBlock) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    (said,) = shell.said
    assert "200 ports for a Determined master with tasks in namespace tasks, ports 24000-24199" in said
    assert PASSED in said
