"""The table of slots: reading Services, picking the next slot, the bodies of both writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_gateway.errors import UsageError
from task_gateway.model import Manifest, Task, TaskObject
from task_gateway.routing import table
from task_gateway.routing.table import Slot

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
TASK = Task("nb-1", "tasks", (8888,), "ada", TaskObject("v1/Pod", "nb-1-0", "u-1"))

times = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
ports = st.integers(1025, 65535)
slots = st.builds(
    Slot,
    port=ports,
    service=st.just("s"),
    resource_version=st.just("1"),
    task=st.none() | st.just("someone"),
    released_at=st.just("") | times.map(table.format_time),
)


def service(port: int = 32768, label: str = "32768", annotations: dict[str, str] | None = None) -> Manifest:
    return {
        "metadata": {
            "name": f"gw-slot-{port}",
            "resourceVersion": "42",
            "labels": {"task-gateway.dev/slot": label},
            **({"annotations": annotations} if annotations is not None else {}),
        },
        "spec": {"ports": [{"port": port, "targetPort": 8888, "protocol": "TCP"}]},
    }


def test_parse_of_a_new_slot_is_free_and_never_used() -> None:
    assert table.parse(service()) == Slot(32768, "gw-slot-32768", "42", target_port=8888, unselected=True)


def test_parse_of_a_claimed_slot() -> None:
    annotations = {
        "task-gateway.dev/claimed-by": "nb-1",
        "task-gateway.dev/owner": "ada",
        "task-gateway.dev/object": "Pod/nb-1-0/u-1",
        "task-gateway.dev/claimed-at": "2026-03-04T05:06:07.000089Z",
    }
    claimed = service(annotations=annotations)
    claimed["spec"]["selector"] = {"task-gateway.dev/task": "nb-1"}
    assert table.parse(claimed) == Slot(
        32768,
        "gw-slot-32768",
        "42",
        8888,
        "nb-1",
        "ada",
        "Pod/nb-1-0/u-1",
        "2026-03-04T05:06:07.000089Z",
        selects="nb-1",
    )


@pytest.mark.parametrize(
    ("task", "spec", "agrees"),
    [
        (None, {}, True),
        (None, {"selector": {"task-gateway.dev/task": "released.32768"}}, True),
        (None, {"selector": {"task-gateway.dev/task": "nb-1"}}, False),
        (None, {"selector": {"app": "x"}}, False),
        ("nb-1", {"selector": {"task-gateway.dev/task": "nb-1"}}, True),
        ("nb-1", {"selector": {"task-gateway.dev/task": "nb-1", "app": "x"}}, False),
        ("nb-1", {"selector": {"task-gateway.dev/task": "nb-1"}, "type": "ExternalName"}, False),
        ("nb-1", {"selector": {"task-gateway.dev/task": "nb-2"}}, False),
        ("nb-1", {}, False),
    ],
)
def test_a_selector_agrees_with_its_claim_or_is_that_of_a_free_slot(
    task: str | None, spec: Manifest, agrees: bool
) -> None:
    found = service(annotations={"task-gateway.dev/claimed-by": task} if task else None)
    found["spec"] |= spec
    slot = table.parse(found)
    assert slot is not None
    assert table.agrees(slot) is agrees
    written = table.close(slot, NOW)["spec"]["selector"]
    assert {key: value for key, value in written.items() if value is not None} == {
        "task-gateway.dev/task": task or "released.32768"
    }


@pytest.mark.parametrize("label", ["32769", "", "slot"])
def test_parse_passes_over_what_the_chart_did_not_make(label: str) -> None:
    assert table.parse(service(label=label)) is None


def test_parse_passes_over_a_service_without_ports() -> None:
    assert table.parse({**service(), "spec": {"type": "ExternalName"}}) is None


def test_pick_takes_never_used_by_port_then_longest_unused() -> None:
    def slot(port: int, released: int | None = None, task: str | None = None) -> Slot:
        stamp = "" if released is None else table.format_time(NOW + timedelta(seconds=released))
        return Slot(port, f"s{port}", "1", task=task, released_at=stamp)

    given_slots = [slot(1, 30), slot(2, task="x"), slot(3, 10), slot(5), slot(4), slot(6, 20)]
    assert [s.port for s in table.pick(given_slots)] == [4, 5, 3, 6, 1]


@given(st.lists(slots, max_size=30))
def test_pick_offers_each_free_slot_once_and_no_other(given_slots: list[Slot]) -> None:
    picked = table.pick(given_slots)
    assert all(slot.task is None for slot in picked)
    assert len(picked) == sum(slot.task is None for slot in given_slots)
    unused = [slot.released_at == "" for slot in picked]
    assert unused == sorted(unused, reverse=True)
    assert [slot.released_at for slot in picked] == sorted(slot.released_at for slot in picked)


@given(st.lists(slots, max_size=30), ports, ports)
def test_inside_includes_both_ends(given_slots: list[Slot], first: int, last: int) -> None:
    kept = table.in_port_range(given_slots, first, last)
    assert [slot.port for slot in kept] == [s.port for s in given_slots if s.port in range(first, last + 1)]


def test_claim_is_one_conditional_patch() -> None:
    slot = Slot(32768, "gw-slot-32768", "42", released_at="2026-01-01T00:00:00.000000Z")
    assert table.claim(slot, TASK, 8888, NOW) == {
        "metadata": {
            "resourceVersion": "42",
            "annotations": {
                "task-gateway.dev/claimed-by": "nb-1",
                "task-gateway.dev/owner": "ada",
                "task-gateway.dev/object": "Pod/nb-1-0/u-1",
                "task-gateway.dev/claimed-at": "2026-03-04T05:06:07.000089Z",
                "task-gateway.dev/released-at": None,
                "task-gateway.dev/pod": None,
            },
        },
        "spec": {
            "selector": {"task-gateway.dev/task": "nb-1"},
            "ports": [{"port": 32768, "targetPort": 8888}],
        },
    }


def test_release_is_one_conditional_patch_that_selects_no_pod() -> None:
    assert table.release(Slot(32768, "gw-slot-32768", "43", 8888, "nb-1"), NOW) == {
        "metadata": {
            "resourceVersion": "43",
            "annotations": {
                "task-gateway.dev/claimed-by": None,
                "task-gateway.dev/owner": None,
                "task-gateway.dev/object": None,
                "task-gateway.dev/claimed-at": None,
                "task-gateway.dev/released-at": "2026-03-04T05:06:07.000089Z",
                "task-gateway.dev/pod": None,
            },
        },
        "spec": {"selector": {"task-gateway.dev/task": "released.32768"}},
    }


def test_a_claim_of_the_operator_is_told_by_a_note_that_names_the_pod_and_the_task() -> None:
    notes = table.claim(Slot(32768, "s", "1"), TASK, 8888, NOW, pod="nb-1-0")["metadata"]["annotations"]
    found = table.parse(service(annotations={key: text for key, text in notes.items() if text is not None}))
    assert found is not None
    assert (found.pod, found.by_operator) == ("nb-1-0", True)
    left = table.parse(service(annotations=found_after(notes, "another")))
    assert left is not None
    assert (left.pod, left.by_operator) == ("", False)


def found_after(notes: dict[str, str | None], task: str) -> dict[str, str]:
    """Return the notes after a claim by an earlier release, which leaves what it does not know."""
    return {key: text for key, text in notes.items() if text is not None} | {"task-gateway.dev/claimed-by": task}


def test_claim_refuses_an_id_that_marks_released_slots() -> None:
    with pytest.raises(UsageError):
        table.claim(Slot(32768, "s", "1"), Task("released.32768", "tasks", (8888,)), 8888, NOW)


@given(ports, st.integers(1, 65535))
def test_claim_and_release_write_the_same_annotations(port: int, target: int) -> None:
    slot = Slot(port, "s", "1")
    claim = table.claim(slot, replace(TASK, ports=(target,)), target, NOW, pod="nb-1-0")
    release = table.release(slot, NOW)
    claimed, released = claim["metadata"]["annotations"], release["metadata"]["annotations"]
    assert claimed.keys() == released.keys()
    # Each annotation belongs to one of the two states, so no annotation of one state is left in the other.
    assert all((claimed[key] is None) != (released[key] is None) for key in claimed)


@given(times, times)
def test_stamps_sort_as_their_times(one: datetime, other: datetime) -> None:
    assert (table.format_time(one) < table.format_time(other)) == (one < other)


@given(times)
def test_stamp_is_read_back(moment: datetime) -> None:
    assert table.parse_time(table.format_time(moment)) == moment


def test_stamp_is_utc() -> None:
    tokyo = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    assert table.format_time(tokyo) == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01T00:00:00Z"])
def test_moment_of_foreign_text_is_none(text: str) -> None:
    assert table.parse_time(text) is None
