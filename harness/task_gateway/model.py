"""The records that pass between rooms: frozen, typed, and free of behaviour that needs a cluster."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

LABEL_PREFIX = "task-gateway.dev"
TASK_LABEL = f"{LABEL_PREFIX}/task"
OPERATOR = "operator"
"""The strategy of a port that the operator exposes, as tables and reports name it."""

Manifest = dict[str, Any]
Say = Callable[[str], None]
"""Tells whoever waits, in a line, what is going on."""


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
    """A cluster that can be talked to. `context` None means the kubeconfig's current one.

    With `default_rules` no single file names it: kubectl finds it by its default loading rules (several files in
    KUBECONFIG, or the ServiceAccount of a pod), so no command takes `--kubeconfig`, and `kubeconfig` is only shown.
    """

    name: str
    provider: str
    kubeconfig: Path
    context: str | None = None
    default_rules: bool = False


@dataclass(frozen=True)
class Address:
    """Where a task answers, as the master dials it; `host` is empty as long as the Gateway has no address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that `str` made a text of; ValueError if the text has no port."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))


@dataclass(frozen=True)
class TaskObject:
    """What Kubernetes knows a task as: `kind` is `v1/Pod` or `batch/v1/Job`, `uid` tells it from a later namesake."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Task:
    """A task: its pods in `namespace` carry the label `task-gateway.dev/task: <id>` and listen on all of `ports`.

    Objects that are made for one task alone are owned by `object`, so that Kubernetes removes them with it.
    """

    id: str
    namespace: str
    ports: tuple[int, ...]
    owner: str = ""
    object: TaskObject | None = None

    @property
    def port(self) -> int:
        """The first port: the only one of most tasks."""
        return self.ports[0]


@dataclass(frozen=True)
class Exposure:
    """One port of a task that is exposed: `port` is the gateway's, `target_port` the pod's, `address` what is dialled.

    `target_port` is a number, or a port's name where somebody else wrote one into the Service.
    `kind` is Pod or Job and `object_name` its name, both empty where the task's object is not known. `since` is when
    the port was taken. `ready` tells whether a ready pod is behind the Service, None where nobody looked.
    `by_operator` tells that the operator exposes it, because of a label of the pod. `service` is the Service behind the
    port, which no output shows.
    """

    task_id: str
    namespace: str
    owner: str
    kind: str
    port: int
    target_port: int | str
    strategy: str
    address: Address
    since: datetime | None = None
    ready: bool | None = None
    object_name: str = ""
    by_operator: bool = False
    service: str = field(default="", metadata={"json": False})


@dataclass(frozen=True)
class PortUse:
    """How the ports of a range are used; each port is counted once, and all add up to `total`.

    `resting` ports are free, but were released lately; `foreign` ones have a listener of somebody else; `reserved`
    ones are kept by the controller; `absent` ones have no slot, or are not in the proxy's Service.
    """

    total: int
    free: int
    resting: int
    tasks: int
    foreign: int
    reserved: int
    absent: int = 0


@dataclass(frozen=True)
class Repair:
    """One thing that is not as it should be; `done` is false in a dry run, and where somebody else wrote first.

    `action` is free, remove or complete; close for a port that no task has and that still leads somewhere; restore for
    a claimed port whose selector is not that of the claim. `task_id` is empty where no task is known. `namespace` is
    the one of the tasks.
    """

    action: str
    object: str
    task_id: str
    port: int | None
    reason: str
    done: bool = False
    namespace: str = ""


@dataclass(frozen=True)
class Skipped:
    """The tasks of one namespace and strategy that could not be read: `reason`, and the request it was, `where`."""

    namespace: str
    strategy: str
    reason: str
    where: str


@dataclass(frozen=True)
class Notice:
    """What is done, but may surprise: `reason` is a word to compare, `message` a sentence for people."""

    reason: str
    message: str


@dataclass(frozen=True)
class StepResult:
    """One step of a scenario as it went; `detail` says what was seen, or the cause of the failure."""

    name: str
    passed: bool
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Limit:
    """One thing that limits how many tasks can be exposed at once.

    `value` is the number as it was found, in its own unit (`description` names it); `tasks` is how many tasks that
    number leaves room for with the strategy in use, None where it does not apply. `scope` is one of gateway,
    listener-set, range, cluster, cloud; `found` is read, probed or documented. `raise_` says what to raise, and how.
    """

    id: str
    description: str
    value: int | None
    tasks: int | None
    scope: str
    found: str
    raise_: str


@dataclass(frozen=True)
class ManagerLimits:
    """All limits of one resource manager; `capacity` is the least of them, in tasks, and `binding` that limit's id.

    A resource manager without a gateway has strategy `direct` and no capacity: its tasks are dialled at their pods.
    `ports` is how the ports of the range are used, None where that was not read; `namespaces` are those of its tasks.
    """

    name: str
    cluster: str
    strategy: str
    gateway: str
    capacity: int | None
    active: int
    headroom: int | None
    binding: str | None
    limits: tuple[Limit, ...] = ()
    ports: PortUse | None = None
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """What one check saw: `result` is ok, warning, error or skipped; `fix` is a command, `docs` an anchor of a page."""

    code: str
    description: str
    result: str
    message: str = ""
    fix: str = ""
    docs: str = ""


@dataclass(frozen=True)
class CheckCategory:
    """The checks of one category, in the order they ran."""

    name: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """A whole preflight: `success` is false as soon as one check is an error."""

    success: bool
    categories: tuple[CheckCategory, ...] = ()


@dataclass(frozen=True)
class CelVariant:
    """The same list with some rules left out: which, and the largest maxItems the API server accepts then.

    `at_least` says that the search ended there without a refusal.
    """

    left_out: tuple[str, ...]
    accepted_max_items: int
    at_least: bool = False


@dataclass(frozen=True)
class CelPoint:
    """One question asked of the API server: the factor by which a rule exceeds its budget (None: accepted)."""

    max_items: int
    factor: float | None
    rule: str = ""


@dataclass(frozen=True)
class WriteTime:
    """Seconds of one write of an object with that many items, over `samples` writes."""

    items: int
    median: float
    p99: float
    samples: int


@dataclass(frozen=True)
class CelReport:
    """What the CEL rules of one list in one version of one CRD allow, measured on a real API server.

    `declared_max_items` is the CRD's own maxItems (None: unlimited), `accepted_max_items` the largest that the API
    server accepts, `binding_rule` the text of the rule that refuses one more (empty: none does), `requests` and
    `seconds` what finding that took, `runtime_max_items` the largest object accepted when maxItems would allow more.
    """

    bundle: str
    channel: str
    crd: str
    version: str
    path: str
    declared_max_items: int | None
    accepted_max_items: int
    binding_rule: str
    requests: int
    seconds: float
    runtime_max_items: int | None = None
    variants: tuple[CelVariant, ...] = ()
    points: tuple[CelPoint, ...] = ()
    writes: tuple[WriteTime, ...] = ()
