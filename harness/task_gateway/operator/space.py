"""The last known pods, Jobs and slots of one task namespace, and the order of waiting pods. No I/O happens here.

The watches note each change. Each note returns the tasks to reconcile. `step` calls the planner and reserves the slot
that it chose, so two threads never try the same slot.
"""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from task_gateway.kube.kinds import JOB
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.operator.pods import Pod
from task_gateway.operator.request import Allowed, ExposeReason, Request, requested
from task_gateway.operator.steps import ClaimSlot, Step, View, chosen, next_step
from task_gateway.routing import exhausted, live, names
from task_gateway.routing.table import Slot

Uids = list[str]


@dataclass(frozen=True, slots=True)
class Job:
    """A Job; `alive` until it has ended."""

    uid: str
    alive: bool


@dataclass(frozen=True, slots=True)
class SpaceCounts:
    """The number of exposed ports, of ports that wait for a slot, and of free slots."""

    exposed: int
    waiting: int
    free: int


def parse_job(job: Manifest) -> Job:
    """Read a Job."""
    return Job(job["metadata"]["uid"], live.end_of(job) is None)


class Space:
    """The state of one task namespace of a gateway. It is safe for threads."""

    def __init__(self, gateway: InternalTaskGateway, namespace: str, permitted: Allowed, host: str = "") -> None:
        self._gateway, self.namespace, self._permitted, self._host = gateway, namespace, permitted, host
        self._lock = threading.RLock()
        self._pods: dict[str, Pod] = {}
        self._jobs: dict[str, bool] = {}
        self._slots: dict[str, Slot] = {}
        self._by_port: dict[int, str] = {}
        self._held: dict[str, set[str]] = {}
        """The Services of the slots that the operator claimed, by task id."""
        self._of_job: dict[str, set[str]] = {}
        self._pods_of: dict[str, set[str]] = {}
        """The slots and the pods of each Job, by its uid; for a pod without a Job, by the uid of the pod."""
        self._free: set[str] = set()
        self._foreign: frozenset[int] = frozenset()
        self._lent: dict[str, str] = {}
        """The task that each Service is reserved for."""
        self._waiting: dict[str, int] = {}
        """How many free slots each waiting pod still needs, in the order of the queue."""
        self._refused: set[str] = set()
        self._gone: set[str] = set()
        """Pods that do not exist any more, confirmed by a request to the API server."""
        self._left: dict[str, Pod] = {}
        """Pods that lost the label, or are gone, and have fields that the operator wrote."""
        self._shown: dict[str, dict[str, int]] = {}
        """The ports of the gateway that each running pod showed last, by its own port in the form of its label.

        They are kept even if another client removes the address from the pod.
        """
        self._written: dict[int, str] = {}
        """The last pod that showed each port of the gateway."""

    def note_pod(self, before: Pod | None, after: Pod | None) -> Uids:
        """Note that a pod was created, changed or deleted."""
        with self._lock:
            woken = []
            if before is not None and (after is None or after.uid != before.uid):
                self._pods.pop(before.uid, None)
                _remove(self._pods_of, before.object.uid, before.uid)
                self._show(before.uid, {})
                if before.marked and not before.deleted:
                    self._left[before.uid] = before
            if after is not None:
                self._pods[after.uid] = after
                self._pods_of.setdefault(after.object.uid, set()).add(after.uid)
                self._gone.discard(after.uid)
                self._left.pop(after.uid, None)
                named = () if after.ended or after.label is None else after.label.split(".")
                shown = self._shown.get(after.uid, {}) | after.ports
                self._show(after.uid, {each: port for each, port in shown.items() if each in named})
            for uid in {each.uid for each in (before, after) if each is not None}:
                woken += [*self._update(uid), uid]
            for job in {each.object.uid for each in (before, after) if each is not None and each.object.kind == JOB}:
                woken += self._update_all(self._pods_of.get(job, ()))  # slots may be kept for the next pod
            return woken

    def note_slot(self, before: Slot | None, after: Slot | None) -> Uids:
        """Note that a slot was created, changed or deleted."""
        with self._lock:
            touched: list[str] = []
            if before is not None:
                self._slots.pop(before.service, None)
                self._by_port.pop(before.port, None)
                self._free.discard(before.service)
                if before.by_operator:
                    touched.append(str(before.task))
                    _remove(self._held, str(before.task), before.service)
                    _remove(self._of_job, names.object_uid(before.object), before.service)
            if after is not None:
                self._slots[after.service] = after
                self._by_port[after.port] = after.service
                if after.task is None and after.port not in self._foreign:
                    self._free.add(after.service)
                if after.by_operator:
                    touched.append(str(after.task))
                    self._held.setdefault(str(after.task), set()).add(after.service)
                    self._of_job.setdefault(names.object_uid(after.object), set()).add(after.service)
            for each in (before, after):
                if each is not None and each.by_operator:
                    touched += self._pods_of.get(names.object_uid(each.object), ())
            woken = self._update_all(touched)
            if before is not None and before.task in self._gone and before.task not in self._held:
                self._gone.discard(str(before.task))
            return woken + self._unrefused()

    def note_job(self, before: Job | None, after: Job | None) -> Uids:
        """Note that a Job was created, ended or deleted."""
        with self._lock:
            for each in (before, after):
                if each is not None:
                    self._jobs.pop(each.uid, None)
            if after is not None:
                self._jobs[after.uid] = after.alive
            uids = {each.uid for each in (before, after) if each is not None}
            return [str(self._slots[each].task) for uid in uids for each in self._of_job.get(uid, ())]

    def note_foreign(self, ports: Collection[int]) -> Uids:
        """Note the ports with a foreign listener. Their slots cannot be claimed."""
        with self._lock:
            self._foreign = frozenset(ports)
            self._free = {
                each.service for each in self._slots.values() if each.task is None and each.port not in self._foreign
            }
            return self._unrefused()

    def note_host(self, host: str) -> Uids:
        """Note the address of the gateway."""
        with self._lock:
            if host == self._host:
                return []
            self._host = host
            return self.everybody()

    def note_gone(self, uid: str) -> Uids:
        """Note that the API server has no such pod. Its slots are kept until its Job ends."""
        with self._lock:
            self._gone.add(uid)
            return []

    def note_cleared(self, uid: str) -> None:
        """Note that a pod without the label has no fields of the operator any more, or that it is gone."""
        with self._lock:
            self._left.pop(uid, None)

    def everybody(self) -> Uids:
        """Return all known tasks: first those without a known pod, then waiting ones in the order of the queue."""
        with self._lock:
            order = sorted(self._waiting, key=lambda uid: _came(self._pods[uid]))
            self._waiting = {uid: self._waiting[uid] for uid in order}
            self._refused.clear()
            lost = [uid for uid in (*self._held, *self._left) if uid not in self._pods]
            return [*lost, *self._waiting, *(uid for uid in self._pods if uid not in self._waiting)]

    def step(self, uid: str) -> Step | None:
        """Return the next step of a task. The slot of a ClaimSlot is reserved for it until `back`."""
        with self._lock:
            self.back(uid)
            self._refused.discard(uid)
            found = next_step(self._view(uid))
            if isinstance(found, ClaimSlot):
                self._lent[found.slot.service] = uid
            return found

    def job_lives(self, slot: Slot) -> bool:
        """Return whether a slot is kept for a Job that has not ended."""
        with self._lock:
            return self._job_lives(slot)

    def back(self, uid: str) -> None:
        """End the reservations of a task."""
        with self._lock:
            for service in [each for each, lent in self._lent.items() if lent == uid]:
                del self._lent[service]

    def pod(self, uid: str) -> Pod | None:
        """Return the last known state of a pod."""
        with self._lock:
            return self._pods.get(uid)

    def counts(self) -> SpaceCounts:
        """Return the counts of slots and pods in the namespace."""
        with self._lock:
            exposed = sum(len(each) for each in self._held.values())
            return SpaceCounts(exposed, sum(self._waiting.values()), len(self._free))

    def _show(self, uid: str, ports: dict[str, int]) -> None:
        """Note the ports that a pod showed last."""
        for port in self._shown.pop(uid, {}).values():
            if self._written.get(port) == uid:
                del self._written[port]
        if ports:
            self._shown[uid] = ports
            self._written |= dict.fromkeys(ports.values(), uid)

    def _view(self, uid: str) -> View:
        pod, held = self._pods.get(uid), [self._slots[each] for each in self._held.get(uid, ())]
        over = pod is None or pod.ended
        kept = over and (pod is not None or uid in self._gone) and any(self._job_lives(each) for each in held)
        if pod is None or over:
            return View(pod, Request(), held, self._host, None, kept=kept, left=self._left.get(uid))
        request = self._request(pod)
        missing = self._missing(pod, request)
        offers = self._offers(pod, request, missing) if missing and request.problem is None else {}
        lack = ""
        if missing and offers is None and uid in self._waiting:
            self._refused.add(uid)
            lack = self._lack(len(missing))
        shown = self._shown.get(uid, {})
        by_port = {each: self._by_port[port] for each, port in shown.items() if port in self._by_port}
        slots = {each: self._slots[service] for each, service in by_port.items()}
        return View(pod, request, held, self._host, offers, lack, shown=slots)

    def _request(self, pod: Pod) -> Request:
        return requested(pod, self._permitted, claimed=pod.uid in self._held)

    def _missing(self, pod: Pod, request: Request) -> list[int]:
        held = [self._slots[each] for each in self._held.get(pod.uid, ())]
        mine = chosen(request, held)
        return [each.number for each in request.ports if each.number not in mine]

    def _offers(self, pod: Pod, request: Request, missing: Collection[int]) -> dict[int, Slot] | None:
        """Return a slot for each missing port; None if other pods are before it, or too few are free."""
        found = dict[int, Slot]()
        kept = self._kept(pod, missing)
        if pod.uid in self._waiting and not self._is_next(pod.uid):
            return None
        taken: set[str] = set()
        for port in (each for each in request.ports if each.number in missing):
            shown = self._shown.get(pod.uid, {}).get(port.written)
            slot = kept.get(port.number) or self._best(pod, {shown, port.gateway_port}, taken)
            if slot is None:
                return None
            taken.add(slot.service)
            found[port.number] = slot
        return found

    def _best(self, pod: Pod, wanted: set[int | None], taken: set[str]) -> Slot | None:
        """Return the next free slot: a wanted one, else in the order of `table.pick`.

        A port that another running pod showed last, and whose claim was lost, comes last.
        """
        free = (
            self._slots[each] for each in self._free if each not in taken and self._lent.get(each, pod.uid) == pod.uid
        )

        def order(slot: Slot) -> tuple[bool, bool, str, int]:
            owner = self._written.get(slot.port, pod.uid)
            return (slot.port not in wanted, owner != pod.uid, slot.released_at, slot.port)

        return min(free, key=order, default=None)

    def _kept(self, pod: Pod, missing: Iterable[int]) -> dict[int, Slot]:
        """Return the slots of ended or unknown pods that a pod's Job keeps, by the port of the pod."""
        if pod.object.kind != JOB:
            return {}
        wanted, found = set(missing), dict[int, Slot]()
        for slot in sorted((self._slots[each] for each in self._of_job.get(pod.object.uid, ())), key=_by_port):
            before = self._pods.get(str(slot.task))
            over = slot.task != pod.uid and (before is None or before.ended)
            free = self._lent.get(slot.service, pod.uid) == pod.uid
            if over and free and isinstance(slot.target_port, int) and slot.target_port in wanted:
                found.setdefault(slot.target_port, slot)
        return found

    def _update(self, uid: str) -> Uids:
        """Note how many free slots a pod still needs. If it needs none any more, return the pods that may be next."""
        pod, lacks = self._pods.get(uid), 0
        if pod is not None and not pod.ended and pod.address:
            request = self._request(pod)
            if request.problem is None:
                missing = self._missing(pod, request)
                lacks = len(missing) - len(self._kept(pod, missing))
        if lacks:
            self._waiting[uid] = lacks
            return []
        self._refused.discard(uid)
        return self._unrefused() if self._waiting.pop(uid, 0) else []

    def _update_all(self, uids: Iterable[str]) -> Uids:
        return [each for uid in dict.fromkeys(uids) for each in (*self._update(uid), uid)]

    def _is_next(self, uid: str) -> bool:
        """Return whether there are enough slots for a pod and all pods before it in the queue."""
        wanted = 0
        for each, lacks in self._waiting.items():
            wanted += lacks
            if wanted > len(self._free):
                return False
            if each == uid:
                break
        return True

    def _unrefused(self) -> Uids:
        """Return the pods that got no slot before and may get one now."""
        found, wanted = [], 0
        if self._refused:
            for uid, lacks in self._waiting.items():
                wanted += lacks
                if wanted > len(self._free):
                    break
                if uid in self._refused:
                    found.append(uid)
        return found

    def _job_lives(self, slot: Slot) -> bool:
        task_object = names.noted_object(slot.object)
        return task_object is not None and task_object.kind == JOB and self._jobs.get(task_object.uid, False)

    def _lack(self, missing: int) -> str:
        slots = sorted(self._slots.values(), key=_by_port)
        where = f"namespace {self.namespace}"
        if not slots:
            return exhausted.no_slots(self._gateway, self.namespace, where).message
        gateway = replace(self._gateway, gateway_port_range_start=slots[0].port, gateway_port_range_end=slots[-1].port)
        said = exhausted.slots_taken(gateway, self.namespace, where, slots, slots, self._foreign, missing)
        return f"{said.message}; {said.hint}"


def _came(pod: Pod) -> tuple[str, str]:
    """Return the sort key of waiting pods: the time since which they report NoFreeSlot, else their creation."""
    return (pod.condition.since if pod.condition.reason == ExposeReason.NO_FREE_SLOT else "~", pod.created)


def _by_port(slot: Slot) -> int:
    return slot.port


def _remove(index: dict[str, set[str]], key: str, service: str) -> None:
    found = index.get(key)
    if found is not None:
        found.discard(service)
        if not found:
            del index[key]
