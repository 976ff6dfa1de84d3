"""Leader election with a Lease, as in Kubernetes' own controllers: only the holder of the Lease acts.

A holder that does not know yet that it lost the Lease does no harm, because the API server decides each claim.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from task_gateway.errors import Conflict, NotFound, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import LEASE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Manifest
from task_gateway.operator.log import say
from task_gateway.routing import table

LEASE_SECONDS = 15
"""How long other replicas wait after the last renewal. This and the next two are the defaults of client-go."""
RENEW_SECONDS = 10.0
"""How long the holder acts after its last renewal."""
RETRY_SECONDS = 2.0
"""How often the holder renews the Lease."""


@dataclass(frozen=True)
class LeaseState:
    """A Lease as it was read; without a holder it is free."""

    holder: str
    renewed: str
    version: str
    seconds: int
    transitions: int


def parse(lease: Manifest) -> LeaseState:
    """Read a Lease."""
    spec = lease.get("spec") or {}
    return LeaseState(
        spec.get("holderIdentity") or "",
        spec.get("renewTime") or "",
        lease["metadata"]["resourceVersion"],
        spec.get("leaseDurationSeconds") or LEASE_SECONDS,
        spec.get("leaseTransitions") or 0,
    )


class Elector:
    """Takes part in the election for one Lease. `changed` is called with whether this process holds it now."""

    def __init__(self, kube: Kube, namespace: str, name: str, identity: str, changed: Callable[[bool], object]) -> None:
        self._kube, self._namespace, self._name, self._identity = kube, namespace, name, identity
        self._changed = changed
        self._lease = Mirror(kube, LEASE, namespace, parse, name=name, changed=self._noted)
        self._woken = threading.Event()
        self._stopping = False
        self._seen_at = monotonic()
        self._until = 0.0
        self._leads = False
        self._thread = threading.Thread(target=self._run, name="holds the Lease", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this process holds the Lease, and renewed it recently enough to act."""
        return not self._stopping and monotonic() < self._until

    @property
    def restarts(self) -> int:
        """The number of times that the watch of the Lease was restarted after an error."""
        return self._lease.restarts

    def start(self) -> None:
        """Watch the Lease and take part from now on. Errors of the first read are raised."""
        self._lease.follow()
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Stop acting at once, and free the Lease within `seconds` if the API server answers."""
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._lease.close()

    def _noted(self, before: LeaseState | None, after: LeaseState | None) -> None:
        if before is None or after is None or (before.holder, before.renewed) != (after.holder, after.renewed):
            self._seen_at = monotonic()
        if after is None or after.holder != self._identity:
            self._until = 0.0
            self._woken.set()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            self._tell()
            wait = RETRY_SECONDS
            try:
                wait = self._try()
            except (Conflict, NotFound):
                self._reread()
            except TaskGatewayError as problem:
                say("lease", "warning", message=problem.message)
            self._tell()
            self._woken.wait(wait)
        if self._until:
            self._until = 0.0
            try:
                self._free()
            except TaskGatewayError as problem:
                say("lease", "warning", message=problem.message)

    def _try(self) -> float:
        """Take or renew the Lease if it is free or held by this process; return the seconds until the next try."""
        found, began = next(iter(self._lease.read()), None), monotonic()
        if found is None:
            lease = self._kube.create(self._body(None, 0))
        elif found.holder == self._identity:
            lease = self._kube.replace(self._body(found, found.transitions))
        elif not found.holder or began - self._seen_at >= found.seconds:
            lease = self._kube.replace(self._body(found, found.transitions + 1))
        else:
            return max(0.01, self._seen_at + found.seconds - began)
        before, self._until = self._until, began + RENEW_SECONDS
        if monotonic() >= before:  # other threads of this process may have stopped meanwhile
            self._leads = False
        self._lease.keep(lease)
        return RETRY_SECONDS

    def _free(self) -> None:
        found = next(iter(self._lease.read()), None)
        if found is not None and found.holder == self._identity:
            self._kube.replace(self._body(found, found.transitions, holder=""))
            say("lease released", lease=f"{self._namespace}/{self._name}")

    def _reread(self) -> None:
        lease = self._kube.find(LEASE, self._name, self._namespace)
        if lease is not None:
            self._lease.keep(lease)

    def _tell(self) -> None:
        if self._leads != self.leads:
            self._leads = not self._leads
            say("leads" if self._leads else "follows", lease=f"{self._namespace}/{self._name}", identity=self._identity)
            self._changed(self._leads)

    def _body(self, found: LeaseState | None, transitions: int, holder: str | None = None) -> Manifest:
        now = table.format_time(datetime.now(UTC))
        meta: Manifest = {"name": self._name, "namespace": self._namespace}
        if found is not None:
            meta["resourceVersion"] = found.version
        spec: Manifest = {
            "holderIdentity": self._identity if holder is None else holder,
            "leaseDurationSeconds": LEASE_SECONDS if holder is None else 1,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
