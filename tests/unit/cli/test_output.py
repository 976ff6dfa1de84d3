"""The output of commands: texts, tables, JSON."""

import json
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.table import Table

from task_gateway.cli.output import Output, emit, wanted
from task_gateway.model import Cluster, Limit


def test_records_paths_and_mappings_become_json(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster("east", "kind", Path("/k"))
    emit({"clusters": [cluster], "more": MappingProxyType({"a": 1})}, Output.json, lambda _: "unused")
    assert json.loads(capsys.readouterr().out) == {
        "clusters": [{"name": "east", "provider": "kind", "kubeconfig": "/k", "context": None, "default_rules": False}],
        "more": {"a": 1},
    }


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        emit(object(), Output.json, str)


def test_text_is_rendered_from_the_value_and_taken_literally(capsys: pytest.CaptureFixture[str]) -> None:
    emit(42, Output.text, lambda value: f"[bold]{value}[/bold]")
    assert capsys.readouterr().out == "[bold]42[/bold]\n"


def test_tables_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("Name")
    table.add_row("east")
    emit(table, Output.text, lambda value: value)
    assert "│ east │" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ([], Output.text),
        (["ls"], Output.text),
        (["ls", "-o", "json"], Output.json),
        (["ls", "-ojson"], Output.json),
        (["ls", "--output", "json"], Output.json),
        (["--output=json", "ls"], Output.json),
        (["ls", "-o", "text"], Output.text),
        (["ls", "json", "-o"], Output.text),
    ],
)
def test_the_wanted_output_is_seen_in_any_command_line(arguments: list[str], output: Output) -> None:
    assert wanted(arguments) is output


def test_a_field_that_python_keeps_for_itself_has_its_plain_name_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit(Limit("slots", "slots", 6, 6, "gateway", "read", "slots.count"), Output.json, str)
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["id", "description", "value", "tasks", "scope", "found", "raise"]
    assert shown["raise"] == "slots.count"
