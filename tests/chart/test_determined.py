"""The profile for a Determined master: a Gateway that its client can write, its rights verb by verb, and no slots."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.chart.conftest import ROOT
from tests.chart.test_notes import block

from task_gateway.crds import edit, schema
from task_gateway.kube.helm import merged
from task_gateway.kube.process import Completed
from task_gateway.model import Manifest
from task_gateway.routing import names

Render = Callable[..., list[Manifest]]
DETERMINED: Manifest = yaml.safe_load((ROOT / "charts/internal-task-gateway/determined.yaml").read_text())
CRDS: Manifest = yaml.safe_load((ROOT / "charts/gateway-api-crds/determined.yaml").read_text())
CONTOUR: Manifest = yaml.safe_load((ROOT / "charts/internal-task-gateway/contour.yaml").read_text())
TASKS = [{"namespace": "tasks", "start": 20000, "count": 0}]
GROUP = "gateway.networking.k8s.io"


def profile(**values: Any) -> Manifest:
    """Return the profile with these values merged into it, like helm."""
    return merged(DETERMINED, values)


def test_the_gateway_has_a_placeholder_and_nothing_that_an_older_client_erases(render: Render) -> None:
    (gateway,) = render(profile(gateway={"addresses": ["192.0.2.7"]}), show="gateway")
    assert gateway["spec"].keys() == {"gatewayClassName", "addresses", "listeners"}
    (listener,) = gateway["spec"]["listeners"]
    assert (listener["name"], listener["port"]) == ("placeholder", 1024)
    (class_,) = render(profile(), show="gatewayclass")
    assert class_["spec"]["parametersRef"]["kind"] == "EnvoyProxy"


def test_no_object_of_a_slot_is_made(render: Render) -> None:
    objects = render(profile(slots=TASKS))
    assert {each["kind"] for each in objects}.isdisjoint({"ListenerSet", "TCPRoute"})
    assert not [each for each in objects if "task-gateway.dev/slot" in (each["metadata"].get("labels") or {})]


def test_envoys_service_takes_no_node_ports(render: Render) -> None:
    (envoy,) = render(profile(), show="envoyproxy")
    assert envoy["spec"]["provider"]["kubernetes"]["envoyService"]["allocateLoadBalancerNodePorts"] is False


def test_the_masters_rights_verb_by_verb(render: Render) -> None:
    roles = render(profile(slots=TASKS), show="role")
    gateways = {"apiGroups": [GROUP], "resources": ["gateways"], "resourceNames": ["tg"], "verbs": ["get", "update"]}
    made = {"verbs": ["list", "create", "delete"]}
    assert {role["metadata"]["namespace"]: role["rules"] for role in roles} == {
        "gateways": [gateways],
        "tasks": [
            {"apiGroups": [""], "resources": ["services"], **made},
            {"apiGroups": [GROUP], "resources": ["tcproutes"], **made},
        ],
    }
    bindings = render(
        profile(rbac={"subjects": [{"kind": "ServiceAccount", "name": "master", "namespace": "determined"}]}),
        show="rolebinding",
    )
    assert {each["subjects"][0]["namespace"] for each in bindings} == {"determined"}


def test_beside_other_strategies_both_have_their_rights(render: Render) -> None:
    alone, slots, both = (
        render({"slots": [{"start": 20000, "count": 1}], "rbac": {"strategies": strategies}}, show="role")
        for strategies in (["determined"], ["slots"], ["determined", "slots"])
    )
    for one, two, together in zip(alone, slots, both, strict=True):
        assert together["rules"] == one["rules"] + two["rules"]


@pytest.mark.parametrize("parent", ["", "Gateway"])
def test_without_slots_no_right_to_patch_is_left_that_would_mean_every_service(render: Render, parent: str) -> None:
    for role in render({"slots": [{"start": 20000, "count": 0}], "slotListeners": {"kind": parent}}, show="role"):
        assert not [rule for rule in role["rules"] if "patch" in rule["verbs"]]


def test_the_gateway_says_where_tasks_are_only_where_no_slot_does(render: Render) -> None:
    (gateway,) = render(profile(slots=TASKS), show="gateway")
    assert gateway["metadata"]["annotations"]["task-gateway.dev/task-namespace"] == "tasks"
    (gateway,) = render({"slots": [{"namespace": "tasks", "start": 20000, "count": 64}]}, show="gateway")
    assert "annotations" not in gateway["metadata"]


def test_helm_test_waits_for_the_gateway_alone(render: Render) -> None:
    (pod,) = render(profile(), show="tests/pod")
    assert [each["name"] for each in pod["spec"]["containers"]] == ["gateway"]
    assert "initContainers" not in pod["spec"]


@pytest.mark.parametrize(
    ("ports", "expected"),
    [({}, "24000-24498"), ({"start": 32768, "count": 10}, "32768-32777"), ({"count": 0}, None)],
)
def test_the_range_of_the_master_is_named_in_the_notes_and_at_the_gateway(
    render: Render, release: Callable[..., Manifest], ports: Manifest, expected: str | None
) -> None:
    values = profile(slots=TASKS, taskPorts=ports)
    notes = release(values)["info"]["notes"]
    assert "provides:\n  no slots in namespace tasks, whose tasks use their own listeners\n" in notes
    (gateway,) = render(values, show="gateway")
    assert gateway["metadata"]["annotations"].get("task-gateway.dev/task-ports") == expected
    found = block(notes)
    assert found["gateway_name"] == "tg"
    if expected is None:
        assert not [key for key in found if key.startswith("gateway_port_range")]
    else:
        assert f"{found['gateway_port_range_start']}-{found['gateway_port_range_end']}" == expected


def test_the_range_fits_the_listeners_of_the_crds_profile_beside_the_placeholder() -> None:
    assert DETERMINED["taskPorts"]["count"] == CRDS["gateways"]["maxListeners"] - 1


def test_the_policy_names_the_gateway_and_the_namespaces_of_tasks(render: Render) -> None:
    values = profile(slots=[*TASKS, {"namespace": "more", "start": 20000, "count": 0}])
    policy, binding = render(values, show="routepolicy")
    name = policy["metadata"]["name"]
    assert name == names.route_policy("tg", "gateways") == binding["spec"]["policyName"]
    (condition,) = policy["spec"]["matchConditions"]
    assert condition["expression"] == "!(request.namespace in ['tasks','more'])"
    (validation,) = policy["spec"]["validations"]
    assert "p.name == 'tg'" in validation["expression"]
    assert "== 'gateways'" in validation["expression"]
    assert not [each for each in render() if each["kind"].startswith("ValidatingAdmissionPolicy")
                and each["metadata"]["name"].startswith("task-routes")]  # fmt: skip


def test_a_second_release_has_slots_beside_it(render: Render) -> None:
    beside = render({"controller": {"install": False}}, release="slots")
    own = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in render(profile())}
    others = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in beside}
    assert own.isdisjoint(others)
    assert {"ListenerSet", "GatewayClass", "EnvoyProxy"} <= {kind for kind, *_ in others}


def test_contour_is_told_the_ports_that_tasks_will_have(render: Render, helm: Callable[..., Completed]) -> None:
    without = profile(taskPorts={"count": 0}) | CONTOUR
    done = helm("template", "tg", values=without)
    assert done.code != 0
    assert "there are no slots, taskPorts.count=0 and contour.ports.count=0" in done.stderr
    (service,) = render(profile() | CONTOUR, show="contour/envoy-service")
    assert [each["port"] for each in service["spec"]["ports"]] == list(range(24000, 24499))
    values = without | {"contour": {"ports": {"start": 32768, "count": 3}}}
    (service,) = render(values, show="contour/envoy-service")
    assert [each["port"] for each in service["spec"]["ports"]] == [32768, 32769, 32770]
    (gateway,) = render(values, show="gateway")
    assert [each["name"] for each in gateway["spec"]["listeners"]] == ["placeholder"]


def test_the_crds_serve_what_the_master_reads_and_allow_more_in_spec_and_status(render: Render) -> None:
    crds = {each["metadata"]["name"]: each for each in render(CRDS, chart="gateway-api-crds") if "spec" in each}
    assert "v1alpha2" in schema.served(crds["tcproutes.gateway.networking.k8s.io"])
    gateways = crds[schema.GATEWAYS]
    bounds = {
        schema.max_items(gateways, version, path)
        for version in schema.versions(gateways)
        for path in (schema.SPEC_LISTENERS, schema.STATUS_LISTENERS)
    }
    assert bounds == {CRDS["gateways"]["maxListeners"]}
    assert not edit.has_quadratic_rules(gateways)
