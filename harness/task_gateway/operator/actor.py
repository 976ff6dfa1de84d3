"""Does what the planner says for the tasks of one namespace: the writes to slots and pods, each on a condition."""

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
from task_gateway.operator.result import Result
from task_gateway.operator.space import Space
from task_gateway.operator.steps import Claim, Publish, Release, Restore, Step
from task_gateway.routing import names, table
from task_gateway.routing.slot_writer import SlotWriter, closed, deadline, released
from task_gateway.routing.table import Slot

OWNER_SECONDS = 60.0
"""How long the label with the owner of a namespace is known before it is read again."""
STEPS = 100
"""How many steps for one task may follow each other before others have a turn."""

Told = Callable[[Pod, Result], object]
"""Called after a result was written on a pod, with the pod as it was before."""


class Actor:
    """Works on the tasks of one namespace. Different tasks may be worked on by different threads."""

    def __init__(
        self, kube: Kube, space: Space, slots: Mirror[Slot], seen: Mirror[Pod], metrics: Metrics, told: Told
    ) -> None:
        self._kube, self._space, self._pods, self._metrics, self._told = kube, space, seen, metrics, told
        self._namespace = space.namespace
        self._writer = SlotWriter(kube, space.namespace, slots)
        self._owner: tuple[float, str] | None = None
        self.addressed: dict[str, float] = {}
        """Since when the address of each pod without its slots is known, as a time of `time.monotonic`."""

    def work(self, uid: str, leads: Callable[[], bool]) -> bool:
        """Do all that is to do for a task as long as this process leads; False if there may be more."""
        for _ in range(STEPS):
            if not leads():
                return True
            step = self._space.step(uid)
            if step is None:
                return True
            try:
                self._do(step)
            finally:
                self._space.back(uid)
        return False

    def _do(self, step: Step) -> None:
        match step:
            case Claim():
                self._claim(step)
            case Release():
                self._release(step)
            case Restore(slot):
                self._writer.write(
                    slot, deadline(), lambda each: each.task == slot.task and not table.agrees(each), closed
                )
                self._say("restored", slot)
            case Publish(pod, wanted):
                self._publish(pod, wanted)

    def _claim(self, step: Claim) -> None:
        pod, slot, until = step.pod, step.slot, deadline()
        if slot.task is not None:  # kept for the Job
            if self._look(slot) is not None:
                return
        elif self._writer.shut(slot, until):
            return
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
            return
        self._say("claimed", seen, pod=pod.name, target_port=step.port.number)
        if (since := self.addressed.get(pod.uid)) is not None:
            self._metrics.claim_seconds.observe(time.monotonic() - since)

    def _release(self, step: Release) -> None:
        slot, left = step.slot, None
        if step.pod is None or not step.pod.ended:
            left = self._look(slot)
            if left is not None and left.label is not None and (step.pod is None or left.version != step.pod.version):
                return
            if left is None and step.pod is None and self._space.job_lives(slot):
                self._space.note_gone(str(slot.task))
                return
        self._writer.write(slot, deadline(), lambda each: _is_same(each, slot), released)
        self._say("released", slot, pod=slot.pod)
        if left is not None and left.marked:
            self._publish(left, Result())

    def _look(self, slot: Slot) -> Pod | None:
        """Return the pod of a slot if it is there and has not ended, by a look at the API server."""
        found = self._kube.find(POD, slot.pod, self._namespace)
        if found is None or found["metadata"]["uid"] != slot.task:
            return None
        self._pods.keep(found)
        pod = pods.parse(found)
        return None if pod.ended else pod

    def _publish(self, pod: Pod, wanted: Result) -> None:
        body = result.patch(pod, wanted, datetime.now(UTC))
        try:
            answer = self._kube.patch(POD, pod.name, self._namespace, body, strategic=True, subresource="status")
        except NotFound:
            self._pods.drop(self._namespace, pod.name, pod.version)
            return
        except Conflict:
            self._metrics.retries.add()
            found = self._kube.find(POD, pod.name, self._namespace)
            if found is None:
                self._pods.drop(self._namespace, pod.name, pod.version)
            else:
                self._pods.keep(found)
            return
        self._pods.keep(answer)
        fields = {"addresses": dict(wanted.addresses), "reason": wanted.reason, "message": wanted.message}
        say("published", namespace=self._namespace, pod=pod.name, uid=pod.uid, **fields)
        self._told(pod, wanted)

    def _namespace_owner(self) -> str:
        """Return the owner that the namespace's label names, empty if it names none or may not be read."""
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
    """Tell whether a slot has the very claim that it was seen with: one made since, even for the same pod, stays."""
    return now.by_operator and (now.task, now.claimed_at) == (seen.task, seen.claimed_at)
