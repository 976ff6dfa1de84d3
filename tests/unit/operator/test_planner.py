"""The planner among random steps of pods, labels, Jobs, masters and operators that see late: no port has two tasks."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.operator.world import ALLOWED, FIRST, HOST, Seer, World, made

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


class Walk:
    """Random steps, and what must hold after each."""

    def __init__(self, slots: int) -> None:
        self.world = World.of(slots)
        self.world.operators = [Seer(self.world), Seer(self.world)]
        self.given: dict[tuple[str, str], str] = {}
        self.count = 0

    def step(self, action: str, number: int, other: int) -> None:
        world, name = self.world, NAMES[number % len(NAMES)]
        pod, operator = world.pods.get(name), world.operators[number % 2]
        match action:
            case "make" if pod is None:
                self.count += 1
                job = f"job-{other % 2}" if other % 3 == 0 else ""
                if job and not world.jobs.get(job, False):
                    world.put_job(job, alive=True)
                gateway_ports = str(FIRST + other % 4) if other % 5 == 0 else ""
                world.put_pod(
                    made(
                        name, f"{name}-{self.count}", LABELS[other % len(LABELS)], job=job, gateway_ports=gateway_ports
                    )
                )
            case "label" if pod is not None:
                world.relabel(name, LABELS[other % len(LABELS)])
            case "end" if pod is not None:
                world.put_pod(replace(pod, ended=True))
            case "drop" if pod is not None:
                world.drop_pod(name)
            case "wipe" if pod is not None and not self.doubled(pod.uid):
                world.wipe(name)
            case "job":
                world.put_job(f"job-{other % 2}", alive=False)
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
                world.operators[number % 2] = Seer(world)
        self.holds()

    def master(self, number: int, before: str, after: str) -> None:
        slots = [each for each in self.world.slots.values() if (each.task or "") == before]
        if slots:
            slot = slots[number % len(slots)]
            self.world.put_slot(Slot(slot.port, slot.service, "", 80, after or None, selects=after or "released"))

    def held(self, uid: str) -> list[Slot]:
        return [each for each in self.world.slots.values() if each.task == uid]

    def doubled(self, uid: str) -> bool:
        """Tell whether two slots are claimed for one port of a pod, as two operators that act do for a moment.

        Which one the pod showed is known to the pod and to the operators that saw it: if the address is removed in this
        moment and they end as well, nothing in the cluster tells the two apart, and the next one takes the older claim.
        """
        held = self.held(uid)
        return len({each.target_port for each in held}) < len(held)

    def holds(self) -> None:
        """What is written on a living pod is its own, and stays as it is for as long as the pod asks for it."""
        by_port = {each.port: each for each in self.world.slots.values()}
        asked = set()
        for pod in self.world.live():
            for number in pod.ports.values():
                assert by_port[number].task == pod.uid, f"{pod.name} says {number}, which {by_port[number].task} has"
            shown = self.world.shown.get(pod.name, {})
            for port in requested(pod, ALLOWED, claimed=True).ports:
                asked.add((pod.uid, port.written))
                if port.written in shown:
                    first = self.given.setdefault((pod.uid, port.written), shown[port.written])
                    assert shown[port.written] == first, f"a port of {pod.name} moved"
        self.given = {key: port for key, port in self.given.items() if key in asked}

    def ends(self) -> None:
        """Nothing is leaked, and each pod says what it has; only one operator works on."""
        (leader, *_), world = self.world.operators, self.world
        world.operators = [leader]
        leader.settle()
        self.holds()
        wanted = {each.uid: requested(each, ALLOWED, claimed=True).ports for each in world.live()}
        for slot in world.slots.values():
            if slot.by_operator:
                numbers = [each.number for each in wanted.get(str(slot.task), ())]
                kept = slot.object.startswith("Job/") and world.jobs[slot.object.rpartition("/")[2]]
                assert slot.target_port in numbers or kept, f"{slot} is leaked"
        free = sum(each.task is None for each in world.slots.values())
        lacks = []
        for pod in world.live():
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
        for pod in world.pods.values():
            if pod.ended and pod.label is None:  # nothing leads a new process to it once its slots are free
                continue
            over = pod.ended or pod.label is None
            assert not over or not (pod.published or pod.task == pod.uid), f"{pod.name} is marked still"


@settings(max_examples=400)
@given(seed=st.integers(0, 2**32), slots=st.integers(1, 4))
def test_no_port_has_two_tasks_none_moves_and_none_is_leaked(seed: int, slots: int) -> None:
    walk, choice = Walk(slots), random.Random(seed)
    for _ in range(LENGTH):
        walk.step(choice.choice(ACTIONS), choice.randrange(60), choice.randrange(60))
    walk.ends()


def settled(slots: int, *pods: Pod) -> tuple[World, Seer]:
    world = World.of(slots)
    world.operators = [Seer(world)]
    for each in pods:
        if each.object.uid != each.uid:
            world.put_job(each.object.uid, alive=True)
        world.put_pod(each)
    world.operators[0].settle()
    return world, world.operators[0]


def ports(world: World, name: str) -> list[int]:
    return list(world.pods[name].ports.values())


def test_several_ports_by_number_and_by_name() -> None:
    world, _ = settled(4, made("a", "u-a", "8888.board"))
    pod = world.pods["a"]
    assert pod.published == (("8888", f"{HOST}:{FIRST}"), ("board", f"{HOST}:{FIRST + 1}"))
    assert (pod.task, pod.condition.status, pod.condition.reason) == ("u-a", "True", "Exposed")
    assert [each.target_port for each in world.slots.values()][:2] == [8888, 6006]


def test_a_changed_label_keeps_what_it_names_still() -> None:
    world, operator = settled(4, made("a", "u-a", "8888.6006"))
    world.relabel("a", "6006.8080")
    operator.settle()
    assert world.pods["a"].published == (("6006", f"{HOST}:{FIRST + 1}"), ("8080", f"{HOST}:{FIRST + 2}"))
    assert world.slots["slot-0"].task is None


def test_first_come_first_served_when_a_slot_frees() -> None:
    world, operator = settled(1, made("a", "u-a"), made("b", "u-b"), made("c", "u-c"))
    assert [world.pods[each].condition.reason for each in "abc"] == ["Exposed", "NoFreeSlot", "NoFreeSlot"]
    assert "1 slot" in world.pods["b"].condition.message
    assert "helm upgrade" in world.pods["b"].condition.message
    for gone, next_ in (("a", "b"), ("b", "c")):
        world.drop_pod(gone)
        operator.settle()
        assert ports(world, next_) == [FIRST]


def test_who_waits_for_two_slots_is_not_passed_by_who_waits_for_one() -> None:
    world, operator = settled(2, made("a", "u-a"), made("b", "u-b", "8888.6006"), made("c", "u-c"))
    assert [world.pods[each].condition.reason for each in "abc"] == ["Exposed", "NoFreeSlot", "NoFreeSlot"]
    world.drop_pod("a")
    operator.settle()
    assert [world.pods[each].condition.reason for each in "bc"] == ["Exposed", "NoFreeSlot"]


def test_the_order_survives_a_restart() -> None:
    world, _ = settled(1, made("a", "u-a"), made("c", "u-1"), made("b", "u-2"))
    world.put_pod(replace(world.pods["c"], condition=replace(world.pods["c"].condition, since="2026-01-01T00:00:01Z")))
    world.put_pod(replace(world.pods["b"], condition=replace(world.pods["b"].condition, since="2026-01-01T00:00:00Z")))
    world.drop_pod("a")
    world.operators = [Seer(world)]
    world.operators[0].settle()
    assert [world.pods[each].condition.reason for each in "cb"] == ["NoFreeSlot", "Exposed"]


def test_a_jobs_next_pod_gets_the_same_port_while_the_job_lives() -> None:
    world, operator = settled(3, made("a", "u-a", job="j"), made("b", "u-b"))
    (port,) = ports(world, "a")
    world.put_pod(replace(world.pods["a"], ended=True))
    operator.settle()
    assert not world.pods["a"].marked
    world.put_pod(made("c", "u-c", "8888.6006", job="j"))
    operator.settle()
    assert ports(world, "c") == [port, FIRST + 2]
    world.drop_pod("a")
    world.drop_pod("c")
    operator.settle()
    world.put_pod(made("d", "u-d"))
    operator.settle()
    assert world.pods["d"].condition.reason == ExposeReason.NO_FREE_SLOT
    world.put_job("j", alive=False)
    operator.settle()
    assert world.pods["d"].condition.reason == ExposeReason.EXPOSED


def test_a_wish_goes_before_the_order() -> None:
    world, _ = settled(
        4, made("a", "u-a", gateway_ports=str(FIRST + 2)), made("b", "u-b", gateway_ports=str(FIRST + 2))
    )
    assert (ports(world, "a"), ports(world, "b")) == ([FIRST + 2], [FIRST])


def test_a_port_whose_claim_is_lost_is_left_to_the_pod_that_it_is_written_on() -> None:
    world, operator = settled(2, made("b", "u-b"))
    operator.events.clear()
    slot = world.slots["slot-0"]
    world.put_slot(Slot(slot.port, slot.service, "", unselected=True))  # as a forced upgrade does
    world.put_pod(made("a", "u-a"))
    operator.see(2)
    operator.queue = dict.fromkeys(["u-a", "u-b"])  # the new pod first
    operator.settle()
    assert (ports(world, "a"), ports(world, "b")) == ([FIRST + 1], [FIRST])


def test_of_two_slots_for_one_port_the_one_that_is_written_on_the_pod_stays() -> None:
    world, operator = settled(3, made("b", "u-b"), made("a", "u-a"))
    assert ports(world, "a") == [FIRST + 1]
    mine = world.slots["slot-1"]
    world.put_slot(replace(mine, port=FIRST + 2, service="slot-2", claimed_at="0"))  # an old view claimed it before
    operator.settle()
    assert ports(world, "a") == [FIRST + 1]
    assert (world.slots["slot-1"].task, world.slots["slot-2"].task) == ("u-a", None)


def test_a_live_pod_keeps_the_ports_that_it_has_if_it_cannot_have_all() -> None:
    world = World.of(2)
    pods = [made("a", "u-a", "8888.6006"), made("b", "u-b", "8888.6006")]
    for pod, slot in zip(pods, list(world.slots.values()), strict=True):
        world.put_pod(pod)
        note = f"Pod/{pod.name}/{pod.uid}"
        world.put_slot(replace(slot, task=pod.uid, target_port=8888, object=note, selects=pod.uid, pod=pod.name))
    world.operators = [Seer(world)]
    world.operators[0].settle()
    assert [world.pods[each].condition.reason for each in "ab"] == ["NoFreeSlot", "NoFreeSlot"]
    assert (ports(world, "a"), ports(world, "b")) == ([FIRST], [FIRST + 1])
    world.drop_pod("a")
    world.operators[0].settle()
    assert world.pods["b"].ports == {"8888": FIRST + 1, "6006": FIRST}


def test_lost_marks_and_a_label_that_asks_for_too_much_take_no_port_from_a_live_pod() -> None:
    world, operator = settled(2, made("a", "u-a", "6006"), made("b", "u-b"))
    world.relabel("a", "8888.6006")
    world.wipe("a")
    operator.settle()
    assert world.pods["a"].condition.reason == ExposeReason.NO_FREE_SLOT
    assert world.pods["a"].ports == {"6006": FIRST}
    assert names.ADDRESS not in world.notes["a"]  # it is that of the first port


def test_a_pod_of_another_owner_is_left_alone() -> None:
    pod = replace(made("a", "u-a"), task="of-a-master")
    world, _ = settled(1, pod)
    assert (world.pods["a"].task, world.pods["a"].condition.reason) == ("of-a-master", ExposeReason.NOT_ALLOWED)
    assert world.slots["slot-0"].task is None


def test_a_selector_that_somebody_else_changed_is_restored() -> None:
    world, operator = settled(1, made("a", "u-a"))
    world.put_slot(replace(world.slots["slot-0"], selects="another", extra_selector_keys=("app",)))
    operator.settle()
    assert (world.slots["slot-0"].selects, world.slots["slot-0"].extra_selector_keys) == ("u-a", ())


def two_that_act(label: str) -> tuple[World, Seer, Seer]:
    """Return two operators of which only the second one would take the first slot."""
    world = World.of(2)
    one, two = world.operators = [Seer(world), Seer(world)]
    world.put_pod(made("a", "u-a", label))
    for each in world.operators:
        each.see(1)
    one.space.note_foreign({FIRST})
    return world, one, two


def removed_unseen(world: World, one: Seer, two: Seer) -> None:
    """Have the first one expose the pod, and its address removed; the second one sees nothing of the slots."""
    one.settle()
    assert ports(world, "a") == [FIRST + 1]
    world.wipe("a")
    two.see_only("pod")
    while two.decided is not None or two.decide():
        two.act()
    assert ports(world, "a") == [FIRST + 1]


def test_a_port_is_remembered_when_its_address_is_removed() -> None:
    removed_unseen(*two_that_act("8888"))


def test_a_pod_that_changed_is_left_to_its_watch() -> None:
    world, one, two = two_that_act("none")
    assert two.decide()
    assert isinstance(two.decided and two.decided[1], PublishResult)
    world.relabel("a", "8888")
    one.settle()
    world.wipe("a")
    two.act()
    assert not two.decide()
    removed_unseen(world, one, two)
