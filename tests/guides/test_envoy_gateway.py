"""docs/controllers.md up to Contour: Envoy Gateway, and a second gateway of the same class."""

from tests.guides import blocks
from tests.guides.site import PASSED, fixture

shell = fixture("envoy-gateway", CLASS="task-gateway.task-gateway")
test_block = blocks.items(__file__)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    first, second = shell.said
    assert PASSED in first
    assert "meets all that is required" in first
    assert PASSED in second
