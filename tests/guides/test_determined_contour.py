"""docs/determined.md on Contour, command by command: a Gateway that a Determined master writes, served by Contour."""

from tests.guides import blocks
from tests.guides.site import PASSED, fixture

shell = fixture("determined-contour")
test_block = blocks.items(__file__)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    (said,) = shell.said
    assert PASSED in said
    assert "ports 24000-24498 for tasks that use their own listeners" in said
