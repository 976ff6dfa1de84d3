"""The diff of a change: only the fields that differ, and their parents."""

from task_gateway.crds import diff
from task_gateway.model import Manifest


def document(bound: int, *rules: str) -> Manifest:
    versions = [
        {"name": "v1", "served": True, "bound": bound, "rules": list(rules)},
        {"name": "v2", "served": True, "bound": 64, "rules": ["a"]},
    ]
    return {"kind": "CRD", "versions": versions}


def test_equal_documents_have_no_diff() -> None:
    assert diff.unified(document(64, "a"), document(64, "a"), "crd") == ""


def test_only_what_differs_is_shown_with_the_way_to_it() -> None:
    assert diff.unified(document(64, "a"), document(213, "a"), "crd").splitlines() == [
        "--- crd (live)",
        "+++ crd (changed)",
        " versions:",
        "-- bound: 64",
        "+- bound: 213",
        "   name: v1",
    ]


def test_a_list_of_other_things_is_shown_whole() -> None:
    shown = diff.unified(document(64, "a", "b"), document(64, "a"), "crd")
    assert [line for line in shown.splitlines() if line[0] in " -+"][2:] == [
        " versions:",
        " - name: v1",
        "   rules:",
        "   - a",
        "-  - b",
    ]


def test_fields_that_come_and_go_are_shown() -> None:
    shown = diff.unified({"a": 1, "b": 2}, {"b": 2, "c": 3}, "it").splitlines()[2:]
    assert shown == ["-a: 1", "+c: 3"]


def test_versions_that_come_or_go_are_shown_whole() -> None:
    before = document(64, "a")
    after = {**before, "versions": before["versions"][:1]}
    shown = diff.unified(before, after, "it").splitlines()
    assert "-  name: v2" in shown
    assert "   name: v1" in shown
