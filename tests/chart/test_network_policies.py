"""NetworkPolicies: only Envoy reaches tasks, and only the configured clients reach Envoy at tasks' ports."""

from collections.abc import Callable

from tests.chart.test_production import CONTROLLERS, controller

from task_gateway.model import Manifest

__all__ = ["controller"]
Render = Callable[..., list[Manifest]]
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
OWN_PORTS = {"contour": [8002], "envoy-gateway": [19000, 19001, 19002, 19003]}


def policies(render: Render, controller: str, **values: object) -> dict[tuple[str, str], Manifest]:
    given = {
        "networkPolicy": {"enabled": True, **values},
        "slots": [{"namespace": "jobs", "start": 20000, "count": 64}],
    }
    objects = render(CONTROLLERS[controller] | given)
    found = [each for each in objects if each["kind"] == "NetworkPolicy"]
    return {(each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"] for each in found}


def opened(spec: Manifest, port: int) -> bool:
    """Return whether a port is open to everyone, by the first rule of a policy."""
    return any(each["port"] <= port <= each["endPort"] for each in spec["ingress"][0]["ports"])


def test_none_without_a_word(render: Render, controller: str) -> None:
    assert not [each for each in render(CONTROLLERS[controller]) if each["kind"] == "NetworkPolicy"]


def test_tasks_are_reached_by_envoy_alone(render: Render, controller: str) -> None:
    found = policies(render, controller)
    spec = found["jobs", "tg-tasks"]
    assert spec["podSelector"] == {"matchExpressions": [{"key": "task-gateway.dev/task", "operator": "Exists"}]}
    ((peer,),) = [rule["from"] for rule in spec["ingress"]]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gateways"}
    assert peer["podSelector"] == found["gateways", "tg-envoy"]["podSelector"]
    more = policies(render, controller, taskPeers=[PEER], envoyNamespace="elsewhere")["jobs", "tg-tasks"]
    first, second = more["ingress"][0]["from"]
    assert first["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "elsewhere"}
    assert second == PEER


def test_envoys_own_ports_are_open_to_those_who_read_its_figures(render: Render, controller: str) -> None:
    spec = policies(render, controller)["gateways", "tg-envoy"]
    assert all(opened(spec, port) for port in (1024, 1025, 20000, 65535))
    assert not any(opened(spec, port) for port in OWN_PORTS[controller])
    assert len(spec["ingress"]) == 1
    _, metrics = policies(render, controller, metricsPeers=[PEER])["gateways", "tg-envoy"]["ingress"]
    assert metrics["from"] == [PEER]
    assert metrics["ports"][0]["port"] in OWN_PORTS[controller]


def test_envoy_makes_connections_to_tasks_and_to_its_controller(render: Render, controller: str) -> None:
    spec = policies(render, controller)["gateways", "tg-envoy"]
    tasks, control, names = spec["egress"]
    assert tasks["to"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == ["jobs"]
    assert control["to"][0]["podSelector"] == policies(render, controller)["gateways", "tg-controller"]["podSelector"]
    assert {each["port"] for each in names["ports"]} == {53}


def test_source_ranges_hold_at_envoy_where_it_sees_clients(render: Render, controller: str) -> None:
    def allowed(policy: str) -> list[Manifest] | None:
        service = {"loadBalancerSourceRanges": ["10.0.0.0/8"], "externalTrafficPolicy": policy}
        values = {"networkPolicy": {"enabled": True}, "envoy": {"service": service}}
        objects = render(CONTROLLERS[controller] | values, show="networkpolicy/envoy")
        (rule,) = next(each for each in objects if each["metadata"]["name"] == "tg-envoy")["spec"]["ingress"]
        found: list[Manifest] | None = rule.get("from")
        return found

    assert allowed("Local") == [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
    assert allowed("Cluster") is None, "Envoy would see nodes"


def test_pods_are_selected_by_labels_that_they_have(render: Render, controller: str) -> None:
    found = policies(render, controller)["gateways", "tg-controller"]["podSelector"]["matchLabels"]
    deployments = [each for each in render(CONTROLLERS[controller]) if each["kind"] == "Deployment"]
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in deployments]
    assert len([each for each in labels if each.items() >= found.items()]) == 1
