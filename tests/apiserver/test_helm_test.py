"""What `helm test` waits for, by the chart's own arguments of kubectl: only the controller of the class counts."""

from collections.abc import Iterator

import pytest
from tests.apiserver.broken import ROUTE, say, so
from tests.apiserver.planes import apply_chart, gateway_api, rendered

from task_gateway.errors import CommandFailed
from task_gateway.kube.client import Kube
from task_gateway.kube.process import run, tool

NAMESPACE, VALUES = "gateways", {"slots": {"start": 20000, "count": 1}}
OWN, OTHER = "gateway.envoyproxy.io/gatewayclass-controller", "example.com/other"


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    with gateway_api("helm-test", NAMESPACE) as kube:
        apply_chart(kube, "gw", NAMESPACE, VALUES, "tcproutes")
        yield kube


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ([(OTHER, "False"), (OWN, "True")], True),
        ([(OWN, "True"), (OTHER, "False")], True),
        ([(OTHER, "True"), (OWN, "False")], False),
        ([(OTHER, "True")], False),
    ],
)
def test_routes(kube: Kube, said: list[tuple[str, str]], passes: bool) -> None:
    (route,) = kube.list(ROUTE, NAMESPACE)
    reference = route["spec"]["parentRefs"][0]
    parents = [
        {"parentRef": reference, "controllerName": controller, "conditions": [so("Accepted", 1, status)]}
        for controller, status in said
    ]
    say(kube, ROUTE, route["metadata"]["name"], {"parents": parents}, NAMESPACE)
    (pod,) = rendered("gw", NAMESPACE, VALUES, "tests/pod")
    (words,) = [each["args"] for each in pod["spec"]["containers"] if each["name"] == "routes-0"]
    short = ["--timeout=1s" if word.startswith("--timeout") else word for word in words]
    command = [tool("kubectl"), "--kubeconfig", kube.cluster.kubeconfig, *short]
    if passes:
        run(command)
        return
    with pytest.raises(CommandFailed, match="timed out"):
        run(command)
