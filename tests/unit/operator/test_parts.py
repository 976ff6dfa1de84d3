"""Parts of the operator without a cluster: the queue, the metrics, and the result on a pod."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime

from tests.unit.operator.simulation import made

from task_gateway.operator import pods
from task_gateway.operator.metrics import Metrics
from task_gateway.operator.pods import PublishedCondition
from task_gateway.operator.request import ExposeReason
from task_gateway.operator.result import ExposeResult, event, is_news, patch, same
from task_gateway.operator.work_queue import WorkQueue
from task_gateway.routing import names

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TWO = ExposeResult((("8888", "192.0.2.7:20000"), ("http", "192.0.2.7:20001")), ExposeReason.EXPOSED, "two")


def test_a_key_is_worked_on_by_one_thread_and_comes_again_if_it_was_added_meanwhile() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add(["a", "b", "a"])
    assert queue.get() == "a"
    queue.add(["a"])
    assert queue.get() == "b"
    queue.done("a")
    assert queue.get() == "a"
    queue.done("a")
    queue.close()
    assert queue.get() is None


def test_a_key_that_is_added_for_later_comes_later() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("late", 0.05)
    queue.add_after("soon", 0.01)
    assert [queue.get(), queue.get()] == ["soon", "late"]


def test_closing_ends_those_that_wait() -> None:
    queue: WorkQueue[str] = WorkQueue()
    threads = [threading.Thread(target=queue.get) for _ in range(3)]
    for each in threads:
        each.start()
    queue.close()
    for each in threads:
        each.join(10)
        assert not each.is_alive()


def test_the_buckets_of_a_histogram_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.005, 0.3, 99):
        metrics.claim_seconds.observe(seconds)
    text = metrics.text({"free": {"tasks": 3}}, leader=True, watch_restarts=2)
    for line in (
        'task_gateway_operator_free{namespace="tasks"} 3',
        "task_gateway_operator_leader 1",
        "task_gateway_operator_watch_restarts_total 2",
        'task_gateway_operator_claim_seconds_bucket{le="0.005"} 2',
        'task_gateway_operator_claim_seconds_bucket{le="0.5"} 3',
        'task_gateway_operator_claim_seconds_bucket{le="+Inf"} 4',
        "task_gateway_operator_claim_seconds_count 4",
    ):
        assert line in text.splitlines()


def test_one_patch_has_addresses_condition_and_label_of_the_pod_as_it_was_read() -> None:
    body = patch(made("a", "u", "8888.http", version=7), TWO, NOW)
    assert (body["metadata"]["uid"], body["metadata"]["resourceVersion"]) == ("u", "7")
    assert body["metadata"]["labels"] == {"task-gateway.dev/task": "u"}
    notes = body["metadata"]["annotations"]
    assert notes[names.ADDRESS] == "192.0.2.7:20000"
    assert json.loads(notes[names.ADDRESSES]) == dict(TWO.addresses)
    (condition,) = body["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (names.EXPOSED, "True", "Exposed")
    assert condition["lastTransitionTime"] == "2026-03-04T05:06:07Z"
    written = body | {"metadata": body["metadata"] | {"namespace": "tasks", "name": "a", "labels": {
        **body["metadata"]["labels"], names.EXPOSE: "8888.http"}}}  # fmt: skip
    assert same(pods.parse(written), TWO)
    assert not same(pods.parse(written), replace(TWO, addresses=TWO.addresses[:1]))


def test_the_only_port_of_several_is_written_by_its_own_name() -> None:
    only = ExposeResult((("6006", "192.0.2.7:20000"),), ExposeReason.NO_FREE_SLOT, "1 of 2")
    pod = made("a", "u", "8888.6006")
    body = patch(pod, only, NOW)
    notes = {key: text for key, text in body["metadata"]["annotations"].items() if text is not None}
    assert notes == {names.ADDRESSES: '{"6006": "192.0.2.7:20000"}'}
    assert pods.addresses("8888.6006", notes) == only.addresses


def test_an_address_that_is_lost_from_one_annotation_is_written_again() -> None:
    notes = patch(made("a", "u", "8888.http"), TWO, NOW)["metadata"]["annotations"]
    assert pods.addresses("8888.http", notes) == TWO.addresses
    assert pods.addresses("8888.http", {names.ADDRESSES: notes[names.ADDRESSES]}) == TWO.addresses[1:]


def test_the_time_of_a_condition_is_that_of_its_last_change() -> None:
    before = PublishedCondition("False", "NoFreeSlot", "1 of 1", "2026-01-01T00:00:00Z")
    pod = replace(made("a", "u"), condition=before)
    (condition,) = patch(pod, ExposeResult((), ExposeReason.NOT_ALLOWED, "no"), NOW)["status"]["conditions"]
    assert condition["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    (condition,) = patch(pod, ExposeResult(TWO.addresses, ExposeReason.EXPOSED, "x"), NOW)["status"]["conditions"]
    assert condition["lastTransitionTime"] == "2026-03-04T05:06:07Z"


def test_counts_that_change_are_no_reason_to_write() -> None:
    pod = replace(made("a", "u"), condition=PublishedCondition("False", "NoFreeSlot", "4 slots", "then"))
    changed = ExposeResult((), ExposeReason.NO_FREE_SLOT, "5 slots")
    assert same(pod, changed)
    assert not is_news(pod.condition, changed)
    assert is_news(pod.condition, ExposeResult((), ExposeReason.INVALID_PORT, "no"))


def test_nothing_stays_on_a_pod_that_has_no_result() -> None:
    pod = replace(
        made("a", "u"),
        task="u",
        published=TWO.addresses,
        condition=PublishedCondition("True", "Exposed", "two", "then"),
    )
    body = patch(pod, ExposeResult(), NOW)
    assert body["metadata"]["labels"] == {"task-gateway.dev/task": None}
    assert set(body["metadata"]["annotations"].values()) == {None}
    assert body["status"]["conditions"] == [{"type": names.EXPOSED, "$patch": "delete"}]


def test_an_event_is_no_longer_than_the_api_server_accepts() -> None:
    made_event = event(made("a" * 253, "u"), "NoFreeSlot", "x" * 5000, NOW, "operator")
    assert len(made_event["message"]) == 1024
    assert len(made_event["metadata"]["name"]) < 254
    assert made_event["type"] == "Warning"
