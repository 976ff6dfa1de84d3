"""The planner in random steps of pods, labels, Jobs, masters and late operators: no port has two tasks."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.operator.simulation import ALLOWED, FIRST, HOST, SimulatedCluster, SimulatedOperator, made

from task_gateway.operator.pods import Pod
from task_gateway.operator.request import ExposeReason, requested
from task_gateway.operator.steps import PublishResult
from task_gateway.routing import names
from task_gateway.routing.table import Slot

LABELS = ("8888", "8888.6006", "http", "6006.http", "22", "8888.8888", "none", None)
NAMES = ("a", "b", "c", "d")
ACTIONS = (
    *("make", "make", "label", "end", "drop", "wipe", "job", "master", "master back"),
    *("see", "see", "decide", "decide", "decide", "act", "act", "act", "see all", "see all", "work", "work", "work"),
    "crash",
    "read again",
)
LENGTH = 150
"""As many steps as a walk has: shorter ones rarely have two operators at work on one pod."""


class PlannerWalk:
    """Random steps, and what must hold after each."""

    def __init__(self, slots: int) -> None:
        self.cluster = SimulatedCluster.with_slots(slots)
        self.cluster.operators = [SimulatedOperator(self.cluster), SimulatedOperator(self.cluster)]
        self.given: dict[tuple[str, str], str] = {}
        self.count = 0

    def step(self, action: str, number: int, other: int) -> None:
        cluster, name = self.cluster, NAMES[number % len(NAMES)]
        pod, operator = cluster.pods.get(name), cluster.operators[number % 2]
        match action:
            case "make" if pod is None:
                self.count += 1
                job = f"job-{other % 2}" if other % 3 == 0 else ""
                if job and not cluster.jobs.get(job, False):
                    cluster.put_job(job, alive=True)
                gateway_ports = str(FIRST + other % 4) if other % 5 == 0 else ""
                cluster.put_pod(
                    made(
                        name, f"{name}-{self.count}", LABELS[other % len(LABELS)], job=job, gateway_ports=gateway_ports
                    )
                )
            case "label" if pod is not None:
                cluster.relabel(name, LABELS[other % len(LABELS)])
            case "end" if pod is not None:
                cluster.put_pod(replace(pod, ended=True))
            case "drop" if pod is not None:
                cluster.drop_pod(name)
            case "wipe" if pod is not None and not self.doubled(pod.uid):
                cluster.wipe(name)
            case "job":
                cluster.put_job(f"job-{other % 2}", alive=False)
            case "master":
                self.master(other, "", "master")
            case "master back":
                self.master(other, "master", "")
            case "see":
                operator.see(1 + other % 4, other)
            case "see all":
                operator.see(operator.late, other)
            case "read again":
                operator.read_again()
            case "work":
                for _ in range(other % 8):
                    operator.act()
                    operator.decide(other)
            case "decide":
                operator.decide(other)
            case "act":
                operator.act()
            case "crash":
                cluster.operators[number % 2] = SimulatedOperator(cluster)
        self.holds()

    def master(self, number: int, before: str, after: str) -> None:
        slots = [each for each in self.cluster.slots.values() if (each.task or "") == before]
        if slots:
            slot = slots[number % len(slots)]
            self.cluster.put_slot(Slot(slot.port, slot.service, "", 80, after or None, selects=after or "released"))

    def held(self, uid: str) -> list[Slot]:
        return [each for each in self.cluster.slots.values() if each.task == uid]

    def doubled(self, uid: str) -> bool:
        """Return whether two slots are claimed for one port of a pod, as by two active operators for a moment.

        Only the pod and the operators that saw it know which one it showed. If the address is removed at this moment
        and these operators end too, the cluster does not show the difference, and the next operator keeps the older
        claim.
        """
        held = self.held(uid)
        return len({each.target_port for each in held}) < len(held)

    def holds(self) -> None:
        """The addresses on a running pod are its own, and do not change while the pod requests them."""
        by_port = {each.port: each for each in self.cluster.slots.values()}
        asked = set()
        for pod in self.cluster.live():
            for number in pod.ports.values():
                assert by_port[number].task == pod.uid, f"{pod.name} says {number}, which {by_port[number].task} has"
            shown = self.cluster.shown.get(pod.name, {})
            for port in requested(pod, ALLOWED, claimed=True).ports:
                asked.add((pod.uid, port.written))
                if port.written in shown:
                    first = self.given.setdefault((pod.uid, port.written), shown[port.written])
                    assert shown[port.written] == first, f"a port of {pod.name} moved"
        self.given = {key: port for key, port in self.given.items() if key in asked}

    def ends(self) -> None:
        """No slot is leaked, and each pod shows its slots; only one operator continues."""
        (leader, *_), cluster = self.cluster.operators, self.cluster
        cluster.operators = [leader]
        leader.settle()
        self.holds()
        wanted = {each.uid: requested(each, ALLOWED, claimed=True).ports for each in cluster.live()}
        for slot in cluster.slots.values():
            if slot.by_operator:
                numbers = [each.number for each in wanted.get(str(slot.task), ())]
                kept = slot.object.startswith("Job/") and cluster.jobs[slot.object.rpartition("/")[2]]
                assert slot.target_port in numbers or kept, f"{slot} is leaked"
        free = sum(each.task is None for each in cluster.slots.values())
        lacks = []
        for pod in cluster.live():
            request = requested(pod, ALLOWED, claimed=bool(self.held(pod.uid)))
            has = {each.target_port for each in self.held(pod.uid)}
            assert len(has) == len(self.held(pod.uid))
            assert len(pod.published) == len(has)
            missing = [each for each in request.ports if each.number not in has]
            if request.problem:
                assert (pod.condition.status, pod.condition.reason) == ("False", request.problem)
            elif missing:
                assert pod.condition.reason == ExposeReason.NO_FREE_SLOT
                lacks.append(len(missing))
            else:
                assert (pod.condition.status, pod.condition.reason) == ("True", ExposeReason.EXPOSED)
                assert pod.task == pod.uid
        assert not lacks or free < max(lacks)
        for pod in cluster.pods.values():
            if pod.ended and pod.label is None:  # nothing leads a new process to it once its slots are free
                continue
            over = pod.ended or pod.label is None
            assert not over or not (pod.published or pod.task == pod.uid), f"{pod.name} is marked still"


@settings(max_examples=400)
@given(seed=st.integers(0, 2**32), slots=st.integers(1, 4))
def test_no_port_has_two_tasks_none_moves_and_none_is_leaked(seed: int, slots: int) -> None:
    walk, choice = PlannerWalk(slots), random.Random(seed)
    for _ in range(LENGTH):
        walk.step(choice.choice(ACTIONS), choice.randrange(60), choice.randrange(60))
    walk.ends()


def settled(slots: int, *pods: Pod) -> tuple[SimulatedCluster, SimulatedOperator]:
    cluster = SimulatedCluster.with_slots(slots)
    cluster.operators = [SimulatedOperator(cluster)]
    for each in pods:
        if each.object.uid != each.uid:
            cluster.put_job(each.object.uid, alive=True)
        cluster.put_pod(each)
    cluster.operators[0].settle()
    return cluster, cluster.operators[0]


def ports(cluster: SimulatedCluster, name: str) -> list[int]:
    return list(cluster.pods[name].ports.values())


def test_several_ports_by_number_and_by_name() -> None:
    cluster, _ = settled(4, made("a", "u-a", "8888.board"))
    pod = cluster.pods["a"]
    assert pod.published == (("8888", f"{HOST}:{FIRST}"), ("board", f"{HOST}:{FIRST + 1}"))
    assert (pod.task, pod.condition.status, pod.condition.reason) == ("u-a", "True", "Exposed")
    assert [each.target_port for each in cluster.slots.values()][:2] == [8888, 6006]


def test_a_changed_label_keeps_what_it_names_still() -> None:
    cluster, operator = settled(4, made("a", "u-a", "8888.6006"))
    cluster.relabel("a", "6006.8080")
    operator.settle()
    assert cluster.pods["a"].published == (("6006", f"{HOST}:{FIRST + 1}"), ("8080", f"{HOST}:{FIRST + 2}"))
    assert cluster.slots["slot-0"].task is None


def test_first_come_first_served_when_a_slot_frees() -> None:
    cluster, operator = settled(1, made("a", "u-a"), made("b", "u-b"), made("c", "u-c"))
    assert [cluster.pods[each].condition.reason for each in "abc"] == ["Exposed", "NoFreeSlot", "NoFreeSlot"]
    assert "1 slot" in cluster.pods["b"].condition.message
    assert "helm upgrade" in cluster.pods["b"].condition.message
    for gone, next_ in (("a", "b"), ("b", "c")):
        cluster.drop_pod(gone)
        operator.settle()
        assert ports(cluster, next_) == [FIRST]


def test_who_waits_for_two_slots_is_not_passed_by_who_waits_for_one() -> None:
    cluster, operator = settled(2, made("a", "u-a"), made("b", "u-b", "8888.6006"), made("c", "u-c"))
    assert [cluster.pods[each].condition.reason for each in "abc"] == ["Exposed", "NoFreeSlot", "NoFreeSlot"]
    cluster.drop_pod("a")
    operator.settle()
    assert [cluster.pods[each].condition.reason for each in "bc"] == ["Exposed", "NoFreeSlot"]


def test_the_order_survives_a_restart() -> None:
    cluster, _ = settled(1, made("a", "u-a"), made("c", "u-1"), made("b", "u-2"))
    cluster.put_pod(
        replace(cluster.pods["c"], condition=replace(cluster.pods["c"].condition, since="2026-01-01T00:00:01Z"))
    )
    cluster.put_pod(
        replace(cluster.pods["b"], condition=replace(cluster.pods["b"].condition, since="2026-01-01T00:00:00Z"))
    )
    cluster.drop_pod("a")
    cluster.operators = [SimulatedOperator(cluster)]
    cluster.operators[0].settle()
    assert [cluster.pods[each].condition.reason for each in "cb"] == ["NoFreeSlot", "Exposed"]


def test_a_jobs_next_pod_gets_the_same_port_while_the_job_lives() -> None:
    cluster, operator = settled(3, made("a", "u-a", job="j"), made("b", "u-b"))
    (port,) = ports(cluster, "a")
    cluster.put_pod(replace(cluster.pods["a"], ended=True))
    operator.settle()
    assert not cluster.pods["a"].marked
    cluster.put_pod(made("c", "u-c", "8888.6006", job="j"))
    operator.settle()
    assert ports(cluster, "c") == [port, FIRST + 2]
    cluster.drop_pod("a")
    cluster.drop_pod("c")
    operator.settle()
    cluster.put_pod(made("d", "u-d"))
    operator.settle()
    assert cluster.pods["d"].condition.reason == ExposeReason.NO_FREE_SLOT
    cluster.put_job("j", alive=False)
    operator.settle()
    assert cluster.pods["d"].condition.reason == ExposeReason.EXPOSED


def test_a_wish_goes_before_the_order() -> None:
    cluster, _ = settled(
        4, made("a", "u-a", gateway_ports=str(FIRST + 2)), made("b", "u-b", gateway_ports=str(FIRST + 2))
    )
    assert (ports(cluster, "a"), ports(cluster, "b")) == ([FIRST + 2], [FIRST])


def test_a_port_whose_claim_is_lost_is_left_to_the_pod_that_it_is_written_on() -> None:
    cluster, operator = settled(2, made("b", "u-b"))
    operator.events.clear()
    slot = cluster.slots["slot-0"]
    cluster.put_slot(Slot(slot.port, slot.service, "", unselected=True))  # as a forced upgrade does
    cluster.put_pod(made("a", "u-a"))
    operator.see(2)
    operator.queue = dict.fromkeys(["u-a", "u-b"])  # the new pod first
    operator.settle()
    assert (ports(cluster, "a"), ports(cluster, "b")) == ([FIRST + 1], [FIRST])


def test_of_two_slots_for_one_port_the_one_that_is_written_on_the_pod_stays() -> None:
    cluster, operator = settled(3, made("b", "u-b"), made("a", "u-a"))
    assert ports(cluster, "a") == [FIRST + 1]
    mine = cluster.slots["slot-1"]
    cluster.put_slot(replace(mine, port=FIRST + 2, service="slot-2", claimed_at="0"))  # an old view claimed it before
    operator.settle()
    assert ports(cluster, "a") == [FIRST + 1]
    assert (cluster.slots["slot-1"].task, cluster.slots["slot-2"].task) == ("u-a", None)


def test_a_live_pod_keeps_the_ports_that_it_has_if_it_cannot_have_all() -> None:
    cluster = SimulatedCluster.with_slots(2)
    pods = [made("a", "u-a", "8888.6006"), made("b", "u-b", "8888.6006")]
    for pod, slot in zip(pods, list(cluster.slots.values()), strict=True):
        cluster.put_pod(pod)
        note = f"Pod/{pod.name}/{pod.uid}"
        cluster.put_slot(replace(slot, task=pod.uid, target_port=8888, object=note, selects=pod.uid, pod=pod.name))
    cluster.operators = [SimulatedOperator(cluster)]
    cluster.operators[0].settle()
    assert [cluster.pods[each].condition.reason for each in "ab"] == ["NoFreeSlot", "NoFreeSlot"]
    assert (ports(cluster, "a"), ports(cluster, "b")) == ([FIRST], [FIRST + 1])
    cluster.drop_pod("a")
    cluster.operators[0].settle()
    assert cluster.pods["b"].ports == {"8888": FIRST + 1, "6006": FIRST}


def test_lost_marks_and_a_label_that_asks_for_too_much_take_no_port_from_a_live_pod() -> None:
    cluster, operator = settled(2, made("a", "u-a", "6006"), made("b", "u-b"))
    cluster.relabel("a", "8888.6006")
    cluster.wipe("a")
    operator.settle()
    assert cluster.pods["a"].condition.reason == ExposeReason.NO_FREE_SLOT
    assert cluster.pods["a"].ports == {"6006": FIRST}
    assert names.ADDRESS not in cluster.notes["a"]  # it is that of the first port


def test_a_pod_of_another_owner_is_left_alone() -> None:
    pod = replace(made("a", "u-a"), task="of-a-master")
    cluster, _ = settled(1, pod)
    assert (cluster.pods["a"].task, cluster.pods["a"].condition.reason) == ("of-a-master", ExposeReason.NOT_ALLOWED)
    assert cluster.slots["slot-0"].task is None


def test_a_selector_that_somebody_else_changed_is_restored() -> None:
    cluster, operator = settled(1, made("a", "u-a"))
    cluster.put_slot(replace(cluster.slots["slot-0"], selects="another", extra_selector_keys=("app",)))
    operator.settle()
    assert (cluster.slots["slot-0"].selects, cluster.slots["slot-0"].extra_selector_keys) == ("u-a", ())


def two_that_act(label: str) -> tuple[SimulatedCluster, SimulatedOperator, SimulatedOperator]:
    """Return two operators of which only the second one would take the first slot."""
    cluster = SimulatedCluster.with_slots(2)
    one, two = cluster.operators = [SimulatedOperator(cluster), SimulatedOperator(cluster)]
    cluster.put_pod(made("a", "u-a", label))
    for each in cluster.operators:
        each.see(1)
    one.space.note_foreign({FIRST})
    return cluster, one, two


def removed_unseen(cluster: SimulatedCluster, one: SimulatedOperator, two: SimulatedOperator) -> None:
    """Have the first one expose the pod, and its address removed; the second one sees nothing of the slots."""
    one.settle()
    assert ports(cluster, "a") == [FIRST + 1]
    cluster.wipe("a")
    two.see_only("pod")
    while two.decided is not None or two.decide():
        two.act()
    assert ports(cluster, "a") == [FIRST + 1]


def test_a_port_is_remembered_when_its_address_is_removed() -> None:
    removed_unseen(*two_that_act("8888"))


def test_a_pod_that_changed_is_left_to_its_watch() -> None:
    cluster, one, two = two_that_act("none")
    assert two.decide()
    assert isinstance(two.decided and two.decided[1], PublishResult)
    cluster.relabel("a", "8888")
    one.settle()
    cluster.wipe("a")
    two.act()
    assert not two.decide()
    removed_unseen(cluster, one, two)
