"""The lane of a Determined master: each port reaches its pods, and no other client writes the master's objects."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apiserver import determined
from tests.apiserver.determined import DeterminedMaster
from tests.apiserver.determined_lanes import NAME, START, LaneSite, account, installed, plane
from tests.apiserver.operators import HOME, IP, TASKS, scraped, until
from tests.preflight import SERVICE

from task_gateway.checks.determined import ROUTE
from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.operator.run import Operator, Options
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, addresses

COUNT = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaneSite]:
    with plane("lane") as kube:
        yield installed(kube, tmp_path_factory.mktemp("lane"), COUNT)


@pytest.fixture
def site(whole: LaneSite) -> Iterator[LaneSite]:
    whole.clean()
    yield whole
    whole.clean()


@pytest.fixture
def operator(site: LaneSite) -> Iterator[Operator]:
    with site.operator() as made:
        yield made


@pytest.fixture
def master(site: LaneSite) -> DeterminedMaster:
    return site.new_master()


def service(site: LaneSite, port: int) -> Manifest:
    return site.kube.get(SERVICE, f"gw-lane-{port}", TASKS)


def until_led(site: LaneSite, wanted: dict[int, str]) -> None:
    until(lambda: {port: task for port, (task, _) in site.led().items()} == wanted, lambda: site.led())


def until_refused(kube: Kube, obj: Manifest, words: str) -> None:
    """Return when a policy refuses an object with this message: it takes effect a moment after its creation."""

    def refused() -> bool:
        try:
            kube.create(obj, dry_run=True)
        except Forbidden as problem:
            return words in problem.message
        return False

    until(refused)


@pytest.mark.usefixtures("operator")
def test_each_port_leads_to_the_pods_of_its_allocation(site: LaneSite, master: DeterminedMaster) -> None:
    master.start()
    assert [master.expose(task) for task in ("one.1", "two.1")] == [START, START + 1]
    until_led(site, {START: "one.1", START + 1: "two.1"})
    slot = service(site, START)
    assert slot["spec"]["selector"] == {"determined": "one.1"}
    assert slot["spec"]["ports"][0]["targetPort"] == 8888
    (route,) = site.kube.list(ROUTE, TASKS, "determined=one.1")
    notes = slot["metadata"]["annotations"]
    assert notes[names.OBJECT] == f"TCPRoute/one-1-0/{route['metadata']['uid']}"
    assert (notes[names.CLAIMED_BY], notes[names.OWNER]) == ("one.1", "determined")
    master.free("one.1", START)
    until_led(site, {START + 1: "two.1"})
    assert service(site, START)["spec"]["selector"] == {"task-gateway.dev/task": f"released.{START}"}
    assert master.conflicts == 0


@pytest.mark.usefixtures("operator")
def test_a_port_that_is_taken_again_at_once_leads_to_the_next_task_only(
    site: LaneSite, master: DeterminedMaster
) -> None:
    for number in range(6):
        assert master.expose(f"task-{number}") == START
        until_led(site, {START: f"task-{number}"})
        master.free(f"task-{number}", START)
    until_led(site, {})


def accepted(gateway_class: Manifest) -> bool:
    (found,) = gateway_class["status"]["conditions"]
    return bool(found["status"] == "True")


def test_the_statuses_are_written_once_and_change_with_the_address_alone(
    site: LaneSite, master: DeterminedMaster
) -> None:
    def version() -> str:
        return str(site.lane()["metadata"]["resourceVersion"])

    with site.operator():
        until(lambda: addresses(site.lane()) == [IP])
        conditions = {each["type"]: each for each in site.lane()["status"]["conditions"]}
        assert {type: each["status"] for type, each in conditions.items()} == {"Accepted": "True", "Programmed": "True"}
        assert not [each for each in conditions.values() if "observedGeneration" in each]
        until(lambda: accepted(site.kube.get(GATEWAY_CLASS, f"{NAME}.{HOME}")))  # written after the Gateway's status
        master.expose("one")
        before = version()
        until_led(site, {START: "one"})
        master.free("one", START)
        after = version()
        until_led(site, {})
    with site.operator():
        master.expose("two")
        mine = version()
        until_led(site, {START: "two"})
    assert version() == mine
    assert before != after  # the master's own write
    assert "listeners" not in site.lane()["status"]


def test_what_was_missed_while_no_operator_ran_is_made_up_for_and_nothing_else_is_written(
    site: LaneSite, master: DeterminedMaster
) -> None:
    with site.operator():
        for task in ("stays", "ends"):
            master.expose(task)
        until_led(site, {START: "stays", START + 1: "ends"})
    kept = service(site, START)["metadata"]["resourceVersion"]
    master.free("ends", START + 1)
    master.expose("next")
    assert site.led()[START + 1][0] == "ends"  # its pods are gone, and so are its endpoints
    with site.operator():
        until_led(site, {START: "stays", START + 1: "next"})
    assert service(site, START)["metadata"]["resourceVersion"] == kept


@pytest.mark.usefixtures("operator")
def test_a_listener_without_a_route_and_a_route_without_a_listener_lead_nowhere(
    site: LaneSite, master: DeterminedMaster
) -> None:
    master.expose("lives")
    left = master.expose("left")
    until_led(site, {START: "lives", left: "left"})
    site.kube.delete(ROUTE, "left-0", TASKS)  # the master's last write of the Gateway was lost
    site.kube.create(determined.objects("stranger", START + 4, site.gateway, TASKS)[1])
    site.kube.create(determined.objects("other", START, site.gateway, TASKS)[1])
    until_led(site, {START: "lives"})
    assert master.expose("more") == START + 2
    until_led(site, {START: "lives", START + 2: "more"})


@pytest.mark.usefixtures("operator")
def test_a_slot_that_somebody_changed_is_led_back(site: LaneSite, master: DeterminedMaster) -> None:
    master.expose("one")
    until_led(site, {START: "one"})
    site.kube.patch(SERVICE, f"gw-lane-{START}", TASKS, {"spec": {"selector": {"determined": "two", "more": "yes"}}})
    until(lambda: service(site, START)["spec"]["selector"] == {"determined": "one"})
    site.kube.patch(SERVICE, f"gw-lane-{START + 1}", TASKS, {"spec": {"selector": {"determined": "one"}}})
    until_led(site, {START: "one"})


def test_a_port_without_a_slot_is_counted_and_the_others_work(site: LaneSite, operator: Operator) -> None:
    wide = InternalTaskGateway(NAME, HOME, IP, START + COUNT, START + COUNT)
    DeterminedMaster(site.master, wide, TASKS).expose("outside")
    site.new_master().expose("inside")
    until_led(site, {START: "inside"})
    until(lambda: 'operator_determined_missing{namespace="tasks"} 1' in scraped(operator), lambda: scraped(operator))
    assert 'operator_determined_exposed{namespace="tasks"} 1' in scraped(operator)


def test_a_route_of_another_namespace_is_refused(site: LaneSite) -> None:
    route = determined.objects("one", START, site.gateway, "default")[1]
    until_refused(site.kube, route, f"Gateway {HOME}/{NAME} takes TCPRoutes from {TASKS} only")


def test_nobody_but_the_master_gives_a_pod_the_label_that_a_port_leads_by(site: LaneSite, tmp_path: Path) -> None:
    meta = {"name": "user", "namespace": TASKS}
    site.kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    group = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}]
    site.kube.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": rules})
    reference = {"apiGroup": group, "kind": "Role", "name": "user"}
    binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta, "roleRef": reference}
    site.kube.apply(binding | {"subjects": [{"kind": "ServiceAccount", **meta}]})
    acting = account(site.kube, "user", TASKS, tmp_path)
    until_refused(acting, determined.job("stranger", TASKS), "determined lead ports of Gateway gw to a pod")
    made = site.master.create(determined.job("mine", TASKS))
    assert made["spec"]["template"]["metadata"]["labels"]["determined"] == "mine"
    site.kube.delete(JOB, "mine", TASKS)


def test_two_operators_lead_each_port_once(site: LaneSite, master: DeterminedMaster) -> None:
    with site.operator(identity="a") as first:
        second = None
        try:
            second = Operator(site.acting, Options("gw", HOME, port=0, measure_reached=False, identity="b"))
            second.start()
            master.expose("one")
            until_led(site, {START: "one"})
            written = service(site, START)["metadata"]["resourceVersion"]
            first.stop()
            until(lambda: second.leads)
            master.expose("two")
            until_led(site, {START: "one", START + 1: "two"})
            assert service(site, START)["metadata"]["resourceVersion"] == written
        finally:
            if second is not None:
                second.stop()


def test_the_master_may_do_what_it_does_and_claims_no_slot(site: LaneSite, master: DeterminedMaster) -> None:
    master.start()
    master.free("one", master.expose("one"))
    with pytest.raises(Forbidden):
        site.master.patch(SERVICE, f"gw-lane-{START}", TASKS, {"spec": {"selector": {"determined": "one"}}})
    with pytest.raises(Forbidden):
        site.master.get(GATEWAY, "gw", HOME)
