"""docs/determined.md, command by command: a Gateway that a Determined master writes, and one with slots."""

from tests.guides import blocks
from tests.guides.site import PASSED, fixture

shell = fixture("determined")
test_block = blocks.items(__file__)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    first, login, beside = shell.said
    assert PASSED in first
    assert "no slots in namespace tasks" in first
    assert login.splitlines()[-1] == "yes"
    assert PASSED in beside
