"""Every limit is explained on the page about limits, and the page has the ladder of each strategy."""

import re
from pathlib import Path

from task_gateway.limits.base import LIMITS
from task_gateway.routing.strategies.base import STRATEGIES

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")


def test_every_limit_is_explained() -> None:
    explained = PAGE.partition("## What each limit means")[2].partition("\n## ")[0]
    headings = [line for line in explained.splitlines() if line.startswith("`")]
    assert sorted(re.findall(r"`([a-z-]+)`", " ".join(headings))) == LIMITS.names()


def test_every_strategy_has_its_ladder() -> None:
    assert sorted(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == STRATEGIES.names()
