"""The lane of a Determined master: its Gateway and class, its slots, and the rights of the operator and the master."""

import json
from collections.abc import Callable

import pytest
import yaml
from tests.chart.conftest import ROOT
from tests.chart.test_operator import ON, granted, named
from tests.chart.test_production import CONTOUR

from task_gateway.kube.helm import merged
from task_gateway.kube.process import Completed
from task_gateway.model import Manifest
from task_gateway.operator import rights
from task_gateway.routing import determined_lane, names

Render = Callable[..., list[Manifest]]
PROFILE: Manifest = yaml.safe_load((ROOT / "charts/internal-task-gateway/determined-lane.yaml").read_text())
CRDS: Manifest = yaml.safe_load((ROOT / "charts/gateway-api-crds/determined.yaml").read_text())
SUBJECT = {"kind": "ServiceAccount", "name": "master", "namespace": "determined"}
GROUP = "gateway.networking.k8s.io"


def values(**determined: object) -> Manifest:
    lane = {"namespace": "tasks", "count": 2, "subjects": [SUBJECT]} | determined
    return merged(PROFILE, {"operator": {"image": ON["image"], "determined": lane}})


@pytest.fixture
def found(render: Render) -> dict[str, Manifest]:
    return {named(each): each for each in render(values())}


def test_its_gateway_has_a_placeholder_a_class_of_its_own_and_nothing_newer_than_the_masters_client(
    found: dict[str, Manifest],
) -> None:
    gateway, class_ = found["Gateway/gateways/tg-determined"], found["GatewayClass//tg-determined.gateways"]
    assert gateway["spec"].keys() == {"gatewayClassName", "listeners"}
    assert [each["name"] for each in gateway["spec"]["listeners"]] == ["placeholder"]
    assert gateway["spec"]["gatewayClassName"] == class_["metadata"]["name"]
    assert class_["spec"] == {"controllerName": determined_lane.CONTROLLER}
    assert gateway["metadata"]["annotations"] == {
        names.SERVED_BY: "tg", names.TASK_NAMESPACE: "tasks", names.TASK_PORTS: "24000-24001",
    }  # fmt: skip


@pytest.mark.parametrize("controller", [{}, CONTOUR])
def test_each_port_has_a_slot_that_nothing_else_claims(render: Render, controller: Manifest) -> None:
    objects = render(merged(values(), controller))
    ours = [each for each in objects if names.LANE_LABEL in (each["metadata"].get("labels") or {})]
    found = [each for each in ours if each["kind"] == "Service"]
    assert [each["metadata"]["name"] for each in found] == ["tg-lane-24000", "tg-lane-24001"]
    assert {each["metadata"]["namespace"] for each in found} == {"tasks"}
    assert not [each for each in objects if names.SLOT_LABEL in (each["metadata"].get("labels") or {})]
    assert not [each for each in found if "selector" in each["spec"]]
    listeners = [
        each["name"]
        for parent in objects
        if parent["kind"] in ("Gateway", "ListenerSet") and parent["metadata"]["name"] != "tg-determined"
        for each in parent["spec"]["listeners"]
    ]
    assert set(listeners) - {"placeholder"} == {"lane-24000", "lane-24001"}
    routes = [each["metadata"]["name"] for each in objects if each["kind"] == "TCPRoute"]
    assert routes == ["tg-lane-24000", "tg-lane-24001"]


@pytest.mark.parametrize("gate", [False, True])
def test_the_operator_has_the_rights_that_it_lists(render: Render, gate: bool) -> None:
    found = {named(each): each for each in render(values(schedulingGate=gate))}
    lane, class_ = rights.of_lane("tg-determined"), rights.of_lane_class("tg-determined.gateways")
    for role, listed in (
        ("Role/gateways/tg-operator-determined", [each.right for each in lane]),
        ("ClusterRole//tg.gateways-determined", [each.right for each in class_]),
        ("Role/tasks/tg-operator-determined-tasks", [*rights.WITH_LANE, *(rights.TO_LIFT_GATES if gate else ())]),
    ):
        assert granted(found[role]) == {(each.verb, each.group, each.resource) for each in listed}
    for role, name in (
        ("Role/gateways/tg-operator-determined", "tg-determined"),
        ("ClusterRole//tg.gateways-determined", "tg-determined.gateways"),
    ):
        assert {tuple(rule["resourceNames"]) for rule in found[role]["rules"]} == {(name,)}
    patched = [each for each in found["Role/tasks/tg-operator-tasks"]["rules"] if each["verbs"] == ["patch"]]
    assert [each["resourceNames"] for each in patched if each["resources"] == ["services"]] == [
        ["tg-lane-24000", "tg-lane-24001"]
    ]


def test_the_master_has_its_rights_on_the_lane_alone_and_patches_no_slot(found: dict[str, Manifest]) -> None:
    home = found["Role/gateways/tg-determined-resource-manager"]
    tasks = found["Role/tasks/tg-determined-resource-manager-tasks"]
    gateways = {"apiGroups": [GROUP], "resources": ["gateways"], "resourceNames": ["tg-determined"]}
    assert home["rules"] == [gateways | {"verbs": ["get", "update"]}]
    made = {"verbs": ["list", "create", "delete"]}
    assert tasks["rules"] == [
        {"apiGroups": [""], "resources": ["services"], **made},
        {"apiGroups": [GROUP], "resources": ["tcproutes"], **made},
        {"apiGroups": ["task-gateway.dev"], "resources": ["slots"], "verbs": ["claim"]},
    ]
    for role in (home, tasks):
        name, namespace = role["metadata"]["name"], role["metadata"]["namespace"]
        assert found[f"RoleBinding/{namespace}/{name}"]["subjects"] == [SUBJECT]
    assert home["metadata"]["name"] == names.resource_manager("tg-determined")


