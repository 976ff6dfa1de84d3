"""The records of what was measured: frozen, typed, with the versions and the machine they were measured on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from task_gateway.spread import Spread


@dataclass(frozen=True)
class ExposeRecord:
    """One task more with `active` tasks in place, by one strategy of one controller, over `samples` samples.

    `pause_seconds` is the mean time between a release and the next claim. `slots` is how many were built, 0 where the
    strategy has none. `api_seconds` is the call of expose, `ready_seconds` from that call to the first byte of the
    task's own answer, `refused_seconds` from the call of release until the port reaches nothing. `api_writes` and
    `kube_requests` are requests of one expose, on average; requests include the writes.

    With the strategy `operator`, the call of expose is the write of the pod's label and lasts until a watch shows the
    condition, and the call of release is the removal of the label. Requests are those of the client and of the
    operator, on average over the samples that warm up.

    `apiserver_cpu_seconds` is what the API server takes for one expose and release above its idle rate. `stopped` is
    why larger sizes were not tried, empty if they were.
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
    """Many tasks exposed at once: `tasks` threads, each its own, `rounds` times.

    `endpoints_qps` and `endpoints_burst` are the limit of the cluster's own controllers, which write the endpoints.
    `api_seconds` is when the last call of expose returned, with the strategy `operator` when the last pod's condition
    was seen, `ready_seconds` when the last task answered; `worst_seconds`
    the latter of the worst round. `ports` is how many different ports a round handed out, the least of all rounds.
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
    """What a path to one pod takes, from another pod of its cluster: `path` is `pod` or `gateway`.

    `connect_seconds` is until the first byte of a new connection, `round_trip_seconds` one byte there and back on an
    open one, `mib_per_second` one connection's stream from the pod.
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
class PeerRecord:
    """One way to reach a pod, in a cluster with one controller: `peer` is its name.

    `start_seconds` is from the call that makes a pod reachable to the first byte of the pod's answer. `api_writes` are
    the write requests of that call, on average. `connect_seconds` is until the answer on a new connection,
    `round_trip_seconds` one byte in both directions over an open WebSocket. Streams are the responses of one request,
    and of eight at once, all of them together.
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


@dataclass(frozen=True)
class RestartRecord:
    """What the restart of one component does to connections through one way.

    `in_the_middle` means that connections of this way pass the component, or that it configures one they pass. `cut` is
    how many of the `open` WebSockets no longer answered. `away_seconds` is how long new connections were not answered;
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
class ExposeReport:
    """What `bench expose` measured."""

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    records: tuple[ExposeRecord, ...] = ()


@dataclass(frozen=True)
class BurstReport:
    """What `bench burst` measured."""

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    records: tuple[BurstRecord, ...] = ()


@dataclass(frozen=True)
class DataplaneReport:
    """What `bench dataplane` measured."""

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    records: tuple[PathRecord, ...] = ()


@dataclass(frozen=True)
class CrdWriteReport:
    """What `bench crd-write` measured."""

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    records: tuple[CrdWriteRecord, ...] = ()


@dataclass(frozen=True)
class PeerReport:
    """The result of `bench peers`: figures and restarts of the ways that exist, and those that do not.

    `reference` is the way that the others are compared with.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    records: tuple[PeerRecord, ...] = ()
    restarts: tuple[RestartRecord, ...] = ()
    missing: tuple[MissingPeer, ...] = ()


Report = ExposeReport | BurstReport | DataplaneReport | CrdWriteReport | PeerReport
