"""`bench operator` in small: real starts of the operator, with the objects of the chart and a few exposed pods."""

from pathlib import Path

from task_gateway.version import __version__
from task_gateway_lab.bench.bench_cluster import Charts
from task_gateway_lab.bench.operator_start import Amount, measure

DIST = Path(__file__).parents[2] / "dist"
PODS, SLOTS, STARTS = (0, 3), 5, 2


def test_an_operator_with_exposed_pods_is_ready_and_then_sends_no_request() -> None:
    names = ("internal-task-gateway", "gateway-api-crds")
    charts = Charts(*(DIST / f"{name}-{__version__}.tgz" for name in names))
    *_, report = measure(charts, Amount(PODS, STARTS, SLOTS, idle_seconds=1.0), say=print)
    assert [(each.pods, each.slots, each.starts) for each in report.records] == [(0, SLOTS, STARTS), (3, SLOTS, STARTS)]
    for each in report.records:
        assert 0 < each.ready_seconds.median <= each.ready_seconds.p99
        assert each.cpu_seconds.median > 0
        assert each.memory_mib > 0
        assert each.idle_requests == each.idle_writes == 0
    assert report.versions["kubernetes"].startswith("v")
