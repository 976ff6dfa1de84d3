"""The parts of clusters, master and gateway that scenarios use; imported when a run begins.

Scenarios and commands import it by `from task_gateway_lab.scenarios import runtime`; annotations that use it are
quoted.
"""

from task_gateway.routing import reach
from task_gateway.routing.gateway import TaskGateway
from task_gateway_lab.clusters.node import API_SERVER, Node
from task_gateway_lab.master import browser, launcher, manifests
from task_gateway_lab.master.exchange import accepted, call
from task_gateway_lab.master.kinds.base import KINDS
from task_gateway_lab.master.kinds.tensorboard import STEPS
from task_gateway_lab.master.managed_cluster import ManagedCluster
from task_gateway_lab.master.notebook import Notebook
from task_gateway_lab.master.platform import Platform, RunningTask, TaskRequest
from task_gateway_lab.master.platforms.base import PlatformLogin
from task_gateway_lab.scenarios.environment import Environment, EnvironmentSpec, chart_values, data, node_addresses
from task_gateway_lab.scenarios.product import Product
from task_gateway_lab.scenarios.run import run

__all__ = [
    "API_SERVER",
    "KINDS",
    "STEPS",
    "Environment",
    "EnvironmentSpec",
    "ManagedCluster",
    "Node",
    "Notebook",
    "Platform",
    "PlatformLogin",
    "Product",
    "RunningTask",
    "TaskGateway",
    "TaskRequest",
    "accepted",
    "browser",
    "call",
    "chart_values",
    "data",
    "launcher",
    "manifests",
    "node_addresses",
    "reach",
    "run",
]
