"""The records of measurements: frozen and typed, with the versions and the machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from task_gateway.spread import Spread


@dataclass(frozen=True)
class ExposeRecord:
    """Exposing one more task with `active` tasks, with one strategy and controller, over `samples` samples.

    `pause_seconds` is the mean time between a release and the next claim. `slots` is how many were built, 0 if the
    strategy has none. `api_seconds` is the call of expose, `ready_seconds` from that call to the first byte of the
    task's own answer, `refused_seconds` from the call of release until connections to the port fail. `api_writes` and
    `kube_requests` are requests of one expose, on average; requests include the writes.

    With the strategy `operator`, the call of expose is the write of the pod's label and lasts until a watch shows the
    condition, and the call of release is the removal of the label. Requests are those of the client and of the
    operator, on average over the warm-up samples.

    `apiserver_cpu_seconds` is the CPU of the API server for one expose and release, above its idle rate. `stopped` is
    why larger sizes were not measured, empty if they were.
    """

    controller: str
    strategy: str
    active: int
    samples: int
    pause_seconds: float
    slots: int
    api_writes: float
    kube_requests: float
    api_seconds: Spread
    ready_seconds: Spread
    refused_seconds: Spread
    apiserver_cpu_seconds: float
    controller_memory_mib: int
    envoy_memory_mib: int
    stopped: str = ""


@dataclass(frozen=True)
class BurstRecord:
    """Many tasks exposed at once: `tasks` threads with one task each, in `rounds` rounds.

    `endpoints_qps` and `endpoints_burst` are the rate limit of the cluster's own controllers, which write the
    endpoints. `api_seconds` is when the last call of expose returned or, with the strategy `operator`, when the last
    pod's condition was seen. `ready_seconds` is when the last task answered, `worst_seconds` the same in the worst
    round. `ports` is the number of different ports in a round, the minimum of all rounds.
    """

    controller: str
    strategy: str
    tasks: int
    rounds: int
    slots: int
    endpoints_qps: int
    endpoints_burst: int
    ports: int
    api_seconds: Spread
    ready_seconds: Spread
    worst_seconds: float


@dataclass(frozen=True)
class PathRecord:
    """The duration of a path to one pod from another pod of its cluster: `path` is `pod` or `gateway`.

    `connect_seconds` is until the first byte of a new connection, `round_trip_seconds` a round trip of one byte on an
    open one, `mib_per_second` the throughput of one connection from the pod.
    """

    controller: str
    path: str
    samples: int
    connect_seconds: Spread
    round_trip_seconds: Spread
    mib_per_second: float


@dataclass(frozen=True)
class CrdWriteRecord:
    """One create of a Gateway with that many listeners, with one set of rules in the CRD or in a policy."""

    rules: str
    listeners: int
    samples: int
    write_seconds: Spread


@dataclass(frozen=True)
class OperatorRecord:
    """A process of the operator, with that many pods exposed and that many slots.

    `ready_seconds` and `cpu_seconds` are from the start of the process until it is ready, `memory_mib` is its largest
    resident memory. The requests of an idle operator are those in `idle_seconds`, without watches and its Lease.
    """

    pods: int
    slots: int
    starts: int
    ready_seconds: Spread
    cpu_seconds: Spread
    memory_mib: int
    idle_seconds: float
    idle_requests: int
    idle_writes: int


@dataclass(frozen=True)
class ScaleRecord:
    """Several releases in one cluster, with that many slots and exposed tasks in total.

    The samples are of one more task, in turns in all releases, with the times of ExposeRecord. `install_seconds` are
    those of the last release until its ports are closed, `fill_seconds` those until all its tasks answered.
    """

    controller: str
    strategy: str
    releases: int
    slots: int
    active: int
    samples: int
    ready_seconds: Spread
    refused_seconds: Spread
    install_seconds: float
    fill_seconds: float


@dataclass(frozen=True)
class PeerRecord:
    """One way to reach a pod, in a cluster with one controller: `peer` is its name.

    `start_seconds` is from the call that makes a pod reachable to the first byte of the pod's answer. `api_writes` are
    the write requests of that call, on average. `connect_seconds` is until the answer on a new connection,
    `round_trip_seconds` one byte in both directions over an open WebSocket. Streams are the responses of one request,
    and of eight at once, all of them together. `failed` new connections had no answer or an error of a proxy; they are
    not in `samples`.
    """

    controller: str
    peer: str
    starts: int
    samples: int
    api_writes: float
    start_seconds: Spread
    connect_seconds: Spread
    round_trip_seconds: Spread
    one_stream_mib_per_second: float
    eight_streams_mib_per_second: float
    failed: int = 0


@dataclass(frozen=True)
class RestartRecord:
    """What the restart of one component does to connections through one way.

    `in_the_middle` means that connections of this way pass through the component, or through one that it configures.
    `cut` is how many of the `open` WebSockets no longer answered. `away_seconds` is how long new connections failed;
    `back` is whether they were at the end.
    """

    controller: str
    part: str
    in_the_middle: bool
    peer: str
    open: int
    cut: int
    away_seconds: float
    back: bool


@dataclass(frozen=True)
class MissingPeer:
    """A way that does not exist in the cluster of a controller, and the reason."""

    controller: str
    peer: str
    reason: str


@dataclass(frozen=True)
class Report:
    """The result of a measurement, with the versions and the machine that it was measured with."""

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExposeReport(Report):
    """The result of `bench expose`."""

    records: tuple[ExposeRecord, ...] = ()


@dataclass(frozen=True)
class BurstReport(Report):
    """The result of `bench burst`."""

    records: tuple[BurstRecord, ...] = ()


@dataclass(frozen=True)
class DataplaneReport(Report):
    """The result of `bench dataplane`."""

    records: tuple[PathRecord, ...] = ()


@dataclass(frozen=True)
class CrdWriteReport(Report):
    """The result of `bench crd-write`."""

    records: tuple[CrdWriteRecord, ...] = ()


@dataclass(frozen=True)
class OperatorReport(Report):
    """The result of `bench operator`."""

    records: tuple[OperatorRecord, ...] = ()


@dataclass(frozen=True)
class ScaleReport(Report):
    """The result of `bench scale`."""

    records: tuple[ScaleRecord, ...] = ()


@dataclass(frozen=True)
class PeerReport(Report):
    """The result of `bench peers`: figures and restarts of the ways that exist, and those that do not.

    `reference` is the way that the others are compared with.
    """

    reference: str = ""
    records: tuple[PeerRecord, ...] = ()
    restarts: tuple[RestartRecord, ...] = ()
    missing: tuple[MissingPeer, ...] = ()
