"""The operator with only the permissions of its Roles: the effect of a label, and the result on the pod."""

import time
from collections.abc import Iterator

import pytest
from tests.apiserver.operators import (
    HOME,
    IP,
    START,
    TASKS,
    OperatorSite,
    addresses,
    allowed,
    installed,
    scraped,
    until,
)
from tests.apiserver.planes import gateway_api

from task_gateway.kube.kinds import JOB, LEASE, POD, SERVICE
from task_gateway.model import TASK_LABEL, InternalTaskGateway, Manifest, Task
from task_gateway.operator.run import Operator
from task_gateway.routing import names
from task_gateway.routing.gateway import TaskGateway

SLOTS = 4
FIRST, SECOND, THIRD = (f"{IP}:{START + each}" for each in range(3))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with gateway_api("operator", HOME, TASKS) as kube:
        yield installed(kube, tmp_path_factory.mktemp("operator"), SLOTS)


@pytest.fixture
def site(plane: OperatorSite) -> Iterator[OperatorSite]:
    plane.clean()
    yield plane
    plane.clean()


@pytest.fixture
def operator(site: OperatorSite) -> Iterator[Operator]:
    with site.operator() as made:
        yield made


def service(site: OperatorSite, port: int) -> Manifest:
    return site.kube.get(SERVICE, f"gw-slot-{port}", TASKS)


def library(site: OperatorSite) -> TaskGateway:
    return TaskGateway(site.kube, InternalTaskGateway("gw", HOME, IP, START, START + SLOTS - 1), TASKS)


@pytest.mark.usefixtures("operator")
def test_a_label_is_all_it_takes(site: OperatorSite) -> None:
    made = site.pod("a", annotations={names.OWNER: "ada"})
    pod = site.wait("a", "Exposed")
    uid = made["metadata"]["uid"]
    assert site.notes("a") == {names.ADDRESS: FIRST}
    assert pod["metadata"]["labels"][TASK_LABEL] == uid
    slot = service(site, START)
    assert slot["spec"]["selector"] == {TASK_LABEL: uid}
    assert slot["spec"]["ports"][0]["targetPort"] == 8888
    notes = slot["metadata"]["annotations"]
    assert (notes[names.OWNER], notes[names.OBJECT]) == ("ada", f"Pod/a/{uid}")
    until(lambda: len(site.kube.list("v1/Event", TASKS)) == 1)
    (event,) = site.kube.list("v1/Event", TASKS)
    assert (event["reason"], event["type"], event["involvedObject"]["uid"]) == ("Exposed", "Normal", uid)
    (shown,) = library(site).exposed()
    assert (shown.task_id, shown.owner, shown.kind, shown.by_operator) == (uid, "ada", "Pod", True)


