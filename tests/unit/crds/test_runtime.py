"""The run-time limit: how samples are built, searched with and timed."""

from typing import Any, cast

import pytest
from tests.unit.crds.costly import crd, version

from task_gateway.crds import runtime, schema
from task_gateway.errors import ClusterUnreachable, Invalid
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.reasons import Refusal

LISTENERS = "spec.listeners"


class LimitedServer:
    """Accepts objects up to a number of listeners."""

    def __init__(self, limit: int, reason: Refusal = Refusal.RULE_COST) -> None:
        self.limit, self.reason = limit, reason
        self.asked: list[int] = []

    def create(self, obj: Manifest, *, dry_run: bool) -> Manifest:
        assert dry_run
        self.asked.append(len(obj["spec"]["listeners"]))
        if self.asked[-1] > self.limit:
            raise Invalid("no", status=422, reasons=frozenset({self.reason}))
        return obj


def maker() -> runtime.Make:
    make = runtime.sampler(crd(version("v1")), "v1", LISTENERS)
    assert make is not None
    return make


def search(server: LimitedServer, ceiling: int = 600) -> int | None:
    return runtime.largest_object(cast(Kube, server), maker(), 445, ceiling)


def test_a_sample_has_listeners_as_tasks_have_them() -> None:
    made = maker()(2000)
    listeners = made["spec"]["listeners"]
    assert (made["apiVersion"], made["kind"]) == ("gateway.networking.k8s.io/v1", "Gateway")
    assert len({each["port"] for each in listeners}) == len({each["name"] for each in listeners}) == 2000
    assert {len(each["name"]) for each in listeners} == {runtime.SAMPLE_STRING}
    assert max(each["port"] for each in listeners) <= 65535


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"group": "example.com"}, LISTENERS),
        ({"names": {"kind": "HTTPRoute"}}, LISTENERS),
        ({}, "spec.addresses"),
    ],
)
def test_other_lists_have_no_sample_and_are_not_measured(spec: dict[str, Any], path: str) -> None:
    other = crd(version("v1"))
    other["spec"].update(spec)
    assert runtime.sampler(other, "v1", path) is None
    assert runtime.measure(cast(Kube, None), other, "v1", path, 64, writes=True) == (None, ())


@pytest.mark.parametrize("kind", ["ListenerSet", "XListenerSet"])
def test_a_listener_set_names_a_parent(kind: str) -> None:
    made = crd(version("v1"))
    made["spec"]["names"]["kind"] = kind
    make = runtime.sampler(made, "v1", LISTENERS)
    assert make is not None
    assert make(1)["spec"]["parentRef"] == {"name": "none"}


def test_the_known_limit_takes_two_questions() -> None:
    server = LimitedServer(445)
    assert search(server) == 445
    assert server.asked == [445, 446]


@pytest.mark.parametrize("limit", [1, 213, 406, 444, 446, 599])
def test_another_limit_is_found_exactly(limit: int) -> None:
    server = LimitedServer(limit)
    assert search(server) == limit
    assert {limit, limit + 1} <= {*server.asked}


def test_nothing_refused_is_no_limit() -> None:
    assert search(LimitedServer(10_000)) is None
    assert search(LimitedServer(10_000), ceiling=100) is None


def test_another_refusal_is_no_limit_either() -> None:
    with pytest.raises(Invalid) as refused:
        search(LimitedServer(100, Refusal.TOO_MANY_ITEMS))
    assert refused.value.reasons == {Refusal.TOO_MANY_ITEMS}


@pytest.mark.parametrize("silent", [1, runtime.ATTEMPTS])
def test_an_answer_that_does_not_come_in_time_is_asked_for_again(silent: int) -> None:
    class Busy(LimitedServer):
        def create(self, obj: Manifest, *, dry_run: bool) -> Manifest:
            super().create(obj, dry_run=dry_run)
            if len(self.asked) <= silent:
                raise ClusterUnreachable("Read timed out")
            return obj

    server = Busy(100)
    if silent == 1:
        assert runtime.accepted(cast(Kube, server), maker()(64))
        assert server.asked == [64, 64]
    else:
        with pytest.raises(ClusterUnreachable):
            runtime.accepted(cast(Kube, server), maker()(64))
        assert len(server.asked) == runtime.ATTEMPTS


def test_strings_of_the_items_are_shortened_and_the_rules_stay() -> None:
    given = crd(version("v1", "self.all(a, true)"))
    items = schema.list_at(given, "v1", LISTENERS)
    assert items is not None
    items["items"]["properties"]["kind"] = {"type": "string", "default": "longer than ten"}
    short = schema.list_at(runtime.with_short_strings(given, LISTENERS), "v1", LISTENERS)
    assert short is not None
    properties = short["items"]["properties"]
    assert properties["name"]["maxLength"] == runtime.SAMPLE_STRING
    assert "maxLength" not in properties["kind"], "or its default would be too long"
    assert items["items"]["properties"]["name"]["maxLength"] == 253
    assert short[schema.RULES] == items[schema.RULES]


def test_the_first_write_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 9, *(edge for number in range(1, 11) for edge in (100 * number, 100 * number + number))])
    monkeypatch.setattr("task_gateway.crds.runtime.time.monotonic", lambda: next(clock))
    timed = runtime.write_time(cast(Kube, LimitedServer(100)), maker()(64), 64)
    assert (timed.items, timed.median, timed.p99, timed.samples) == (64, 5.5, 10, 10)
