"""Finds the gateways that a command applies to: those of a master configuration, or those that the chart installed."""

from dataclasses import dataclass
from pathlib import Path

from task_gateway.errors import NotFound, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.kubeconfig import choose
from task_gateway.model import InternalTaskGateway, Manifest, MasterConfig, ResourceManager
from task_gateway.routing import determined, names, table
from task_gateway.routing.gateway_api import GATEWAY, first_address
from task_gateway.settings import DEFAULTS, Settings


@dataclass(frozen=True)
class GatewayTarget:
    """One resource manager, and the API server of the cluster that its tasks run in."""

    manager: ResourceManager
    kube: Kube


def targets(
    master: MasterConfig | None, kubeconfig: Path | None = None, context: str | None = None
) -> list[GatewayTarget]:
    """Return a target per resource manager of type kubernetes or, without a configuration, per Gateway of the chart.

    `kubeconfig` or `context` overrides the `kubeconfig_path` of each resource manager. UsageError if a kubeconfig
    cannot be used, or if there is no target.
    """
    if master is None:
        return discover(connect(kubeconfig, context))
    found = [target_for(each, kubeconfig, context) for each in master.resource_managers if each.type == "kubernetes"]
    if not found:
        raise UsageError("no resource manager is of type kubernetes", where=master.file)
    return found


def target_for(manager: ResourceManager, kubeconfig: Path | None = None, context: str | None = None) -> GatewayTarget:
    """Return the target of one resource manager; UsageError if its kubeconfig cannot be used."""
    if kubeconfig is None and context is None and manager.kubeconfig_path:
        return GatewayTarget(manager, connect(Path(manager.kubeconfig_path).expanduser()))
    return GatewayTarget(manager, connect(kubeconfig, context))


def connect(kubeconfig: Path | None = None, context: str | None = None, *, settings: Settings = DEFAULTS) -> Kube:
    """Return the API server of a kubeconfig, by default the one that kubectl would use.

    `settings` are the default of each TaskGateway that uses the connection.
    """
    return Kube(choose(kubeconfig, context), settings)


def discover(kube: Kube) -> list[GatewayTarget]:
    """Return the Gateways that the chart installed, each as a resource manager of a master.

    A Gateway that only has the slots of a lane is left out: no master uses it, and the lane's Gateway represents it.
    """
    try:
        gateways = kube.list(GATEWAY, labels=f"{names.GATEWAY_LABEL},app.kubernetes.io/name={names.CHART}")
    except NotFound:
        gateways = []
    if not gateways:
        raise UsageError(
            f"no Gateway of the chart {names.CHART} is installed in this cluster",
            where=kube.server,
            hint="name the gateways with --config master.yaml, or the cluster with --context",
        )
    lanes = {
        (each["metadata"]["namespace"], (each["metadata"].get("annotations") or {}).get(names.SERVED_BY))
        for each in gateways
    }
    found = [(each["metadata"], _as_manager(each, kube)) for each in gateways]
    return [
        GatewayTarget(manager, kube)
        for meta, manager in found
        if manager.default_namespace is None or (meta["namespace"], meta["name"]) not in lanes
    ]


def _as_manager(gateway: Manifest, kube: Kube) -> ResourceManager:
    name, namespace = gateway["metadata"]["name"], gateway["metadata"]["namespace"]
    elsewhere = (gateway["metadata"].get("annotations") or {}).get(names.TASK_NAMESPACE, namespace)
    slots = kube.list(SERVICE, labels=names.slots_selector(name, namespace))
    ports = sorted(slot.port for slot in map(table.parse, slots) if slot is not None)
    first, last = (ports[0], ports[-1]) if ports else determined.port_range(gateway)
    return ResourceManager(
        name=f"{namespace}/{name}",
        cluster_name=kube.cluster.name,
        default_namespace=None if slots else elsewhere,
        internal_task_gateway=InternalTaskGateway(name, namespace, first_address(gateway), first, last),
    )
