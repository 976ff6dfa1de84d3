"""docs/controllers.md on Contour, command by command."""

from tests.guides import blocks
from tests.guides.site import PASSED, fixture

shell = fixture("contour")
test_block = blocks.items(__file__)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    (said,) = shell.said
    assert PASSED in said
    assert "meets all that is required" in said
