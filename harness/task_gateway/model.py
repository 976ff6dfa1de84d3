"""The records that pass between rooms: frozen, typed, and free of behaviour that needs a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABEL_PREFIX = "task-gateway.dev"
TASK_LABEL = f"{LABEL_PREFIX}/task"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class InternalTaskGateway:
    """The five keys of `internal_task_gateway`; both ends of the port range are inclusive (1025 to 65535)."""

    gateway_name: str
    gateway_namespace: str
    gateway_ip: str
    gateway_port_range_start: int
    gateway_port_range_end: int


@dataclass(frozen=True)
class ResourcePool:
    """A pool of one resource manager; on Kubernetes the auxiliary containers are counted per node."""

    pool_name: str
    max_aux_containers_per_agent: int = 100


@dataclass(frozen=True)
class ResourceManager:
    """One resource manager of a master; without a gateway its tasks are dialled directly.

    `name` and `cluster_name` stand in for each other where one is not given. `kubeconfig_path` None means
    the cluster that the master itself runs in.
    """

    name: str
    cluster_name: str
    type: str = "kubernetes"
    kubeconfig_path: str | None = None
    default_namespace: str | None = None
    max_slots_per_pod: int | None = None
    internal_task_gateway: InternalTaskGateway | None = None
    resource_pools: tuple[ResourcePool, ...] = ()


@dataclass(frozen=True)
class MasterConfig:
    """The parts of a master configuration that the gateway depends on; the first resource manager is the default."""

    file: str
    default: ResourceManager
    additional: tuple[ResourceManager, ...] = ()

    @property
    def resource_managers(self) -> tuple[ResourceManager, ...]:
        """All resource managers, the default one first."""
        return (self.default, *self.additional)


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be talked to. `context` None means the kubeconfig's current one."""

    name: str
    provider: str
    kubeconfig: Path
    context: str | None = None


@dataclass(frozen=True)
class Address:
    """Where a task answers, as the master dials it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Task:
    """A running task: its pods in `namespace` carry the label `task-gateway.dev/task: <id>` and listen on `port`."""

    id: str
    namespace: str
    port: int
    owner: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a scenario as it went; `detail` says what was seen, or the cause of the failure."""

    name: str
    passed: bool
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class NotebookRun:
    """One notebook as it was reached and left. `screenshot` is a path relative to the report."""

    resource_manager: str
    cluster: str
    address: str
    port: int
    strategy: str
    cell: str
    output: str
    screenshot: str
    refused_after_release: bool


@dataclass(frozen=True)
class RunResult:
    """A whole run: what `result.json` says."""

    name: str
    passed: bool
    seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    notebooks: tuple[NotebookRun, ...] = ()
    evidence: tuple[str, ...] = ()
