"""docs/controllers.md up to Contour: Envoy Gateway, and a second gateway of the class that is there then."""

from collections.abc import Iterator

import pytest
from tests.guides import blocks
from tests.guides.site import PASSED
from tests.guides.site import shell as lent


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    with lent("envoy-gateway", tmp_path_factory.mktemp("guide"), CLASS="task-gateway.task-gateway") as found:
        yield found


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.Block) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    first, second = shell.said
    assert PASSED in first
    assert "meets all that is required" in first
    assert PASSED in second
