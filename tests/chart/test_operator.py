"""The operator's objects: none by default, the rights of one Role per namespace, and a rollout without an outage."""

import re
from collections.abc import Callable

import pytest

from task_gateway.kube.process import Completed
from task_gateway.model import Manifest
from task_gateway.operator import rights
from task_gateway.routing import templates

Render = Callable[..., list[Manifest]]
GATEWAY_API = "gateway.networking.k8s.io"
READ = ["get", "list", "watch"]
SLOTS = [{"namespace": "tasks", "start": 20000, "count": 2}]
ON = {"enabled": True, "image": "registry.example/operator:1"}


def rendered(render: Render, operator: Manifest | None = None, **values: object) -> dict[str, Manifest]:
    """Return the objects that the operator adds, by kind, namespace and name."""
    given = {"slots": SLOTS, **values}
    bare = [named(each) for each in render(given)]
    found = {named(each): each for each in render(given | {"operator": ON | (operator or {})})}
    return {name: each for name, each in found.items() if name not in bare}


def named(obj: Manifest) -> str:
    return "/".join((obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]))


def test_it_is_these_objects(render: Render) -> None:
    assert set(rendered(render)) == {
        "Deployment/gateways/tg-operator",
        "ServiceAccount/gateways/tg-operator",
        "Role/gateways/tg-operator",
        "RoleBinding/gateways/tg-operator",
        "Role/tasks/tg-operator-tasks",
        "RoleBinding/tasks/tg-operator-tasks",
        *(
            f"ValidatingAdmissionPolicy{end}//tg.gateways-{each}"
            for each in ("pods", "templates", "claims")
            for end in ("", "Binding")
        ),
    }


def test_an_upgrade_that_reuses_values_of_an_older_release_has_none(render: Render) -> None:
    assert render({"operator": None}) == render()


def test_its_pods_are_replaced_when_what_it_reads_at_its_start_changes(render: Render) -> None:
    def annotations(namespace: str) -> Manifest:
        slots = [{"namespace": namespace, "start": 20000, "count": 2}]
        found = rendered(render, {"podAnnotations": {"noted": "yes"}}, slots=slots)
        annotated: Manifest = found["Deployment/gateways/tg-operator"]["spec"]["template"]["metadata"]["annotations"]
        return annotated

    assert annotations("tasks") == annotations("tasks")
    assert annotations("tasks") != annotations("other")
    assert annotations("tasks")["noted"] == "yes"


def test_it_has_exactly_these_rights(render: Render) -> None:
    found = rendered(render)
    assert found["Role/gateways/tg-operator"]["rules"] == [
        {"apiGroups": [GATEWAY_API], "resources": ["gateways"], "resourceNames": ["tg"], "verbs": READ},
        {"apiGroups": [GATEWAY_API], "resources": ["listenersets"], "verbs": ["list", "watch"]},
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["tg-task-routing-templates"],
            "verbs": ["get"],
        },
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["tg-operator"],
            "verbs": [*READ, "update"],
        },
    ]
    assert found["Role/tasks/tg-operator-tasks"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": READ},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        {"apiGroups": ["task-gateway.dev"], "resources": ["slots"], "verbs": ["claim", "report"]},
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["tasks"], "verbs": ["get"]},
        {
            "apiGroups": [""],
            "resources": ["services"],
            "verbs": ["patch"],
            "resourceNames": ["tg-slot-20000", "tg-slot-20001"],
        },
    ]


def granted(role: Manifest) -> set[tuple[str, str, str]]:
    """Return verb, API group and resource of each right, except those that only exist in RBAC."""
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if group != "task-gateway.dev"
    }


def test_the_roles_grant_what_the_operator_lists(render: Render) -> None:
    found = rendered(render)
    home = {each.right for each in rights.with_gateway("tg")}
    for role, listed in (("gateways/tg-operator", home), ("tasks/tg-operator-tasks", rights.WITH_TASKS)):
        assert granted(found[f"Role/{role}"]) == {(each.verb, each.group, each.resource) for each in listed}


def test_each_task_namespace_has_its_own_slots(render: Render) -> None:
    found = rendered(render, slots=[*SLOTS, {"namespace": "others", "start": 21000, "count": 1}])
    for namespace, slots in (("tasks", ["tg-slot-20000", "tg-slot-20001"]), ("others", ["tg-slot-21000"])):
        rules = found[f"Role/{namespace}/tg-operator-tasks"]["rules"]
        assert [each["resourceNames"] for each in rules if each["verbs"] == ["patch"] and "resourceNames" in each] == [
            slots
        ]
        subjects = found[f"RoleBinding/{namespace}/tg-operator-tasks"]["subjects"]
        assert subjects == [{"kind": "ServiceAccount", "name": "tg-operator", "namespace": "gateways"}]
    for each in ("pods", "templates", "claims"):
        constraints = found[f"ValidatingAdmissionPolicy//tg.gateways-{each}"]["spec"]["matchConstraints"]
        (expression,) = constraints["namespaceSelector"]["matchExpressions"]
        assert expression["values"] == ["tasks", "others"]


