"""Records the limits of a gateway with the chart's defaults, for docs/limits.md: `python ci/record_limits.py`.

A kind cluster with the chart is created, `task-gateway limits` reads it with each strategy, and the cluster is removed.
`make pages` renders the page.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import charts
import pins
from pictures import package
from task_gateway.controllers.base import default
from task_gateway.kube import helm
from task_gateway.kube.client import Kube
from task_gateway.kube.process import run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster
from task_gateway.probe.versions import crd_versions, image_versions
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.names import CRDS_CHART, CRDS_NAMESPACE
from task_gateway.routing.strategies import base as strategies
from task_gateway.settings import GATEWAY_PROGRAMMED
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

FILE = pins.ROOT / "reports" / "recorded" / "limits" / "limits.json"
NAME, RELEASE, NAMESPACE = "record-limits", "task-gateway", "task-gateway"
START, END, MAX_AUX = 20000, 20199, 100
VERSIONS = {"Kubernetes": "kubernetes", "Envoy Gateway": "envoy-gateway", "Gateway API": "gateway-api"}


def main() -> int:
    """Record the limits with each strategy."""
    with base.temporary_cluster("kind", base.ClusterRequest(NAME), say=print) as cluster:
        kube = Kube(cluster)
        helm.install(cluster, CRDS_CHART, package(charts.CRDS_CHART), CRDS_NAMESPACE, default().crds)
        address = node_address(kube)
        values = {"gateway": {"addresses": [address]}}
        helm.install(cluster, RELEASE, package(charts.GATEWAY_CHART), NAMESPACE, values)
        wait_for(kube, GATEWAY_PROGRAMMED, GATEWAY, RELEASE, NAMESPACE, condition("Programmed"))
        found = crd_versions(kube) | image_versions(kube.list("v1/Pod", NAMESPACE))
        managers = [each for one in strategies.in_order() for each in limits(cluster, address, one.name)]
    versions = {title: found[name].removeprefix("v").partition(" ")[0] for title, name in VERSIONS.items()}
    FILE.write_text(json.dumps({"versions": versions, "resource_managers": managers}, indent=2) + "\n", "utf-8")
    print(f"√ {FILE.relative_to(pins.ROOT)}\n  render the page: make pages")
    return 0


def limits(cluster: Cluster, address: str, strategy: str) -> list[dict[str, Any]]:
    """Return the limits of the gateway with a strategy, as the command prints them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "master.yaml"
        file.write_text(json.dumps(master(cluster, address)), "utf-8")  # JSON is YAML
        argv: list[str | Path] = [tool("task-gateway"), "limits", "--strategy", strategy, "-o", "json"]
        argv += ["--config", file, "--kubeconfig", cluster.kubeconfig]
        found: list[dict[str, Any]] = json.loads(run(argv).stdout)["resource_managers"]
    return [each for each in found if each["gateway"]]


def master(cluster: Cluster, address: str) -> dict[str, Any]:
    """Return the configuration of a master with one resource manager behind the gateway."""
    gateway = {
        "gateway_name": RELEASE,
        "gateway_namespace": NAMESPACE,
        "gateway_ip": address,
        "gateway_port_range_start": START,
        "gateway_port_range_end": END,
    }
    manager = {
        "type": "kubernetes",
        "cluster_name": "east",
        "kubeconfig_path": str(cluster.kubeconfig),
        "internal_task_gateway": gateway,
    }
    pools = [{"pool_name": "east", "max_aux_containers_per_agent": MAX_AUX}]
    return {
        "resource_manager": {"type": "kubernetes", "cluster_name": "home"},
        "resource_pools": [{"pool_name": "home"}],
        "additional_resource_managers": [{"resource_manager": manager, "resource_pools": pools}],
    }


if __name__ == "__main__":
    sys.exit(main())
