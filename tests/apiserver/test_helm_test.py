"""The waits of `helm test`, with the chart's own kubectl arguments: only the controller of the class counts."""

from collections.abc import Iterator

import pytest
from tests.apiserver.broken import ROUTE, make_condition, write_status
from tests.apiserver.planes import apply_chart, gateway_api, rendered

from task_gateway.errors import CommandFailed
from task_gateway.kube.client import Kube
from task_gateway.kube.process import Word, run, tool
from task_gateway.model import Manifest

NAMESPACE, VALUES = "gateways", {"slots": [{"start": 20000, "count": 1}]}
OWN, OTHER = "gateway.envoyproxy.io/gatewayclass-controller", "example.com/other"


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    with gateway_api("helm-test", NAMESPACE) as kube:
        apply_chart(kube, "gw", NAMESPACE, VALUES, "tcproutes")
        yield kube


def entry(reference: Manifest, controller: str, status: str) -> Manifest:
    return {"parentRef": reference, "controllerName": controller, "conditions": [make_condition("Accepted", 1, status)]}


def words(container: str, where: str) -> list[Word]:
    """Return the kubectl arguments of one container, with a timeout of one second."""
    (pod,) = rendered("gw", NAMESPACE, VALUES, "tests/pod")
    (found,) = [each["args"] for each in pod["spec"][where] if each["name"] == container]
    return ["--timeout=1s" if word.startswith("--timeout") else word for word in found]


def kubectl(kube: Kube, words: list[Word]) -> str:
    return run([tool("kubectl"), "--kubeconfig", kube.cluster.kubeconfig, *words]).stdout


FORMER = {"name": "former", "namespace": NAMESPACE}
"""The fields that differ in the reference to a former parent of the route."""


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ([({}, OTHER, "False"), ({}, OWN, "True")], True),
        ([({}, OWN, "True"), ({}, OTHER, "False")], True),
        ([({}, OTHER, "True"), ({}, OWN, "False")], False),
        ([({}, OTHER, "True")], False),
        ([(FORMER, OWN, "False"), ({}, OWN, "True")], True),
        ([({}, OWN, "True"), (FORMER, OWN, "False")], True),
        ([(FORMER, OWN, "True"), ({}, OWN, "False")], False),
        ([(FORMER, OWN, "True")], False),
        ([({"sectionName": "former"}, OWN, "True"), ({}, OWN, "False")], False),
    ],
)
def test_routes(kube: Kube, said: list[tuple[Manifest, str, str]], passes: bool) -> None:
    (route,) = kube.list(ROUTE, NAMESPACE)
    reference = route["spec"]["parentRefs"][0]
    parents = [entry({**reference, **other}, controller, status) for other, controller, status in said]
    write_status(kube, ROUTE, route["metadata"]["name"], {"parents": parents}, NAMESPACE)
    kubectl(kube, words("reported-0", "initContainers"))
    judged = words("routes-0", "containers")
    if passes:
        assert kubectl(kube, judged) == ""
        return
    with pytest.raises(CommandFailed, match="a route is not accepted"):
        kubectl(kube, judged)


def test_each_of_two_parents_must_accept_a_route(kube: Kube) -> None:
    (route,) = kube.list(ROUTE, NAMESPACE)
    first = route["spec"]["parentRefs"][0]
    second = {**first, "name": "second"}
    name = route["metadata"]["name"]
    kube.patch(ROUTE, name, NAMESPACE, {"spec": {"parentRefs": [first, second]}})
    judged = words("routes-0", "containers")
    write_status(kube, ROUTE, name, {"parents": [entry(first, OWN, "True"), entry(second, OWN, "True")]}, NAMESPACE)
    assert kubectl(kube, judged) == ""
    write_status(kube, ROUTE, name, {"parents": [entry(first, OWN, "True"), entry(second, OWN, "False")]}, NAMESPACE)
    with pytest.raises(CommandFailed, match="a route is not accepted"):
        kubectl(kube, judged)
    kube.patch(ROUTE, name, NAMESPACE, {"spec": {"parentRefs": [first]}})


def test_the_routes_are_read_once_a_controller_has_written_their_status(kube: Kube) -> None:
    (route,) = kube.list(ROUTE, NAMESPACE)
    name = route["metadata"]["name"]
    kube.delete(ROUTE, name, NAMESPACE)
    apply_chart(kube, "gw", NAMESPACE, VALUES, "tcproutes")
    with pytest.raises(CommandFailed, match="timed out"):
        kubectl(kube, words("reported-0", "initContainers"))
