"""docs/determined.md, command by command: a Gateway that a Determined master writes, and slots beside it."""

from collections.abc import Iterator

import pytest
from tests.guides import blocks
from tests.guides.site import PASSED
from tests.guides.site import shell as lent


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[blocks.Shell]:
    with lent("determined", tmp_path_factory.mktemp("guide")) as found:
        yield found


@blocks.follow(__file__)
def test_block(shell: blocks.Shell, block: blocks.Block) -> None:
    shell.follow(block)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    first, login, beside = shell.said
    assert PASSED in first
    assert "no slots to tasks in namespace tasks" in first
    assert login.splitlines()[-1] == "yes"
    assert PASSED in beside
