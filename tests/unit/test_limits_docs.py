"""The page about limits explains every limit, and its table has a column for each strategy."""

import re
from pathlib import Path

from task_gateway.limits.base import LIMITS
from task_gateway.routing.strategies.base import STRATEGIES

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")


def test_every_limit_is_explained() -> None:
    explained = PAGE.partition("## What each limit means")[2].partition("\n## ")[0]
    headings = [line for line in explained.splitlines() if line.startswith("`")]
    assert sorted(re.findall(r"`([a-z-]+)`", " ".join(headings))) == LIMITS.names()


def test_every_strategy_has_its_column() -> None:
    (head,) = (line for line in PAGE.splitlines() if line.startswith("| Limit |"))
    assert sorted(re.findall(r"`(\w+)`", head)) == STRATEGIES.names()
