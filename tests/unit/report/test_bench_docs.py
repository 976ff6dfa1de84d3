"""docs/performance.md explains the fields of the records, and names commands that exist."""

import dataclasses
import re
from pathlib import Path

import pytest

from task_gateway.cli._commands import load
from task_gateway_lab.model_bench import ExposeRecord

PAGE = (Path(__file__).parents[3] / "docs" / "performance.md").read_text("utf-8")


@pytest.mark.parametrize("part", ["targets", "expose", "burst", "dataplane"])
def test_each_rendered_part_has_its_place(part: str) -> None:
    assert re.search(rf"<!-- {part}: begin[^>]*-->\n.*?<!-- {part}: end -->", PAGE, re.DOTALL)


def test_every_field_of_a_record_is_explained() -> None:
    fields = {field.name for field in dataclasses.fields(ExposeRecord)} - {"controller", "strategy", "samples"}
    assert {name for name in fields if f"`{name}`" not in PAGE} == set()


def test_the_commands_to_reproduce_it_exist() -> None:
    named = set(load("bench").commands)
    assert set(re.findall(r"task-gateway bench ([a-z-]+)", PAGE.partition("## Reproduce")[2])) == named