@pytest.mark.parametrize(("operator", "may"), [(ON, True), (ON | {"admissionPolicies": False}, False), ({}, False)])
def test_a_resource_manager_may_claim_where_a_policy_asks_for_it(render: Render, operator: Manifest, may: bool) -> None:
    _, role = render({"slots": SLOTS, "operator": operator}, show="role")
    verbs = [each["verbs"] for each in role["rules"] if each["apiGroups"] == ["task-gateway.dev"]]
    assert verbs == ([["claim"]] if may else [])


def test_policies_and_their_rights_can_be_left_out(render: Render) -> None:
    found = rendered(render, {"admissionPolicies": False})
    assert [each for each in found if each.startswith("Validating")] == []
    rules = found["Role/tasks/tg-operator-tasks"]["rules"]
    assert [each for each in rules if each["apiGroups"] == ["task-gateway.dev"]] == []


def test_every_expression_of_a_policy_uses_every_variable(render: Render) -> None:
    for name, each in rendered(render).items():
        if name.startswith("ValidatingAdmissionPolicy/"):
            variables = {variable["name"] for variable in each["spec"]["variables"]}
            used = set(re.findall(r"variables\.(\w+)", str(each["spec"])))
            assert variables == used, name


def test_its_pods_are_found_by_what_selects_them(render: Render) -> None:
    metrics = {"serviceMonitor": {"enabled": True}}
    peers = {"enabled": True, "metricsPeers": [{"namespaceSelector": {}}]}
    budget = {"podDisruptionBudget": {"maxUnavailable": 1}}
    found = rendered(render, budget, metrics=metrics, networkPolicy=peers)
    deployment = found["Deployment/gateways/tg-operator"]["spec"]
    pod = deployment["template"]
    labels = pod["metadata"]["labels"].items()
    service = found["Service/gateways/tg-operator"]
    policy = found["NetworkPolicy/gateways/tg-operator"]["spec"]
    for selector in (
        deployment["selector"]["matchLabels"],
        service["spec"]["selector"],
        policy["podSelector"]["matchLabels"],
        found["PodDisruptionBudget/gateways/tg-operator"]["spec"]["selector"]["matchLabels"],
    ):
        assert labels >= selector.items()
    monitor = found["ServiceMonitor/gateways/tg-operator"]["spec"]
    assert service["metadata"]["labels"].items() >= monitor["selector"]["matchLabels"].items()
    assert found["ServiceAccount/gateways/tg-operator"]["metadata"]["name"] == pod["spec"]["serviceAccountName"]
    (container,), (port,), (endpoint,) = pod["spec"]["containers"], service["spec"]["ports"], monitor["endpoints"]
    assert (
        {each["name"] for each in container["ports"]}
        == {port["targetPort"]}
        == {each["port"] for rule in policy["ingress"] for each in rule["ports"]}
    )
    assert endpoint["port"] == port["name"]
    assert f"--port={container['ports'][0]['containerPort']}" in container["args"]


def test_only_prometheus_reaches_it(render: Render) -> None:
    policy = rendered(render, networkPolicy={"enabled": True})["NetworkPolicy/gateways/tg-operator"]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy


def test_a_new_pod_is_ready_before_the_leader_ends(render: Render) -> None:
    spec = rendered(render, {"replicas": 3})["Deployment/gateways/tg-operator"]["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    (container,) = spec["template"]["spec"]["containers"]
    probes = {each: container[f"{each}Probe"]["httpGet"]["path"] for each in ("readiness", "liveness")}
    assert probes == {"readiness": "/readyz", "liveness": "/healthz"}


@pytest.mark.parametrize("policies", [True, False])
def test_the_right_to_claim_is_listed_where_the_policies_require_it(render: Render, policies: bool) -> None:
    operator = ON | {"admissionPolicies": policies}
    found = {named(each): each for each in render({"slots": SLOTS, "operator": operator})}
    data = found["ConfigMap/gateways/tg-task-routing-templates"]["data"]
    assert templates.requires_claim_right(data) is policies
    assert any(name.startswith("ValidatingAdmissionPolicy/") and name.endswith("-claims") for name in found) is policies


def test_its_options_are_those_of_the_values(render: Render) -> None:
    given = {"allowedPorts": ["8888", "6000-6010"]}
    found = rendered(render, given)["Deployment/gateways/tg-operator"]["spec"]["template"]["spec"]
    (container,) = found["containers"]
    assert container["image"] == ON["image"]
    assert container["args"] == [
        "operator",
        "--gateway=gateways/tg",
        "--port=8080",
        "--allowed-ports=8888,6000-6010",
    ]


def test_its_pods_fit_the_level_restricted_of_pod_security(render: Render) -> None:
    pod = rendered(render)["Deployment/gateways/tg-operator"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "volumes" not in pod


def test_the_dashboard_shows_it(render: Render) -> None:
    metrics = {"dashboard": {"enabled": True}}
    (dashboard,) = render({"metrics": metrics, "operator": ON}, show="metrics/dashboard")
    assert "task_gateway_operator_exposed{" in dashboard["data"]["tg.json"]
    (dashboard,) = render({"metrics": metrics}, show="metrics/dashboard")
    assert "task_gateway_operator" not in dashboard["data"]["tg.json"]


def test_an_unknown_key_is_refused(helm: Callable[..., Completed]) -> None:
    done = helm("template", "tg", values={"operator": ON | {"allowedPorts": [8888]}})
    assert done.code != 0
    assert "'/operator/allowedPorts/0'" in done.stderr
