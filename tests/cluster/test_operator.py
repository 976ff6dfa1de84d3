"""The operator in its own image, on a real cluster: a label exposes a pod, and its end closes the port."""

from collections.abc import Callable
from pathlib import Path

from tests.cluster.conftest import COUNT, NAMESPACE, RELEASE, START, Installed, with_operator
from tests.cluster.test_slots import PORT, greeting_of, pod

from task_gateway.kube import helm
from task_gateway.kube.kinds import LEASE, POD
from task_gateway.kube.wait import condition, wait_for, wait_until_gone
from task_gateway.model import Address, Manifest
from task_gateway.routing import names
from task_gateway.routing.reach import Answer, probe, wait_until_answers, wait_until_refused
from task_gateway.settings import POD_GONE, POD_READY, Wait
from task_gateway_lab.clusters import operator_image

ADDED = "added-by-an-upgrade"
EXPOSED = "task-gateway.dev/Exposed"
PUBLISHED = Wait("published", "the operator has written the pod's address", 30)
TAKEN_OVER = Wait("taken over", "the other replica holds the Lease", 60)
ENDED = Wait("ended", "connections to the port of a deleted pod fail", 30)


def labelled(name: str, wanted: str = str(PORT)) -> Manifest:
    made = pod(name)
    made["metadata"]["labels"] = {"task-gateway.dev/expose": wanted}
    return made


def address_of(found: Manifest) -> Address:
    return Address.parse(found["metadata"]["annotations"]["task-gateway.dev/address"])


def exposed(site: Installed, name: str) -> Address:
    return address_of(wait_for(site.kube, PUBLISHED, POD, name, NAMESPACE, condition(EXPOSED)))


def held_by_another_than(leader: str) -> Callable[[Manifest | None], str | None]:
    def missing(lease: Manifest | None) -> str | None:
        holder = lease["spec"].get("holderIdentity") if lease else None
        return None if holder and holder != leader else f"it is held by {holder or 'nobody'}"

    return missing


def test_a_label_exposes_a_pod_and_its_end_closes_the_port(operator: Installed) -> None:
    operator.kube.create(labelled("labelled"))
    wait_for(operator.kube, POD_READY, POD, "labelled", NAMESPACE, condition("Ready"))
    address = exposed(operator, "labelled")
    wait_until_answers(address)
    assert greeting_of(address) == "labelled"
    operator.kube.delete(POD, "labelled", NAMESPACE)
    wait_until_refused(address, ENDED)


def test_a_name_that_comes_back_is_another_task(operator: Installed) -> None:
    operator.kube.create(labelled("again"))
    first = exposed(operator, "again")
    operator.kube.delete(POD, "again", NAMESPACE)
    wait_until_gone(operator.kube, POD_GONE, POD, "again", NAMESPACE)
    operator.kube.create(labelled("again"))
    second = exposed(operator, "again")
    assert second != first, "a port rests before it is used again"
    wait_for(operator.kube, POD_READY, POD, "again", NAMESPACE, condition("Ready"))
    wait_until_answers(second)
    assert greeting_of(second) == "again"
    assert probe(first) in (Answer.CLOSED, Answer.REFUSED)
    operator.kube.delete(POD, "again", NAMESPACE)


def test_a_port_that_the_administrator_does_not_allow_is_refused(operator: Installed) -> None:
    operator.kube.create(labelled("forbidden", "9"))
    found = wait_for(operator.kube, PUBLISHED, POD, "forbidden", NAMESPACE, condition(EXPOSED, "False"))
    (said,) = [each for each in found["status"]["conditions"] if each["type"] == EXPOSED]
    assert said["reason"] == "NotAllowed"
    operator.kube.delete(POD, "forbidden", NAMESPACE)


def test_a_namespace_that_an_upgrade_adds_is_watched(operator: Installed, chart: Path) -> None:
    operator.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ADDED}})
    slots = [{"start": START, "count": COUNT}, {"namespace": ADDED, "start": START + COUNT, "count": 1}]
    helm.install(operator.cluster, RELEASE, chart, NAMESPACE, with_operator(operator.gateway) | {"slots": slots})
    made = labelled("added")
    made["metadata"]["namespace"] = ADDED
    operator.kube.create(made)
    wait_for(operator.kube, POD_READY, POD, "added", ADDED, condition("Ready"))
    address = address_of(wait_for(operator.kube, operator_image.READY, POD, "added", ADDED, condition(EXPOSED)))
    wait_until_answers(address)
    assert greeting_of(address) == "added"
    operator.kube.delete(POD, "added", ADDED)
    wait_until_refused(address, ENDED)


def test_the_other_replica_takes_over_when_the_leader_ends(operator: Installed) -> None:
    name = names.operator(RELEASE)
    lease = operator.kube.get(LEASE, name, NAMESPACE)
    leader = str(lease["spec"]["holderIdentity"])
    pods = operator.kube.list(POD, NAMESPACE, "app.kubernetes.io/component=operator")
    (holder,) = [each["metadata"]["name"] for each in pods if each["metadata"]["name"] in leader]
    operator.kube.delete(POD, holder, NAMESPACE)
    wait_for(operator.kube, TAKEN_OVER, LEASE, name, NAMESPACE, held_by_another_than(leader))
    operator.kube.create(labelled("after"))
    exposed(operator, "after")
    operator.kube.delete(POD, "after", NAMESPACE)
    wait_until_gone(operator.kube, POD_GONE, POD, "after", NAMESPACE)
    operator_image.wait_until_ready(operator.kube, RELEASE, NAMESPACE)
