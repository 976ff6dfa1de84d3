"""Performs the steps of the planner for the tasks of one namespace: conditional writes to slots and pods."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from task_gateway.errors import Conflict, Forbidden, NotFound
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import NAMESPACE, POD
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Task
from task_gateway.operator import pods, result
from task_gateway.operator.log import say
from task_gateway.operator.metrics import Metrics
from task_gateway.operator.pods import Pod
from task_gateway.operator.result import ExposeResult
from task_gateway.operator.space import Space
from task_gateway.operator.steps import ClaimSlot, ClearResult, PublishResult, ReleaseSlot, RestoreSlot, Step
from task_gateway.routing import endpoints, names, table
from task_gateway.routing.slot_writer import SlotWriter, released
from task_gateway.routing.table import Slot

OWNER_SECONDS = 60.0
"""How long the label with the owner of a namespace is cached."""
STEPS = 100
"""The number of consecutive steps for one task before other tasks have a turn."""

Told = Callable[[Pod, ExposeResult], object]
"""Called after a result was written on a pod, with the previous state of the pod."""


class Actor:
    """Reconciles the tasks of one namespace. Different threads may reconcile different tasks."""

    def __init__(
        self, kube: Kube, space: Space, slots: Mirror[Slot], seen: Mirror[Pod], metrics: Metrics, told: Told
    ) -> None:
        self._kube, self._space, self._pods, self._metrics, self._told = kube, space, seen, metrics, told
        self._namespace = space.namespace
        self._slots = slots
        self._look_once = threading.Lock()
        self._nowhere: dict[str, str] | None = None
        self._writer = SlotWriter(kube, space.namespace, slots, kube.settings)
        self._ask_once = threading.Lock()
        self._owner: tuple[float, str] | None = None
        self._versions: dict[str, str] = {}
        """The version of each slot that this process wrote last."""
        self.addressed: dict[str, float] = {}
        """Since when the address of each pod without its slots is known, as a time of `time.monotonic`."""

    def work(self, uid: str, leads: Callable[[], bool]) -> bool:
        """Reconcile a task while this process is the leader; False if there may be more to do.

        If a pod has changed, its watch delivers each state in order and queues the task again. The pod is not read
        here, because that could skip what other clients have written to it.
        """
        for _ in range(STEPS):
            if not leads():
                return True
            step = self._space.step(uid)
            if step is None:
                return True
            try:
                if not self._do(step):
                    return True
            finally:
                self._space.back(uid)
        return False

    def _do(self, step: Step) -> bool:
        """Perform a step; False if a pod has changed."""
        match step:
            case ClaimSlot():
                return self._claim(step)
            case ReleaseSlot():
                return self._release(step)
            case RestoreSlot(slot):
                self._writer.restore(slot, self._writer.deadline())
                self._say("restored", slot)
            case PublishResult(pod, wanted, slots):
                return not all(map(self._holds, slots)) or self._publish(pod, wanted)
            case ClearResult(pod):
                self._clear_left(pod)
        return True

    def _claim(self, step: ClaimSlot) -> bool:
        pod, slot, until = step.pod, step.slot, self._writer.deadline()
        if slot.task is not None:  # kept for the Job
            before = self._look(slot)
            if before is not None and not before.ended:
                return False
        elif not self._leads_nowhere(slot) and self._writer.shut(slot, until):
            return True
        owner = pod.owner or self._namespace_owner()
        task = Task(pod.uid, self._namespace, (step.port.number,), owner, pod.object)
        seen = self._writer.write(
            slot,
            until,
            lambda each: each.task == slot.task,
            lambda each: table.claim(each, task, step.port.number, datetime.now(UTC), pod=pod.name),
        )
        if seen is None or seen.task != pod.uid:
            self._metrics.retries.add()
            return True
        self._versions[seen.service] = seen.resource_version
        self._say("claimed", seen, pod=pod.name, target_port=step.port.number)
        if (since := self.addressed.get(pod.uid)) is not None:
            self._metrics.claim_seconds.observe(time.monotonic() - since)
        return True

    def _release(self, step: ReleaseSlot) -> bool:
        slot = step.slot
        if step.pod is None or not step.pod.ended:
            left = self._look(slot)
            alive = left if left is not None and not left.ended else None
            if alive and alive.label is not None and (step.pod is None or alive.version != step.pod.version):
                return False
            if not self._clear(left):  # before the slot is freed, because a new process finds the pod by the claim
                return True
            if alive is None and step.pod is None and self._space.job_lives(slot):
                self._space.note_gone(str(slot.task))
                return True
        self._writer.write(slot, self._writer.deadline(), lambda each: _is_same(each, slot), released)
        self._say("released", slot, pod=slot.pod)
        return True

    def _leads_nowhere(self, slot: Slot) -> bool:
        """Return whether a slot that was never claimed has no endpoints, by one read for all such slots."""
        if not slot.unselected:
            return True
        with self._look_once:
            if self._nowhere is None:
                unused = [each for each in self._slots.read() if each.task is None and each.unselected]
                found = self._writer.endpoints(unused)
                self._nowhere = {
                    each.service: each.resource_version for each in unused if not endpoints.left(each, found)
                }
            return self._nowhere.get(slot.service) == slot.resource_version

    def _holds(self, slot: Slot) -> bool:
        """Return whether a slot still has the same claim. If this process was the last to write it, it is not read."""
        if self._versions.get(slot.service) == slot.resource_version:
            return True
        now = self._writer.reread(slot)
        return now is not None and (now.task, now.claimed_at) == (slot.task, slot.claimed_at)

    def _clear(self, left: Pod | None) -> bool:
        """Remove the operator's fields from a pod without the label; False if the pod has changed since it was read."""
        if left is None or left.label is not None or not left.marked or left.deleted:
            return True
        return self._publish(left, ExposeResult())

    def _clear_left(self, pod: Pod) -> None:
        found = self._kube.find(POD, pod.name, self._namespace)
        left = None if found is None or found["metadata"]["uid"] != pod.uid else pods.parse(found)
        if self._clear(left):
            self._space.note_cleared(pod.uid)

    def _look(self, slot: Slot) -> Pod | None:
        """Read the pod of a slot from the API server; None if it does not exist."""
        found = self._kube.find(POD, slot.pod, self._namespace)
        if found is None or found["metadata"]["uid"] != slot.task:
            return None
        return pods.parse(found)

    def _publish(self, pod: Pod, wanted: ExposeResult) -> bool:
        body = result.patch(pod, wanted, datetime.now(UTC))
        try:
            answer = self._kube.patch(POD, pod.name, self._namespace, body, strategic=True, subresource="status")
        except (Conflict, NotFound):
            self._metrics.retries.add()
            return False
        self._pods.keep(answer)
        fields = {"addresses": dict(wanted.addresses), "reason": wanted.reason, "message": wanted.message}
        say("published", namespace=self._namespace, pod=pod.name, uid=pod.uid, **fields)
        self._told(pod, wanted)
        return True

    def _namespace_owner(self) -> str:
        """Return the owner in the label of the namespace, empty if it has none or may not be read."""
        with self._ask_once:
            now = time.monotonic()
            if self._owner is None or now - self._owner[0] > OWNER_SECONDS:
                try:
                    found = self._kube.find(NAMESPACE, self._namespace, None)
                except Forbidden:
                    found = None
                labels = (found or {"metadata": {}})["metadata"].get("labels") or {}
                self._owner = (now, labels.get(names.OWNER, ""))
            return self._owner[1]

    def _say(self, event: str, slot: Slot, **fields: object) -> None:
        say(event, namespace=self._namespace, port=slot.port, task=slot.task, **fields)


def _is_same(now: Slot, seen: Slot) -> bool:
    """Return whether a slot still has the same claim. A later claim, even for the same pod, must be kept."""
    return now.by_operator and (now.task, now.claimed_at) == (seen.task, seen.claimed_at)
