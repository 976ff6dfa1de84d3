"""Metrics: Prometheus keeps exactly the metrics that the dashboard shows, and both select this gateway's tasks."""

import json
import re
from collections.abc import Callable

from tests.chart.test_production import CONTROLLERS, controller

from task_gateway.model import Manifest

__all__ = ["controller"]
Render = Callable[..., list[Manifest]]
ON = {"metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "p"}}, "dashboard": {"enabled": True}}}
NAMES = {
    "envoy-gateway": ["tcproute/jobs/tg-slot-20000/rule/-1", "tcproute/jobs/tg-task-20000/rule/-1"],
    "contour": ["jobs_tg-slot-20000_20000", "jobs_tg-task-20000_20000"],
}
OTHERS = ["tcproute/jobs/tg2-slot-20000/rule/-1", "prometheus_stats", "jobs_xtg-slot-20000_20000"]


def rendered(render: Render, controller: str) -> dict[str, Manifest]:
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in render(CONTROLLERS[controller] | ON)}


def test_none_without_a_word(render: Render, controller: str) -> None:
    kinds = {(each["kind"], each["metadata"]["name"]) for each in render(CONTROLLERS[controller])}
    assert kinds.isdisjoint(
        {("Service", "tg-metrics"), ("ServiceMonitor", "tg-metrics"), ("ConfigMap", "tg-dashboard")}
    )


def test_the_monitor_finds_the_service_and_the_service_envoy(render: Render, controller: str) -> None:
    found = rendered(render, controller)
    monitor, service = found["ServiceMonitor/tg-metrics"], found["Service/tg-metrics"]
    assert monitor["metadata"]["labels"]["release"] == "p"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    matching = [
        name
        for name, each in found.items()
        if name.startswith("Service/") and each["metadata"].get("labels", {}).items() >= wanted
    ]
    assert matching == ["Service/tg-metrics"]
    (port,), (endpoint,) = service["spec"]["ports"], monitor["spec"]["endpoints"]
    assert endpoint["port"] == port["name"]
    if controller == "contour":
        pod = found["Deployment/tg-envoy"]["spec"]["template"]
        assert pod["metadata"]["labels"].items() >= service["spec"]["selector"].items()
        assert port["port"] in [each["containerPort"] for each in pod["spec"]["containers"][0]["ports"]]


def test_what_the_dashboard_shows_is_kept(render: Render, controller: str) -> None:
    found = rendered(render, controller)
    (relabeling,) = found["ServiceMonitor/tg-metrics"]["spec"]["endpoints"][0]["metricRelabelings"]
    config = found["ConfigMap/tg-dashboard"]
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    dashboard = json.loads(config["data"]["tg.json"])
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = {name for query in queries for name in re.findall(r"envoy_[a-z_]+(?=\{)", query)}
    assert used
    assert used - set(relabeling["regex"].split("|")) == set()
    titles = {panel["title"] for panel in dashboard["panels"]}
    assert {"Active tasks", "Headroom", "Refused connections"} <= titles
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)


def test_a_query_means_this_gateways_tasks(render: Render, controller: str) -> None:
    dashboard = json.loads(rendered(render, controller)["ConfigMap/tg-dashboard"]["data"]["tg.json"])
    active = dashboard["panels"][0]["targets"][0]["expr"]
    (pattern,) = re.findall(r'envoy_cluster_name=~"([^"]+)"', active)
    assert [name for name in NAMES[controller] if not re.fullmatch(pattern, name)] == []
    assert [name for name in OTHERS if re.fullmatch(pattern, name)] == []
    assert 'namespace="gateways"' in active
