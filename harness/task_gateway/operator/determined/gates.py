"""Removes the scheduling gate of the master's pods when the routes of their allocation exist.

The master only reports the addresses of a task when its pod starts. A pod that starts before its routes has no
`/proxy`. An admission policy of the chart adds the gate to the pods of tasks that have ports.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from task_gateway.errors import Conflict, NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Manifest
from task_gateway.operator.log import say
from task_gateway.routing.determined import LABEL
from task_gateway.routing.determined_lane import GATE

MAX_GATED_SECONDS = 60.0
"""How long a pod is held at most, because a trial can name a port that the master creates no route for."""
PAGE = 250
"""The number of pods per read."""


@dataclass(frozen=True, slots=True)
class GatedPod:
    """A pod with the gate."""

    name: str
    uid: str
    version: str
    allocation: str


def parse(pod: Manifest) -> GatedPod | None:
    """Read a pod; None if it does not have the gate, or is being deleted."""
    meta, gates = pod["metadata"], (pod.get("spec") or {}).get("schedulingGates") or []
    if meta.get("deletionTimestamp") or not any(each["name"] == GATE for each in gates):
        return None
    return GatedPod(meta["name"], meta["uid"], meta["resourceVersion"], (meta.get("labels") or {}).get(LABEL, ""))


class Gates:
    """The held pods of one namespace. `complete` returns whether the routes of an allocation exist.

    `wake` is called with the names of pods that may start, `later` with the name of one and the seconds until it may.
    """

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        complete: Callable[[str], bool],
        wake: Callable[[Iterable[str]], object],
        later: Callable[[str, float], object],
    ) -> None:
        self._kube, self._namespace, self._complete = kube, namespace, complete
        self._wake, self._later = wake, later
        self._lock = threading.Lock()
        self._held: dict[str, tuple[GatedPod, float]] = {}
        """Each held pod by its name, and when this process first saw it."""
        self._pods = Mirror(kube, POD, namespace, parse, labels=LABEL, changed=self._changed, page=PAGE)

    @property
    def restarts(self) -> int:
        """The number of times that the watch was restarted after an error."""
        return self._pods.restarts

    @property
    def count(self) -> int:
        """The number of held pods."""
        return len(self._held)

    def follow(self) -> None:
        """Read the held pods and watch them from now on. Errors of the first read are raised."""
        self._pods.follow()

    def close(self) -> None:
        """End the watch."""
        self._pods.close()

    def everybody(self) -> list[str]:
        """Return the names of all held pods."""
        with self._lock:
            return list(self._held)

    def gated(self, allocations: set[str]) -> list[str]:
        """Return the names of the held pods of those allocations."""
        with self._lock:
            return [name for name, (held, _) in self._held.items() if held.allocation in allocations]

    def work(self, name: str) -> None:
        """Remove the gate of a pod if it may start, else check again at the end of its maximum time."""
        with self._lock:
            held, since = self._held.get(name, (None, 0.0))
        if held is None:
            return
        complete, waited = self._complete(held.allocation), time.monotonic() - since
        if not complete and waited < MAX_GATED_SECONDS:
            self._later(name, MAX_GATED_SECONDS - waited)
            return
        body = {
            "metadata": {"uid": held.uid, "resourceVersion": held.version},
            "spec": {"schedulingGates": [{"name": GATE, "$patch": "delete"}]},
        }
        try:
            self._pods.keep(self._kube.patch(POD, name, self._namespace, body, strategic=True))
        except NotFound:
            self._pods.drop(self._namespace, name, held.version)
            return
        except Conflict:
            found = self._kube.find(POD, name, self._namespace)
            if found is None:
                self._pods.drop(self._namespace, name, held.version)
            else:
                self._pods.keep(found)
                self._wake([name])
            return
        fields = {"pod": name, "task": held.allocation, "routes": complete, "held_seconds": round(waited, 3)}
        say("gate lifted", "info" if complete else "warning", namespace=self._namespace, **fields)

    def _changed(self, before: GatedPod | None, after: GatedPod | None) -> None:
        with self._lock:
            if before is not None and (after is None or after.uid != before.uid):
                self._held.pop(before.name, None)
            if after is not None:
                _, since = self._held.get(after.name, (after, time.monotonic()))
                self._held[after.name] = (after, since)
        if after is not None:
            self._wake([after.name])