def test_the_operator_is_told_of_it_and_is_replaced_if_it_changes(render: Render) -> None:
    (config,) = render(values(), show="configmap")
    assert determined_lane.described(config["data"]) == determined_lane.Lane("tg-determined", "tasks", gate=False)
    (config,) = render({"operator": ON}, show="configmap")
    assert determined_lane.described(config["data"]) is None
    checksums = {
        render(values(**changed), only="Deployment/tg-operator")[0]["spec"]["template"]["metadata"]["annotations"][
            "checksum/templates"
        ]
        for changed in ({}, {"namespace": "other"}, {"schedulingGate": True})
    }
    assert len(checksums) == 3


def test_slots_of_other_platforms_can_stand_beside_it(render: Render) -> None:
    slots = [{"namespace": "tasks", "start": 20000, "count": 3}]
    found = {named(each): each for each in render(merged(values(), {"slots": slots}))}
    assert {"Service/tasks/tg-slot-20002", "Service/tasks/tg-lane-24001"} <= found.keys()
    rules = found["Role/tasks/tg-operator-tasks"]["rules"]
    assert [each["resourceNames"][0] for each in rules if each["verbs"] == ["patch"] and "resourceNames" in each] == [
        "tg-slot-20000", "tg-lane-24000",
    ]  # fmt: skip


def test_envoy_and_the_pods_of_one_task_reach_its_pods(render: Render) -> None:
    found = {named(each): each for each in render(merged(values(), {"networkPolicy": {"enabled": True}}))}
    policy = found["NetworkPolicy/tasks/tg-determined"]["spec"]
    selector = {"matchExpressions": [{"key": "determined", "operator": "Exists"}]}
    assert policy["podSelector"] == selector
    envoy, together = policy["ingress"][0]["from"]
    assert envoy["podSelector"]["matchLabels"]
    assert together == {"podSelector": selector}
    egress = found["NetworkPolicy/gateways/tg-envoy"]["spec"]["egress"][0]["to"]
    assert selector in [each["podSelector"] for each in egress]


def test_a_pod_is_only_held_by_a_policy_that_asks_for_a_ready_operator(render: Render) -> None:
    assert not [each for each in render(values()) if each["kind"].startswith("Mutating")]
    found = {named(each): each for each in render(values(schedulingGate=True))}
    policy = found["MutatingAdmissionPolicy//tg.gateways-determined"]["spec"]
    binding = found["MutatingAdmissionPolicyBinding//tg.gateways-determined"]["spec"]
    assert policy["failurePolicy"] == "Ignore"
    assert determined_lane.GATE in policy["mutations"][0]["applyConfiguration"]["expression"]
    assert binding["paramRef"]["parameterNotFoundAction"] == "Allow"
    (service,) = binding["paramRef"]["selector"]["matchLabels"].values()
    assert f"Service/gateways/{service}" in found


def test_the_policy_on_its_routes_names_its_namespace(found: dict[str, Manifest]) -> None:
    name = names.route_policy("tg-determined", "gateways")
    (condition,) = found[f"ValidatingAdmissionPolicy//{name}"]["spec"]["matchConditions"]
    assert condition["expression"] == "!(request.namespace in ['tasks'])"


def test_the_crds_profile_has_room_for_its_ports() -> None:
    chart = yaml.safe_load((ROOT / "charts/internal-task-gateway/values.yaml").read_text())
    assert chart["operator"]["determined"]["count"] < CRDS["gateways"]["maxListeners"]


def test_the_notes_have_the_block_for_the_master(release: Callable[..., Manifest]) -> None:
    notes = release(values())["info"]["notes"]
    block = yaml.safe_load(notes.split("a Determined master instead:")[1].split("To expose port")[0])
    found = block["internal_task_gateway"]
    assert (found["gateway_name"], found["gateway_namespace"]) == ("tg-determined", "gateways")
    assert (found["gateway_port_range_start"], found["gateway_port_range_end"]) == (24000, 24001)


def test_without_the_operator_it_is_refused(helm: Callable[..., Completed]) -> None:
    done = helm("template", "tg", values={"operator": {"determined": {"enabled": True}}})
    assert done.code != 0
    assert "operator.determined.enabled=true requires operator.enabled=true" in done.stderr


def test_its_ports_are_no_others(helm: Callable[..., Completed]) -> None:
    slots = [{"start": 24001, "count": 2}]
    done = helm("template", "tg", values=merged(values(), {"slots": slots}))
    assert done.code != 0
    assert "operator.determined.start=24000" in done.stderr


@pytest.mark.parametrize("gate", [False, True])
def test_the_dashboard_shows_the_masters_ports_and_with_a_gate_the_held_pods(render: Render, gate: bool) -> None:
    on = {"metrics": {"dashboard": {"enabled": True}}}
    (config,) = render(merged(values(schedulingGate=gate), on), show="metrics/dashboard")
    panels = json.loads(config["data"]["tg.json"])["panels"]
    (panel,) = [each for each in panels if each["title"] == "Determined master"]
    shown = [target["expr"].partition("task_gateway_operator_")[2].partition("{")[0] for target in panel["targets"]]
    wanted = ["determined_exposed", "determined_missing", *(["determined_held_pods"] if gate else [])]
    assert shown == wanted
    (config,) = render(merged(on, {"operator": ON}), show="metrics/dashboard")
    assert "determined_" not in config["data"]["tg.json"]
