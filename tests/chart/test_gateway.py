"""The Gateway, its class and Envoy refer to each other, and match the values."""

from collections.abc import Callable

from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]


def test_class_gateway_and_envoy_are_wired(render: Render) -> None:
    (gateway,) = render(show="gateway")
    (gateway_class,) = render(show="gatewayclass")
    (envoy,) = render(show="envoyproxy")
    assert gateway["spec"]["gatewayClassName"] == gateway_class["metadata"]["name"] == "tg.gateways"
    assert gateway_class["spec"]["parametersRef"] == {
        "group": "gateway.envoyproxy.io",
        "kind": "EnvoyProxy",
        "name": envoy["metadata"]["name"],
        "namespace": envoy["metadata"]["namespace"],
    }
    assert "infrastructure" not in gateway["spec"]
    assert gateway["spec"]["allowedListeners"] == {"namespaces": {"from": "Same"}}
    assert [listener["port"] for listener in gateway["spec"]["listeners"]] == [1024]


def test_addresses_are_given_to_the_gateway(render: Render) -> None:
    (gateway,) = render({"gateway": {"addresses": ["172.18.0.2", "fd00::1"]}}, show="gateway")
    assert gateway["spec"]["addresses"] == [
        {"type": "IPAddress", "value": "172.18.0.2"},
        {"type": "IPAddress", "value": "fd00::1"},
    ]
    assert "addresses" not in render(show="gateway")[0]["spec"]


def test_service_of_envoy(render: Render) -> None:
    def service(**values: object) -> Manifest:
        (envoy,) = render({"envoy": {"service": values}}, show="envoyproxy")
        found: Manifest = envoy["spec"]["provider"]["kubernetes"]["envoyService"]
        return found

    assert service() == {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Cluster",
        "allocateLoadBalancerNodePorts": False,
    }
    assert service(type="ClusterIP") == {"type": "ClusterIP"}
    chosen = {
        "annotations": {"example.com/pool": "a"},
        "loadBalancerClass": "example.com/lb",
        "loadBalancerSourceRanges": ["10.0.0.0/8"],
    }
    assert service(**chosen).items() >= chosen.items()


def test_without_controller_or_class_nothing_of_them_is_rendered(render: Render) -> None:
    objects = render({"controller": {"install": False}, "gatewayClass": {"create": False, "name": "mine"}})
    kinds = {each["kind"] for each in objects}
    assert kinds.isdisjoint({"Deployment", "Job", "GatewayClass", "EnvoyProxy", "ClusterRole"})
    (gateway,) = [each for each in objects if each["kind"] == "Gateway"]
    assert gateway["spec"]["gatewayClassName"] == "mine"


def test_objects_that_helm_names_by_hand_are_unique(render: Render) -> None:
    identities = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in render()]
    assert len(identities) == len(set(identities))
    assert ("Deployment", "gateways", "envoy-gateway") in identities


def test_the_load_balancers_bound_is_kept_with_the_gateway(render: Render) -> None:
    (gateway,) = render({"envoy": {"service": {"loadBalancerListeners": 50}}}, show="gateway")
    assert gateway["metadata"]["annotations"] == {"task-gateway.dev/load-balancer-listeners": "50"}
    assert "annotations" not in render(show="gateway")[0]["metadata"]


def test_the_gateway_takes_listener_sets_of_its_own_namespace_only(render: Render) -> None:
    (gateway,) = render({"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]}, show="gateway")
    assert gateway["spec"]["allowedListeners"] == {"namespaces": {"from": "Same"}}


def test_connections_are_logged_only_if_wanted(render: Render) -> None:
    (quiet,) = render(show="envoyproxy")
    assert quiet["spec"]["telemetry"] == {"accessLog": {"disable": True}}
    (logging,) = render({"envoy": {"accessLog": True}}, show="envoyproxy")
    assert "telemetry" not in logging["spec"]
