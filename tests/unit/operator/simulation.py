"""A simulated cluster for the planner, without I/O: pods, Jobs and slots, and operators that see changes late."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import InternalTaskGateway, TaskObject
from task_gateway.operator.pods import Pod, PublishedCondition, addresses
from task_gateway.operator.request import allowed
from task_gateway.operator.result import ExposeResult, patch
from task_gateway.operator.space import Job, Space
from task_gateway.operator.steps import ClaimSlot, ClearResult, PublishResult, ReleaseSlot, RestoreSlot, Step
from task_gateway.routing.table import Slot

HOST, FIRST = "192.0.2.7", 20000
GATEWAY = InternalTaskGateway("gw", "gateways", HOST, 1, 65535)
NAMED = (("http", 8888), ("board", 6006))
ALLOWED = allowed("6006,8000-9000")
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def made(
    name: str, uid: str, label: str | None = "8888", *, job: str = "", gateway_ports: str = "", version: int = 1
) -> Pod:
    owner = TaskObject(JOB, job, job) if job else TaskObject(POD, name, uid)
    at = "10.0.0.1"
    return Pod("tasks", name, uid, str(version), label, uid, owner, gateway_ports, address=at, named=NAMED)


@dataclass
class SimulatedCluster:
    """What the API server has; `version` counts its writes."""

    slots: dict[str, Slot]
    pods: dict[str, Pod] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    """The annotations of each pod with its addresses."""
    shown: dict[str, dict[str, str]] = field(default_factory=dict)
    """The addresses that were written on each pod last, by the port as the label named it then."""
    jobs: dict[str, bool] = field(default_factory=dict)
    version: int = 1
    operators: "list[SimulatedOperator]" = field(default_factory=list)

    @classmethod
    def with_slots(cls, slots: int) -> "SimulatedCluster":
        found = [Slot(FIRST + each, f"slot-{each}", "1", unselected=True) for each in range(slots)]
        return cls({each.service: each for each in found})

    def put_pod(self, pod: Pod) -> Pod:
        self.version += 1
        self.pods[pod.name] = pod = replace(pod, version=str(self.version))
        self._tell(("pod", pod.name, pod if pod.label is not None else None))
        return pod

    def relabel(self, name: str, label: str | None) -> None:
        """Change the label, which may change the meaning of the annotations."""
        self.put_pod(replace(self.pods[name], label=label, published=addresses(label or "", self.notes.get(name, {}))))

    def wipe(self, name: str) -> None:
        """Remove all that an operator wrote on a pod."""
        self.notes.pop(name, None)
        self.shown.pop(name, None)
        self.put_pod(replace(self.pods[name], published=(), condition=PublishedCondition(), task=""))

    def drop_pod(self, name: str) -> None:
        self.notes.pop(name, None)
        self.shown.pop(name, None)
        del self.pods[name]
        self._tell(("pod", name, None))

    def put_slot(self, slot: Slot) -> None:
        self.version += 1
        self.slots[slot.service] = slot = replace(slot, resource_version=str(self.version))
        self._tell(("slot", slot.service, slot))

    def put_job(self, uid: str, *, alive: bool) -> None:
        self.jobs[uid] = alive
        self._tell(("job", uid, Job(uid, alive)))

    def live(self) -> list[Pod]:
        return [each for each in self.pods.values() if not each.ended and each.label is not None]

    def _tell(self, event: tuple[str, str, Pod | Slot | Job | None]) -> None:
        for each in self.operators:
            each.events[event[0]].append(event)


class SimulatedOperator:
    """An operator. Its data may be outdated, and its decisions are carried out later. Each kind has its own watch.

    Like the real one, it reads the slots after Jobs and pods, and does nothing before that.
    """

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.cluster = cluster
        self.space = Space(GATEWAY, "tasks", ALLOWED, HOST)
        self.events: defaultdict[str, list[tuple[str, str, Pod | Slot | Job | None]]] = defaultdict(list)
        self.known: dict[tuple[str, str], Pod | Slot | Job] = {}
        self.queue: dict[str, None] = {}
        self.decided: tuple[str, Step] | None = None
        self.started = False
        for job, alive in cluster.jobs.items():
            self._note("job", job, Job(job, alive))
        for pod in cluster.pods.values():
            self._note("pod", pod.name, pod if pod.label is not None else None)

    @property
    def late(self) -> int:
        """How many events have not arrived yet."""
        return sum(map(len, self.events.values()))

    def see(self, count: int, choice: int = 0) -> None:
        """Have the next events arrive; of each kind in their order, but not of one kind after another."""
        self._start()
        for number in range(min(count, self.late)):
            kinds = [each for each in ("slot", "pod", "job") if self.events[each]]
            self._note(*self.events[kinds[(choice + number) % len(kinds)]].pop(0))

    def see_only(self, kind: str) -> None:
        """Have all events of one kind arrive."""
        for event in self.events.pop(kind, []):
            self._note(*event)

    def read_again(self) -> None:
        """Read all pods, as after a watch that was away for too long, and before they are noted all slots."""
        self._start()
        self._read_slots()
        self.events["pod"].clear()
        gone = [name for kind, name in self.known if kind == "pod" and name not in self.cluster.pods]
        for name in (*gone, *self.cluster.pods):
            pod = self.cluster.pods.get(name)
            self._note("pod", name, pod if pod is not None and pod.label is not None else None)

    def decide(self, choice: int = 0) -> bool:
        """Ask the planner for one task of the queue."""
        if not self.started or self.decided is not None or not self.queue:
            return False
        uid = list(self.queue)[choice % len(self.queue)]
        del self.queue[uid]
        step = self.space.step(uid)
        if step is not None:
            self.decided = (uid, step)
        return True

    def act(self) -> None:
        """Do what was decided, as far as the cluster still allows it; a task of which too little is known waits."""
        if self.decided is None:
            return
        (uid, step), self.decided = self.decided, None
        if self._do(step):
            self.queue[uid] = None
        self.space.back(uid)

    def _do(self, step: Step) -> bool:
        match step:
            case ClaimSlot():
                return self._claim(step)
            case ReleaseSlot():
                return self._release(step)
            case RestoreSlot(slot):
                now = self.cluster.slots[slot.service]
                if now.task == slot.task:
                    self._put(replace(now, selects=now.task, unselected=False, extra_selector_keys=()))
            case PublishResult(pod, result, slots):
                seen = [(each, self.cluster.slots[each.service]) for each in slots]
                if all((was.task, was.claimed_at) == (now.task, now.claimed_at) for was, now in seen):
                    return self._publish(pod, result)
                for _, now_there in seen:
                    self._see_slot(now_there)
            case ClearResult(pod):
                left = self.cluster.pods.get(pod.name)
                self._clear(left if left is not None and left.uid == pod.uid else None)
                self.space.note_cleared(pod.uid)
        return True

    def settle(self) -> None:
        """Continue until there is nothing to do."""
        for _ in range(3000):
            self.act()
            self.see(self.late)
            if not self.decide() and self.decided is None and not self.late:
                return
        raise AssertionError(f"no end: {self.queue} {self.decided}")

    def _start(self) -> None:
        if not self.started:
            self._read_slots()
            self.queue = dict.fromkeys(self.space.everybody())
            self.started = True

    def _read_slots(self) -> None:
        self.events["slot"].clear()
        for slot in self.cluster.slots.values():
            self._see_slot(slot)

    def _claim(self, step: ClaimSlot) -> bool:
        now = self.cluster.slots[step.slot.service]
        before = self._look(step.slot) if step.slot.task is not None else None
        if before is not None and not before.ended:
            return False
        if now.task != step.slot.task:
            self._see_slot(now)
            return True
        pod = step.pod
        self.cluster.version += 1
        note = f"{pod.object.kind.rpartition('/')[2]}/{pod.object.name}/{pod.object.uid}"
        self._put(
            Slot(
                now.port, now.service, "", step.port.number, pod.uid, "", note, f"{self.cluster.version:09}",
                selects=pod.uid, pod=pod.name,
            )
        )  # fmt: skip
        return True

    def _release(self, step: ReleaseSlot) -> bool:
        slot, left = step.slot, None
        if step.pod is None or not step.pod.ended:
            left = self._look(slot)
            alive = left is not None and not left.ended
            if left and alive and left.label is not None and (step.pod is None or left.version != step.pod.version):
                return False
            self._clear(left)
            if not alive and step.pod is None and self.space.job_lives(slot):
                self.space.note_gone(str(slot.task))
                return True
        now = self.cluster.slots[slot.service]
        if now.by_operator and (now.task, now.claimed_at) == (slot.task, slot.claimed_at):
            self.cluster.version += 1
            stamp = f"{self.cluster.version:09}"
            free = f"released.{now.port}"
            self._put(Slot(now.port, now.service, "", now.target_port, released_at=stamp, selects=free))
        else:
            self._see_slot(now)
        return True

    def _clear(self, left: Pod | None) -> None:
        if left is not None and left.label is None and left.marked:
            self._publish(left, ExposeResult())

    def _publish(self, pod: Pod, result: ExposeResult) -> bool:
        now = self.cluster.pods.get(pod.name)
        if now is None or now.uid != pod.uid or now.version != pod.version:
            return False
        said = (
            PublishedCondition()
            if result.reason is None
            else PublishedCondition(result.status, result.reason, result.message, "now")
        )
        task = pod.uid if result.addresses else "" if pod.task == pod.uid else pod.task
        found = patch(pod, result, NOW)["metadata"]["annotations"]
        self.cluster.notes[pod.name] = {key: text for key, text in found.items() if text is not None}
        self.cluster.shown[pod.name] = dict(result.addresses)
        published = addresses(now.label or "", self.cluster.notes[pod.name])
        written = self.cluster.put_pod(replace(now, published=published, condition=said, task=task))
        self._note("pod", pod.name, written if written.label is not None else None)
        return True

    def _look(self, slot: Slot) -> Pod | None:
        found = self.cluster.pods.get(slot.pod)
        return None if found is None or found.uid != slot.task else found

    def _put(self, slot: Slot) -> None:
        self.cluster.put_slot(slot)
        self._see_slot(self.cluster.slots[slot.service])

    def _see_slot(self, slot: Slot) -> None:
        self._note("slot", slot.service, slot)

    def _note(self, kind: str, key: str, after: Pod | Slot | Job | None) -> None:
        """Note an object as a mirror does: what is older than what is known is left out."""
        before = self.known.get((kind, key))
        if before is not None and after is not None and _version(after) < _version(before):
            return
        if before == after:
            return
        if after is None:
            self.known.pop((kind, key), None)
        else:
            self.known[kind, key] = after
        note = {"pod": self.space.note_pod, "slot": self.space.note_slot, "job": self.space.note_job}[kind]
        self.queue |= dict.fromkeys(note(before, after))  # type: ignore[operator]


def _version(obj: Pod | Slot | Job) -> int:
    if isinstance(obj, Pod):
        return int(obj.version)
    return int(obj.resource_version) if isinstance(obj, Slot) else 0
