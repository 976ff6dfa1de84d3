"""All states of the slots and pods of a namespace, in the order of the API server, and invariants for them.

Both kinds are in one etcd, whose revisions are the resourceVersions of all objects, so all states have one order.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.apiserver.operators import SPEC, TASKS, OperatorSite, until

from task_gateway.errors import ClusterUnreachable
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.model import Manifest
from task_gateway.operator import pods
from task_gateway.operator.pods import Pod
from task_gateway.operator.request import ALL, requested
from task_gateway.routing import names, table
from task_gateway.routing.table import Slot

Event = tuple[int, str, str, Manifest]
"""Version, kind, what happened (ADDED, MODIFIED, DELETED), and the object."""


@dataclass
class History:
    """The events of the watches of each kind."""

    kube: Kube
    events: list[Event] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def watching(cls, site: OperatorSite) -> "Iterator[History]":
        """Record all events until the context ends, and fail if one breaks an invariant."""
        made, ended, threads = cls(site.kube), threading.Event(), []
        starts = {kind: made.kube.snapshot(kind, TASKS) for kind in (SERVICE, POD)}
        for kind, (found, version) in starts.items():
            made.events += [(0, kind, "ADDED", each) for each in found]
            threads.append(threading.Thread(target=made._follow, args=(kind, version, ended), daemon=True))
            threads[-1].start()
        try:
            yield made
            last = int(site.kube.snapshot(POD, TASKS)[1])
            made._mark()
            until(lambda: min(made._seen.get(kind, 0) for kind in (SERVICE, POD)) > last)
        finally:
            ended.set()
            made._mark()
            for each in threads:
                each.join()
        assert Replay().broken(sorted(made.events, key=lambda each: each[0])) == []

    def _follow(self, kind: str, version: str, ended: threading.Event) -> None:
        while not ended.is_set():
            with suppress(ClusterUnreachable):  # a test suspends the API server: the next watch continues at `version`
                for what, obj in self.kube.watch(kind, TASKS, seconds=5, version=version):
                    if ended.is_set():
                        return
                    version = obj["metadata"]["resourceVersion"]
                    if what != "BOOKMARK":
                        self.events.append((int(version), kind, what, obj))
                    self._seen[kind] = int(version)

    def _mark(self) -> None:
        """Make a change that each watch has to deliver."""
        meta = {"generateName": "mark-", "namespace": TASKS}
        specs: dict[str, Manifest] = {SERVICE: {"ports": [{"port": 1}]}, POD: SPEC}
        for kind, spec in specs.items():
            version, _, word = kind.rpartition("/")
            made = self.kube.create({"apiVersion": version, "kind": word, "metadata": meta, "spec": spec})
            self.kube.delete(kind, made["metadata"]["name"], TASKS)


@dataclass
class Replay:
    """Replays the states in order."""

    slots: dict[int, Slot] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    """The addresses on each pod, by its uid."""
    given: dict[str, dict[str, int]] = field(default_factory=dict)
    """The first gateway's port of each port of a pod, by the uid of the pod."""
    tasks: Counter[str] = field(default_factory=Counter)
    """The number of pods with each task label."""

    def broken(self, events: list[Event]) -> list[str]:
        """Return the violations, each with its event; events of version 0 are the initial state."""
        found = []
        for version, kind, what, obj in events:
            said = self._slot(what, obj) if kind == SERVICE else self._pod(what, obj)
            found += [f"at {version}: {each}" for each in said if version]
        return found

    def _slot(self, what: str, obj: Manifest) -> list[str]:
        now = table.parse(obj)
        if what == "DELETED" or now is None:
            return []
        before, self.slots[now.port] = self.slots.get(now.port), now
        said = [each for pod in self.pods.values() if now.port in pod.ports.values() for each in self._lies(pod)]
        if self.tasks[str(now.selects)] > 1:
            said.append(f"port {now.port} selects {self.tasks[str(now.selects)]} pods")
        if before is None or before.task in (None, now.task) or now.task is None:
            return said
        same_job = names.object_uid(before.object) == names.object_uid(now.object)
        return said if same_job else [*said, f"port {now.port} went from {before.task} to {now.task} at once"]

    def _pod(self, what: str, obj: Manifest) -> list[str]:
        now = pods.parse(obj)
        before = self.pods.pop(now.name, None)
        if before is not None:
            self.tasks[before.task] -= 1
        if what == "DELETED":
            return []
        self.pods[now.name] = now
        self.tasks[now.task] += 1
        found = obj["metadata"].get("annotations") or {}
        notes = {key: found[key] for key in (names.ADDRESS, names.ADDRESSES) if key in found}
        said = self._moved(now, written=notes != self.notes.get(now.uid)) + self._lies(now)
        self.notes[now.uid] = notes
        return said

    def _moved(self, pod: Pod, *, written: bool) -> list[str]:
        """Compare new addresses with the earlier ones, for ports that the label has requested throughout."""
        asked = {each.written for each in requested(pod, ALL, claimed=True).ports} if _is_live(pod) else set()
        given = {port: first for port, first in self.given.get(pod.uid, {}).items() if port in asked}
        self.given[pod.uid] = given
        moved = []
        for each, port in pod.ports.items() if written else ():
            if given.setdefault(each, port) != port:
                moved.append(f"port {each} of {pod.name} moved from {given[each]} to {port}")
        return moved

    def _lies(self, pod: Pod) -> list[str]:
        """Compare the ports that a pod shows with the claims of the slots."""
        return [
            f"{pod.name} ({pod.uid}) shows port {port}, which {self.slots[port].task} has"
            for port in (pod.ports.values() if _is_live(pod) else ())
            if self.slots[port].task != pod.uid
        ]


def _is_live(pod: Pod) -> bool:
    return not pod.ended and pod.label is not None
