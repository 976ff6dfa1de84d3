"""Records as JSON: what is recorded is read and written again as it was; anything else is refused by field."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from task_gateway import records
from task_gateway.errors import Problem
from task_gateway.model import Address, CelReport, Cluster, Exposure, Limit, ManagerLimits
from task_gateway.model_controllers import ControllerRecord
from task_gateway.reasons import ConfigRule
from task_gateway_lab.model_bench import BurstReport, CrdWriteReport, DataplaneReport, ExposeReport, OperatorReport

REPORTS = Path(__file__).parents[2] / "reports"
EAST = ManagerLimits("east", "east", "slots", "gw/itg", 6, 2, 4, "slots", (Limit("a", "b", 1, None, "c", "d", "e"),))


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("recorded/controllers/contour.json", ControllerRecord),
        ("recorded/controllers/envoy-gateway.json", ControllerRecord),
        ("bench/expose.json", ExposeReport),
        ("bench/burst.json", BurstReport),
        ("bench/dataplane.json", DataplaneReport),
        ("bench/crd-write.json", CrdWriteReport),
        ("bench/operator.json", OperatorReport),
    ],
)
def test_a_recorded_file_is_written_again_as_it_was(file: str, kind: type[object], tmp_path: Path) -> None:
    found = records.load(kind, REPORTS / file)
    assert isinstance(found, kind)
    again = records.save(found, tmp_path / "new" / "record.json")
    assert json.loads(again.read_text("utf-8")) == json.loads((REPORTS / file).read_text("utf-8"))


@pytest.mark.parametrize(
    ("file", "key", "kind"),
    [("cel/cel.json", "crds", list[CelReport]), ("limits/limits.json", "resource_managers", list[ManagerLimits])],
)
def test_a_list_of_records_inside_a_file_is_read_again_once_written(file: str, key: str, kind: type[Any]) -> None:
    found = records.read(kind, json.loads((REPORTS / "recorded" / file).read_text("utf-8"))[key])
    assert records.read(kind, records.text(found)) == found


def test_a_keyword_of_python_has_its_plain_name_in_json() -> None:
    entry = json.loads(records.text(EAST))
    assert list(entry["limits"][0]) == ["id", "description", "value", "tasks", "scope", "found", "raise"]
    assert records.read(ManagerLimits, entry) == EAST


def test_addresses_times_paths_mappings_and_hidden_fields_have_their_json() -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    exposed = Exposure("a", "b", "", "Pod", 1, "http", "slots", Address("", 3), since)
    entry = json.loads(records.text({"exposed": [exposed], "more": MappingProxyType({"at": Path("/k")})}))
    assert entry["exposed"][0]["address"] == {"host": None, "port": 3}
    assert entry["exposed"][0]["since"] == "2026-01-02T03:04:05+00:00"
    assert entry["more"] == {"at": "/k"}
    assert "rule" not in json.loads(records.text(Problem("master.yaml", 1, "key", "message", ConfigRule.READABLE)))
    cluster = Cluster("east", "kind", Path("/k"))
    assert records.read(Cluster, records.text(cluster)) == cluster


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        records.text([object()])


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        ({"id": "a"}, "required field missing"),
        ({**json.loads(records.text(EAST.limits[0])), "more": 1}, "more"),
        ({**json.loads(records.text(EAST.limits[0])), "value": "many"}, "value"),
        ([], "."),
        (None, "."),
        ("{", "."),
    ],
)
def test_an_entry_of_another_shape_is_refused(entry: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        records.read(Limit, entry)
