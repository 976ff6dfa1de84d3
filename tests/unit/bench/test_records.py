"""Samples become records."""

import json
from dataclasses import replace
from typing import Any

from task_gateway.model import Address
from task_gateway.routing import names
from task_gateway.spread import Spread
from task_gateway_lab.bench import burst, expose, fake_pods, operator_start, scale
from task_gateway_lab.bench.combos import Combo
from task_gateway_lab.bench.expose import Sample, SizeSamples
from task_gateway_lab.bench.meters import Count
from task_gateway_lab.bench.operator_start import OperatorStart
from task_gateway_lab.report import bench_text

SLOTS = Combo("contour", "slots", 1024, (10, 100), 3)


def test_samples_of_one_size_are_one_record() -> None:
    samples = [Sample(0.01, 0.02, 0.03), Sample(0.02, 0.03, 0.05), Sample(0.03, 0.09, 0.04)]
    counts = [Count(1, 1), Count(1, 2), Count(2, 3)]
    found = expose.record(SLOTS, 100, SizeSamples(0.25, samples, counts, 0.6, [300, 40]))
    assert (found.active, found.samples, found.pause_seconds, found.slots) == (100, 3, 0.25, 1024)
    assert (found.api_writes, found.kube_requests) == (1.33, 2.0)
    assert (found.api_seconds, found.ready_seconds, found.refused_seconds) == (
        Spread(0.02, 0.03), Spread(0.03, 0.09), Spread(0.04, 0.05),
    )  # fmt: skip
    assert (found.apiserver_cpu_seconds, found.controller_memory_mib, found.envoy_memory_mib) == (0.2, 300, 40)


def test_two_visits_of_a_size_are_one_with_the_memory_of_the_first() -> None:
    early, late = Sample(0.01, 0.02, 0.03), Sample(0.02, 0.03, 0.05)
    one, other = Count(1, 1), Count(2, 3)
    found = SizeSamples(1.0, [early], [one], 0.5, [300, 40]) + SizeSamples(1.0, [late], [other], 0.25, [700, 50], "why")
    assert found == SizeSamples(1.0, [early, late], [one, other], 0.75, [300, 40], "why")


def test_only_slots_are_built() -> None:
    visit = SizeSamples(1.0, [Sample(0.01, 0.02, 0.03)], [Count(3, 4)], 0.0, [0, 0], "why")
    assert expose.record(Combo("contour", "listeners", 1, (10,), 1), 10, visit).slots == 0
    assert expose.record(Combo("contour", "operator", 64, (10,), 1), 10, visit).slots == 64
    assert expose.record(SLOTS, 10, visit).stopped == "why"


def test_rounds_are_one_record_with_the_fewest_ports_and_the_worst_time() -> None:
    found = burst.record(SLOTS, 100, (20, 30), [(100, 0.5, 1.5), (99, 0.7, 4.0), (100, 0.6, 1.6)])
    assert (found.rounds, found.ports, found.worst_seconds) == (3, 99, 4.0)
    assert (found.api_seconds, found.ready_seconds) == (Spread(0.6, 0.7), Spread(1.6, 4.0))


def test_starts_of_the_operator_are_one_record_with_the_largest_memory() -> None:
    starts = [OperatorStart(1.0, 0.8, 70.2), OperatorStart(1.5, 0.9, 91.6), OperatorStart(1.1, 1.2, 80.0)]
    found = operator_start.record(1000, operator_start.Amount(slots=4000), starts, Count(1, 3))
    assert (found.pods, found.slots, found.starts, found.memory_mib) == (1000, 4000, 3, 92)
    assert (found.ready_seconds, found.cpu_seconds) == (Spread(1.1, 1.5), Spread(0.9, 1.2))
    assert (found.idle_writes, found.idle_requests) == (1, 3)
    assert bench_text.operator_rows([found]) == [["1,000", "4,000", "3", "1.10 (1.50)", "0.90 (1.20)", "92", "30", "1"]]


def test_the_pods_of_the_operator_have_the_size_of_a_notebooks() -> None:
    made = operator_start.pod(7)
    assert made["metadata"]["labels"][names.EXPOSE] == str(fake_pods.PORT)
    assert 6_000 < len(json.dumps(made | {"status": fake_pods.pod_status(7)})) < 8_000
    assert "env" not in fake_pods.pod(7, "tasks")["spec"]["containers"][0]


def test_releases_are_one_record_with_all_their_slots_and_tasks() -> None:
    nobody: Any = None
    one = scale.Installed(nobody, nobody, [], [], {fake_pods.task(n, "a"): Address("192.0.2.1", n) for n in range(3)})
    combo = replace(SLOTS, slots=5)
    found = scale.record(combo, [one, one], [Sample(0.01, 0.02, 0.03)], (61.25, 7.0))
    assert (found.releases, found.slots, found.active, found.samples) == (2, 10, 6, 1)
    assert (found.install_seconds, found.fill_seconds) == (61.2, 7.0)
    assert bench_text.scale_rows([found]) == [
        ["contour", "slots", "2", "10", "6", "1", "20 (20)", "30 (30)", "61", "7"]
    ]


def test_releases_share_no_port_and_one_controller_unless_it_serves_one_gateway() -> None:
    few = [scale.place_of(replace(SLOTS, slots=5), number) for number in range(3)]
    assert [each.first_port for each in few] == [20000, 20005, 20010]
    assert len({each.placeholder for each in few}) == len({each.namespace for each in few}) == 3
    assert [each.brings_controller for each in few] == [True, True, True]
    shared = [scale.place_of(Combo("envoy-gateway", "slots", 5, (3,), 1), number) for number in range(2)]
    assert [each.brings_controller for each in shared] == [True, False]