@pytest.mark.usefixtures("operator")
def test_a_pod_without_an_address_waits_and_the_owner_of_the_namespace_is_noted(site: OperatorSite) -> None:
    site.kube.patch("v1/Namespace", TASKS, None, {"metadata": {"labels": {names.OWNER: "team"}}})
    site.pod("a", address="")
    site.pod("b")
    site.wait("b", "Exposed")
    assert site.exposed_condition("a") is None
    site.status("a", {"phase": "Running", "podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]})
    site.wait("a", "Exposed")
    assert {each.owner for each in library(site).exposed()} == {"team"}


@pytest.mark.usefixtures("operator")
def test_several_ports_names_and_a_changed_label(site: OperatorSite) -> None:
    site.pod("a", "http.6006")
    site.wait("a", "Exposed")
    assert site.address("a") == FIRST
    assert addresses(site.notes("a")) == {"http": FIRST, "6006": SECOND}
    site.change("a", labels={names.EXPOSE: "6006.9000"})
    until(lambda: site.address("a") == SECOND)
    until(lambda: START not in site.claims())
    assert addresses(site.notes("a")) == {"6006": SECOND, "9000": THIRD}
    site.change("a", labels={names.EXPOSE: "http.80x"})
    site.wait("a", "InvalidPort")
    until(lambda: site.claims() == {})
    assert site.notes("a") == {}


@pytest.mark.usefixtures("operator")
def test_a_label_that_is_removed_takes_the_marks_with_it(site: OperatorSite) -> None:
    site.pod("a")
    site.wait("a", "Exposed")
    site.change("a", labels={names.EXPOSE: None})
    until(lambda: site.claims() == {})
    until(lambda: site.exposed_condition("a") is None)
    pod = site.get("a")
    assert site.notes("a") == {}
    assert TASK_LABEL not in pod["metadata"].get("labels", {})


@pytest.mark.parametrize("end", ["Succeeded", "Failed", "deleted"])
@pytest.mark.usefixtures("operator")
def test_a_pod_that_ends_frees_its_port_at_once(site: OperatorSite, end: str) -> None:
    site.pod("a")
    site.wait("a", "Exposed")
    began = time.monotonic()
    if end == "deleted":
        site.kube.delete(POD, "a", TASKS)
    else:
        site.status("a", {"phase": end})
    until(lambda: site.claims() == {})
    assert time.monotonic() - began < 10  # far below any period: a watch delivered it
    assert service(site, START)["spec"]["selector"] == {TASK_LABEL: f"released.{START}"}
    site.pod("b")
    site.wait("b", "Exposed")
    assert site.address("b") == SECOND  # the freed port rests


@pytest.mark.usefixtures("operator")
def test_a_name_that_comes_back_at_once_is_another_task(site: OperatorSite) -> None:
    ports = []
    for _ in range(3):
        uid = site.pod("a")["metadata"]["uid"]
        site.wait("a", "Exposed")
        ports.append(site.address("a"))
        assert site.claims()[int(ports[-1].rpartition(":")[2])] == uid
        site.kube.delete(POD, "a", TASKS)
    until(lambda: site.claims() == {})
    assert len(set(ports)) == 3


@pytest.mark.usefixtures("operator")
def test_no_free_slot_then_first_come_first_served(site: OperatorSite) -> None:
    for index in range(SLOTS):
        site.pod(f"has-{index}")
        site.wait(f"has-{index}", "Exposed")
    for name in ("x-first", "b-second"):
        site.pod(name)
        site.wait(name, "NoFreeSlot")
    assert site.notes("x-first") == {}
    site.kube.delete(POD, "has-2", TASKS)
    site.wait("x-first", "Exposed")
    assert site.address("x-first") == f"{IP}:{START + 2}"
    assert site.exposed_condition("b-second") == ("False", "NoFreeSlot")
    events = [each for each in site.kube.list("v1/Event", TASKS) if each["involvedObject"]["name"] == "x-first"]
    assert "helm upgrade" in next(each["message"] for each in events if each["reason"] == "NoFreeSlot")
    site.kube.delete(POD, "has-0", TASKS)
    site.wait("b-second", "Exposed")


@pytest.mark.usefixtures("operator")
def test_lost_marks_are_restored_with_the_same_port(site: OperatorSite) -> None:
    site.pod("a", "8888.6006")
    site.wait("a", "Exposed")
    before = site.notes("a")
    site.change("a", annotations={names.ADDRESS: None, names.ADDRESSES: None}, labels={TASK_LABEL: None})
    until(lambda: site.notes("a") == before and TASK_LABEL in site.get("a")["metadata"]["labels"])
    site.kube.patch(SERVICE, f"gw-slot-{START}", TASKS, {"metadata": {"annotations": None}})
    until(lambda: len(site.claims()) == 2)
    assert site.notes("a") == before


@pytest.mark.usefixtures("operator")
def test_a_wish_for_a_port(site: OperatorSite) -> None:
    site.pod("a", annotations={names.PORT_WISH: str(START + 3)})
    site.wait("a", "Exposed")
    site.kube.delete(POD, "a", TASKS)
    until(lambda: site.claims() == {})
    site.pod("a", annotations={names.PORT_WISH: str(START + 3)})
    site.wait("a", "Exposed")
    assert site.address("a") == f"{IP}:{START + 3}"


@pytest.mark.usefixtures("operator")
def test_the_next_pod_of_a_job_has_the_same_port_while_the_job_lives(site: OperatorSite) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "task", "image": "none"}]}}
    meta = {"name": "sweep", "namespace": TASKS}
    job = site.kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template}})
    site.pod("sweep-1", job=job)
    site.wait("sweep-1", "Exposed")
    site.status("sweep-1", {"phase": "Failed"})
    until(lambda: site.exposed_condition("sweep-1") is None)
    site.pod("other")
    site.wait("other", "Exposed")
    library(site).reconcile(dry_run=False, grace_seconds=0)
    site.pod("sweep-2", job=job)
    site.wait("sweep-2", "Exposed")
    assert (site.address("sweep-2"), site.address("other")) == (FIRST, SECOND)
    site.kube.delete(POD, "sweep-2", TASKS)
    site.kube.delete(JOB, "sweep", TASKS)
    until(lambda: list(site.claims()) == [START + 1])


