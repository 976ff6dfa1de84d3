"""The records that packages exchange: frozen and typed, without functions that need a cluster."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

LABEL_PREFIX = "task-gateway.dev"
TASK_LABEL = f"{LABEL_PREFIX}/task"
OPERATOR = "operator"
"""The strategy of a port that the operator exposes, in tables and reports."""

Manifest = dict[str, Any]
Say = Callable[[str], None]
"""Shows the user a line about the progress."""


@dataclass(frozen=True)
class InternalTaskGateway:
    """The five keys of `internal_task_gateway`; both ends of the port range are inclusive (1025 to 65535)."""

    gateway_name: str
    gateway_namespace: str
    gateway_ip: str
    gateway_port_range_start: int
    gateway_port_range_end: int

    @property
    def full_name(self) -> str:
        """The Gateway as namespace/name."""
        return f"{self.gateway_namespace}/{self.gateway_name}"


@dataclass(frozen=True)
class ResourcePool:
    """A pool of one resource manager. On Kubernetes, auxiliary containers are counted per node."""

    pool_name: str
    max_aux_containers_per_agent: int = 100


@dataclass(frozen=True)
class ResourceManager:
    """One resource manager of a master. Without a gateway, the master connects to its tasks directly.

    `name` and `cluster_name` default to each other. Without a `kubeconfig_path`, it is the cluster that the master runs
    in.
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
    """A cluster and how to connect to it. `context` defaults to the current one of the kubeconfig.

    With `default_rules`, kubectl finds it by its default loading rules (several files in KUBECONFIG, or the
    ServiceAccount of a pod). Commands then have no `--kubeconfig`, and `kubeconfig` is only shown.
    """

    name: str
    provider: str
    kubeconfig: Path
    context: str | None = None
    default_rules: bool = False


@dataclass(frozen=True)
class Address:
    """The address at which the master connects to a task; `host` is empty if the Gateway has no address yet."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse the result of `str`; ValueError if the text has no port."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))


@dataclass(frozen=True)
class TaskObject:
    """The object of a task: `kind` is `v1/Pod` or `batch/v1/Job`; `uid` excludes later objects with the same name."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Task:
    """A task: its pods in `namespace` have the label `task-gateway.dev/task: <id>` and listen on all of `ports`.

    `object` owns objects that are created only for this task, so Kubernetes deletes them with it.
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
    """One exposed port of a task: `port` is the gateway's, `target_port` the pod's, `address` the one to connect to.

    `target_port` is a number, or the name of a port if another client wrote one into the Service.
    `kind` is Pod or Job and `object_name` its name; both are empty if the task's object is not known. `since` is when
    the port was claimed. `ready` is whether the Service has a ready pod, None if that was not checked. `by_operator` is
    whether the operator exposes it, by a label of the pod. `service` is the Service of the port, which no output shows.
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
    """How many ports of a range have each use. Each port is counted once, and the sum is `total`.

    `resting` ports are free, but were released during the cooldown. `foreign` ports have a foreign listener. The
    controller uses `reserved` ports itself. `absent` ports have no slot, or are not in the proxy's Service.
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
    """A repair; `done` is false in a dry run, or if another client wrote first.

    `action` is free, remove or complete; close for a port without a task that still has endpoints; restore for a
    claimed port whose selector does not match the claim. `task_id` is empty if the task is not known. `namespace` is
    that of the tasks.
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
    """The tasks of one namespace and strategy could not be read: `where` is the request that failed."""

    namespace: str
    strategy: str
    reason: str
    where: str


@dataclass(frozen=True)
class Notice:
    """A notice about something unexpected: `reason` is for programs, `message` a sentence for people."""

    reason: str
    message: str


@dataclass(frozen=True)
class StepResult:
    """The result of one step of a scenario; `detail` is what was seen, or the cause of the failure."""

    name: str
    passed: bool
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Limit:
    """One limit on how many tasks can be exposed at the same time.

    `value` has its own unit, which `description` names. `tasks` is how many tasks it allows with the strategy in use,
    None if it does not limit tasks. `scope` is one of gateway, listener-set, range, cluster, cloud; `found` is read,
    probed or documented. `raise_` is how to raise it.
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
    """All limits of one resource manager; `capacity` is the lowest, in tasks, and `binding` the id of that limit.

    A resource manager without a gateway has strategy `direct` and no capacity: the master connects to the pods.
    `ports` is how the ports of the range are used, None if that was not read; `namespaces` are those of its tasks.
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
    """The result of one check: ok, warning, error or skipped; `fix` is a command, `docs` an anchor of a page."""

    code: str
    description: str
    result: str
    message: str = ""
    fix: str = ""
    docs: str = ""


@dataclass(frozen=True)
class CheckCategory:
    """The checks of one category, in the order in which they ran."""

    name: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks: `success` is false if at least one is an error."""

    success: bool
    categories: tuple[CheckCategory, ...] = ()


@dataclass(frozen=True)
class CelVariant:
    """The same list without some rules, `left_out`, and the largest maxItems that the API server accepts then.

    With `at_least` the search ended there without a refusal.
    """

    left_out: tuple[str, ...]
    accepted_max_items: int
    at_least: bool = False


@dataclass(frozen=True)
class CelPoint:
    """The result for one maxItems: how many times its budget the cost of a rule is (None: accepted)."""

    max_items: int
    factor: float | None
    rule: str = ""


@dataclass(frozen=True)
class WriteTime:
    """Seconds per write of an object with that many items, over `samples` writes."""

    items: int
    median: float
    p99: float
    samples: int


@dataclass(frozen=True)
class CelReport:
    """What the CEL rules of one list in one version of a CRD allow, measured on a real API server.

    `declared_max_items` is maxItems in the CRD (None: unlimited), `accepted_max_items` the largest that the API server
    accepts, `binding_rule` the text of the rule that refuses one more (empty: none). `requests` and `seconds` are those
    of the search. `runtime_max_items` is the largest object that is accepted if maxItems allows more.
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
