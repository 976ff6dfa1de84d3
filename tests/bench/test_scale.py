"""`bench scale` in small, with each controller: two releases in one cluster, each task answered by its own pod."""

from pathlib import Path

import pytest

from task_gateway.controllers import base as controllers
from task_gateway.version import __version__
from task_gateway_lab.bench import combos
from task_gateway_lab.bench.bench_cluster import Charts
from task_gateway_lab.bench.scale import Amount, measure
from task_gateway_lab.clusters import operator_image

DIST = Path(__file__).parents[2] / "dist"
AMOUNT = Amount(releases=2, slots=4, tasks=2, samples=4, pause=0.1)


@pytest.mark.parametrize("controller", controllers.names())
def test_releases_share_a_cluster_and_no_task(controller: str) -> None:
    gateway, crds = (DIST / f"{name}-{__version__}.tgz" for name in ("internal-task-gateway", "gateway-api-crds"))
    charts = Charts(gateway, crds, operator_image.archive(DIST))
    wanted = combos.releases([controller], "operator", AMOUNT.slots, AMOUNT.tasks)
    *_, report = measure(wanted, charts, AMOUNT, say=print)
    assert [(each.releases, each.slots, each.active, each.samples) for each in report.records] == [
        (1, 4, 2, 4), (2, 8, 4, 4),
    ]  # fmt: skip
    for each in report.records:
        assert 0 < each.ready_seconds.median <= each.ready_seconds.p99
        assert min(each.refused_seconds.median, each.install_seconds, each.fill_seconds) > 0