def test_only_allowed_ports(site: OperatorSite) -> None:
    with site.operator(allowed=allowed("8888,9000-9100")):
        site.pod("a", "8888.22")
        site.wait("a", "NotAllowed")
        site.pod("b", "http.9050")
        site.wait("b", "Exposed")
        assert len(site.claims()) == 2


def test_health_and_metrics(site: OperatorSite) -> None:
    with site.operator() as operator:
        site.pod("a")
        site.wait("a", "Exposed")
        assert scraped(operator, "healthz") == scraped(operator, "readyz") == "ok"
        text = scraped(operator)
        for line in (
            'task_gateway_operator_exposed{namespace="tasks"} 1',
            'task_gateway_operator_waiting{namespace="tasks"} 0',
            f'task_gateway_operator_free{{namespace="tasks"}} {SLOTS - 1}',
            "task_gateway_operator_leader 1",
            "task_gateway_operator_claim_seconds_count 1",
            "task_gateway_operator_reached_seconds_count 0",
            "task_gateway_operator_watch_restarts_total 0",
        ):
            assert line in text.splitlines()


def test_an_idle_operator_writes_nothing_and_neither_does_a_restart(site: OperatorSite) -> None:
    with site.operator():
        for name, label in (("a", "8888"), ("b", "22x"), ("c", "8888.6006"), ("d", "8888.6006")):
            site.pod(name, label)
        for name, reason in (("a", "Exposed"), ("b", "InvalidPort"), ("c", "Exposed"), ("d", "NoFreeSlot")):
            site.wait(name, reason)
        until(lambda: len(site.kube.list("v1/Event", TASKS)) == 4)
    before = site.versions()
    with site.operator() as operator:
        lease = site.kube.get(LEASE, "gw-operator", HOME)["metadata"]["resourceVersion"]
        until(lambda: site.kube.get(LEASE, "gw-operator", HOME)["metadata"]["resourceVersion"] != lease)
        assert operator.leads
        assert site.versions() == before


def test_the_command_line_and_the_operator_on_one_gateway(site: OperatorSite) -> None:
    with site.operator():
        site.pod("mine", None)
        site.kube.patch(POD, "mine", TASKS, {"metadata": {"labels": {TASK_LABEL: "mine"}}})
        tasks = library(site)
        (address,) = tasks.expose(Task("mine", TASKS, (8888,)))
        site.pod("a")
        site.wait("a", "Exposed")
        assert (str(address), site.address("a")) == (FIRST, SECOND)
        site.change("mine", labels={names.EXPOSE: "8888"})
        site.wait("mine", "NotAllowed")
        assert site.claims()[START] == "mine"
        assert tasks.reconcile(grace_seconds=0) == []
        uid = site.get("a")["metadata"]["uid"]
        tasks.release(uid)
        until(lambda: site.claims().get(START + 1) == uid)  # a running pod gets the same port again
        assert site.address("a") == SECOND
        assert tasks.ports().tasks == 2
