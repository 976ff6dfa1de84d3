"""Two operators, a master and `gc` during random steps of pods, labels and Jobs, on a real API server."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.apiserver.history import History
from tests.apiserver.operators import HOME, IP, SPEC, START, TASKS, OperatorSite, installed, until
from tests.apiserver.planes import gateway_api

from task_gateway.errors import ClusterUnreachable, NoFreeSlot, UsageError
from task_gateway.kube.kinds import JOB, LEASE, POD, SERVICE
from task_gateway.model import TASK_LABEL, InternalTaskGateway, Task
from task_gateway.operator import pods
from task_gateway.operator.request import ExposeReason, allowed, requested
from task_gateway.operator.run import Operator
from task_gateway.routing import names, table
from task_gateway.routing.gateway import TaskGateway

SLOTS, PHASES, PAUSE_SECONDS = 12, 10, 0.04
ON_PODS = ("label", "end", "delete", "lose")
NAMES, TASK_IDS, JOBS = [f"pod-{each}" for each in range(9)], [f"task-{each}" for each in range(4)], ("job-0", "job-1")
LABELS = ("8888", "8888", "8888.6006", "http", "6006.http", "22", "8888.8888", "none", None)
ALLOWED = allowed("6006,8000-9000")
STEPS = (
    *(20 * ["make"]), *(12 * ["label"]), *(12 * ["end"]), *(12 * ["delete"]), *(12 * ["lose"]), *(4 * ["end job"]),
    *(16 * ["expose"]), *(8 * ["release"]), *(3 * ["collect"]), "kill",
)  # fmt: skip


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with gateway_api("walk", HOME, TASKS) as kube:
        yield installed(kube, tmp_path_factory.mktemp("operator"), SLOTS)


@pytest.fixture
def site(plane: OperatorSite) -> Iterator[OperatorSite]:
    plane.clean()
    yield plane
    plane.clean()


class Mortal:
    """An API server that does not answer after its client is killed."""

    def __init__(self, kube: Any) -> None:
        self._kube, self.dead = kube, False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._kube, name)
        if not callable(real):
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            self._lives()
            answer = real(*args, **kwargs)
            self._lives()
            return self._as_long(answer) if name == "watch" else answer

        return call

    def _as_long(self, events: Iterator[Any]) -> Iterator[Any]:
        for each in events:
            self._lives()
            yield each

    def _lives(self) -> None:
        if self.dead:
            raise ClusterUnreachable("killed")


class OperatorWalk:
    """Takes random steps; the operators work meanwhile."""

    def __init__(self, site: OperatorSite, seed: int) -> None:
        self.site, self.random, self.did = site, random.Random(seed), Counter[str]()
        self.pods: set[str] = set()
        self.library = TaskGateway(site.kube, InternalTaskGateway("gw", HOME, IP, START, START + SLOTS - 1), TASKS)
        self.operators = [self._operator(number) for number in range(2)]

    def step(self) -> None:
        """Take a possible step, and give the operators a moment to begin with it, but rarely to finish."""
        possible = [
            each
            for each in STEPS
            if (each not in ON_PODS or self.pods) and (each != "make" or len(self.pods) < len(NAMES))
        ]
        what = self.random.choice(possible)
        try:
            getattr(self, f"_{what.replace(' ', '_')}")()
        except (NoFreeSlot, UsageError) as problem:
            what = f"{what}: {type(problem).__name__}"
        self.did[what] += 1
        time.sleep(self.random.random() * PAUSE_SECONDS)

    def close(self) -> None:
        for _, operator in self.operators:
            operator.stop()

    def _operator(self, number: int) -> tuple[Mortal, Operator]:
        kube = Mortal(self.site.account)
        made = Operator(kube, self.site.options(identity=f"operator-{number}", allowed=ALLOWED))  # type: ignore[arg-type]
        made.start()
        return kube, made

    def _kill(self) -> None:
        """Kill an operator, and start another one without waiting for the end of its Lease."""
        number = self.random.randrange(2)
        kube, operator = self.operators[number]
        kube.dead = True
        operator.stop()
        self.site.kube.delete(LEASE, "gw-operator", HOME)
        self.operators[number] = self._operator(number)

    def _make(self) -> None:
        name = self.random.choice([each for each in NAMES if each not in self.pods])
        number = self.random.randrange(4)
        self.pods.add(name)
        more: dict[str, Any] = {"annotations": {names.PORT_WISH: str(START + number)}} if number == 3 else {}
        if number < len(JOBS):
            more["job"] = self._job(JOBS[number])
        self.site.pod(name, self.random.choice(LABELS), **more)

    def _job(self, name: str) -> Any:
        found = self.site.kube.find(JOB, name, TASKS)
        spec = {"template": {"spec": SPEC | {"restartPolicy": "Never"}}}
        meta = {"name": name, "namespace": TASKS}
        return found or self.site.kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec})

    def _one(self) -> str:
        return self.random.choice(sorted(self.pods))

    def _label(self) -> None:
        self.site.change(self._one(), labels={names.EXPOSE: self.random.choice(LABELS)})

    def _end(self) -> None:
        self.site.status(self._one(), {"phase": self.random.choice(("Succeeded", "Failed"))})

    def _delete(self) -> None:
        self.pods.remove(name := self._one())
        self.site.kube.delete(POD, name, TASKS, missing_ok=False)

    def _lose(self) -> None:
        """Remove the operator's result from a pod."""
        notes = {names.ADDRESS: None, names.ADDRESSES: None}
        found = self.site.get(name := self._one())["metadata"]
        label = {TASK_LABEL: None} if (found.get("labels") or {}).get(TASK_LABEL) == found["uid"] else {}
        self.site.change(name, annotations=notes, labels=label, uid=found["uid"])

    def _end_job(self) -> None:
        self.site.kube.delete(JOB, self.random.choice(JOBS), TASKS)

    def _expose(self) -> None:
        """Expose a task with the library; half of the tasks have a pod, the ports of the others are leftovers."""
        task = self.random.choice(TASK_IDS)
        if task in TASK_IDS[:2] and self.site.kube.find(POD, task, TASKS) is None:
            self.site.pod(task, None)
            self.site.change(task, labels={TASK_LABEL: task})
        self.library.expose(Task(task, TASKS, (8888, 6006) if self.random.random() < 0.5 else (8888,)))

    def _release(self) -> None:
        self.library.release(self.random.choice(TASK_IDS))

    def _collect(self) -> None:
        self.library.reconcile(dry_run=False, grace_seconds=0)

    def unsettled(self) -> str:
        """Return what is wrong after everything has settled; empty if nothing is."""
        slots = [slot for each in self.site.kube.list(SERVICE, TASKS, names.SLOT_LABEL) if (slot := table.parse(each))]
        found = [pods.parse(each) for each in self.site.kube.list(POD, TASKS)]
        jobs = {each["metadata"]["uid"] for each in self.site.kube.list(JOB, TASKS)}
        live = {each.uid: each for each in found if not each.ended and each.label is not None}
        held: dict[str, list[table.Slot]] = {}
        for slot in slots:
            if not table.agrees(slot):
                return f"{slot} does not lead to its task"
            if slot.by_operator:
                held.setdefault(str(slot.task), []).append(slot)
        for uid, mine in held.items():
            numbers = [each.number for each in requested(live[uid], ALLOWED, claimed=True).ports] if uid in live else []
            for slot in mine:
                if slot.target_port not in numbers and names.object_uid(slot.object) not in jobs:
                    return f"{slot} is leaked"
        lacks = [len(lack) for pod in live.values() if (lack := self._lacks(pod, held.get(pod.uid, [])))]
        if lacks and sum(each.task is None for each in slots) >= max(lacks):
            return "somebody waits although enough slots are free"
        return next(filter(None, (self._wrong(each, held.get(each.uid, [])) for each in found)), "")

    def _lacks(self, pod: pods.Pod, held: list[table.Slot]) -> set[int]:
        request = requested(pod, ALLOWED, claimed=bool(held))
        return {each.number for each in request.ports if request.problem is None} - {each.target_port for each in held}

    def _wrong(self, pod: pods.Pod, held: list[table.Slot]) -> str:
        """Return what is wrong with the result on a pod."""
        if pod.label is None or pod.ended:
            over = pod.label is None and pod.ended  # a new operator cannot find it
            return "" if over or not (pod.published or pod.task == pod.uid) else f"{pod} is marked still"
        request = requested(pod, ALLOWED, claimed=bool(held))
        reason = request.problem or (ExposeReason.NO_FREE_SLOT if self._lacks(pod, held) else ExposeReason.EXPOSED)
        if pod.condition.reason != reason or sorted(pod.ports.values()) != sorted(each.port for each in held):
            return f"{pod} should say {reason} and has {held}"
        return ""


@pytest.mark.timeout(7200)  # seconds, at full length on a slow machine
@pytest.mark.parametrize("acts", ["by the Lease", "both"])
def test_a_random_walk(site: OperatorSite, share: int, monkeypatch: pytest.MonkeyPatch, acts: str) -> None:
    """10,000 random steps of pods, a master, gc and two operators that crash: no port is leaked or has two tasks."""
    if acts == "both":
        monkeypatch.setattr("task_gateway.operator.lease.Elector.leads", True)
    with History.watching(site) as history:
        walk = OperatorWalk(site, 1)
        try:
            for _ in range(PHASES):
                for _ in range(5000 // PHASES // share):
                    walk.step()
                until(lambda: not walk.unsettled(), walk.unsettled, 60)
        finally:
            walk.close()
    print(f"{acts}: {dict(walk.did)}, {len(history.events)} states")
    assert sum(walk.did.values()) == 5000 // share
