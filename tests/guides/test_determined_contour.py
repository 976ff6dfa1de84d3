"""docs/determined.md on Contour, command by command: a Gateway that a Determined master writes, served by Contour."""

from collections.abc import Iterator

import pytest
from tests.guides import blocks
from tests.guides.site import PASSED
from tests.guides.site import shell as lent


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    with lent("determined-contour", tmp_path_factory.mktemp("guide")) as found:
        yield found


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.Block) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    (said,) = shell.said
    assert PASSED in said
    assert "ports 24000-24498 to tasks that have listeners of their own" in said
