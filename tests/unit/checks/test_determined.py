"""Checks for a Gateway that a Determined master writes, the fields its client drops, and the profile."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.memory import Memory, furnish, slot

from task_gateway.checks import determined, run, security
from task_gateway.checks.base import CHECKS, PROFILES, CheckFunction, CheckResult, CheckRule, Finding
from task_gateway.checks.security import BINDING, POLICY
from task_gateway.errors import UsageError
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing.gateway_api import ROUTES

Make = Callable[..., GatewaySnapshot]
PLACEHOLDER = {"name": "placeholder", "port": 1024, "protocol": "TCP"}
TASK = {"name": "det-2000", "port": 2000, "protocol": "TCP", "allowedRoutes": {"namespaces": {"from": "All"}}}
RULE = "self.all(l1, self.exists_one(l2, l1.port == l2.port))"


def gateway(*listeners: Manifest, notes: Manifest | None = None, **spec: Any) -> Manifest:
    meta = {"name": "gw", "namespace": "ns", "annotations": notes or {}}
    whole = {"gatewayClassName": "c", "listeners": list(listeners), **spec}
    return {"kind": "Gateway", "metadata": meta, "spec": whole}


def crd(most: int | None, *rules: str) -> Manifest:
    listeners: Manifest = {"type": "array", "x-kubernetes-validations": [{"rule": each} for each in rules]}
    listeners |= {"maxItems": most} if most else {}
    schema = {"openAPIV3Schema": {"properties": {"spec": {"properties": {"listeners": listeners}}}}}
    return {"metadata": {}, "spec": {"versions": [{"name": "v1", "served": True, "schema": schema}]}}


def test_a_gateway_needs_a_listener_that_is_no_tasks(snapshot: Make) -> None:
    def said(*listeners: Manifest, **notes: str) -> Finding | None:
        return determined.placeholder(snapshot(gateway_object=gateway(*listeners, notes=notes)))

    wrong = Finding("every listener of the Gateway belongs to a task")
    assert said(PLACEHOLDER, TASK) is None
    assert said(TASK) == wrong
    assert said(TASK | {"name": "task-2000"}) == wrong
    # The master knows its own by the annotation, whatever they are called.
    assert said(PLACEHOLDER, **{"determined.ai/det-gateway-port-1024": "allocation"}) == wrong


def test_parameters_of_the_gateway_are_moved_to_the_class_by_the_command(snapshot: Make) -> None:
    own = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "envoy"}
    said = determined.parameters(snapshot(gateway_object=gateway(PLACEHOLDER, infrastructure={"parametersRef": own})))
    assert said is not None
    assert said.message == "infrastructure.parametersRef is EnvoyProxy envoy"
    moved, removed = said.fix.split(" && ")
    assert moved.startswith("kubectl patch gatewayclass c ")
    assert '"name": "envoy", "namespace": "ns"' in moved
    assert "/spec/infrastructure/parametersRef" in removed
    assert determined.parameters(snapshot(gateway_object=gateway(infrastructure={"labels": {"a": "b"}}))) is None


def test_listener_sets_are_let_in_no_more(snapshot: Make) -> None:
    def said(sets: int = 0, **spec: Any) -> str | None:
        found = [
            {"metadata": {"namespace": "ns", "name": f"set-{number}"}, "spec": {"parentRef": {"name": "gw"}}}
            for number in range(sets)
        ]
        trouble = determined.listener_sets(snapshot(gateway_object=gateway(PLACEHOLDER, **spec), listener_sets=found))
        return None if trouble is None else trouble.message

    same = {"namespaces": {"from": "Same"}}
    assert said() is None
    assert said(allowedListeners={"namespaces": {"from": "None"}}) is None
    assert (
        said(allowedListeners=same) == "allowedListeners allows ListenerSets from namespaces Same, none is attached yet"
    )
    assert said(5, allowedListeners=same) == (
        "allowedListeners allows ListenerSets from namespaces Same: ns/set-0, ns/set-1, ns/set-2, and 2 more"
    )
    # The write has happened already: they hang there, and are not let in.
    assert said(1) == "allowedListeners allows ListenerSets from namespaces None: ns/set-0"


def test_fields_that_came_later_are_found_at_any_depth(snapshot: Make) -> None:
    tls = {"mode": "Terminate", "certificateRefs": [{"name": "s"}], "frontendValidation": {}}
    spec: Manifest = {
        "addresses": [{"value": "192.0.2.7", "routability": "Public"}],
        "allowedListeners": {},
        "defaultScope": "All",
        "infrastructure": {"labels": {"anything": "goes"}, "parametersRef": {}},
    }
    found = gateway(TASK, PLACEHOLDER | {"tls": tls}, PLACEHOLDER | {"filters": {}}, **spec)
    assert determined.erased(found["spec"]) == [
        "addresses.routability", "allowedListeners", "defaultScope", "infrastructure.parametersRef",
        "listeners.filters", "listeners.tls.frontendValidation",
    ]  # fmt: skip
    said = determined.unknown_fields(snapshot(gateway_object=found))
    assert said == Finding(
        "removed by the first write: addresses.routability, defaultScope, listeners.filters, "
        "listeners.tls.frontendValidation"
    )
    assert determined.unknown_fields(snapshot(gateway_object=gateway(PLACEHOLDER, TASK))) is None


@pytest.mark.parametrize(
    ("allowed", "there", "ports", "result"),
    [
        (64, 1, 1000, None),
        (149, 1, 1000, None),
        (213, 1, 100, None),
        (213, 1, 149, "warning"),
        (150, 1, 1000, "warning"),
        (213, 149, 1000, "warning"),
        (213, 150, 1000, "error"),
        (None, 200, 10, "error"),
    ],
)
def test_quadratic_rules_are_told_before_they_hurt(
    snapshot: Make, allowed: int | None, there: int, ports: int, result: str | None
) -> None:
    tasks = [{"name": f"det-{port}", "port": port} for port in range(3000, 2999 + there)]
    own = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 1999 + ports)
    there_now: dict[str, Any] = {"gateway": own, "gateway_object": gateway(PLACEHOLDER, *tasks)}
    said = determined.cheap_rules(snapshot(**there_now, crd=crd(allowed, RULE)))
    assert (None if said is None else "warning" if said.warning else "error") == result
    if said is not None:
        assert said.fix == f"task-gateway crds raise --max-listeners {allowed or 1 + ports} --drop-quadratic-rules"
    assert determined.cheap_rules(snapshot(**there_now, crd=crd(allowed))) is None


def test_the_masters_client_wants_an_older_version_of_routes(snapshot: Make) -> None:
    memory = Memory()
    newest, alpha = ROUTES
    assert newest in memory.kinds
    assert determined.alpha_routes(snapshot(kube=memory)) == Finding(f"not served: {alpha}")
    memory.kinds.add(alpha)
    assert determined.alpha_routes(snapshot(kube=memory)) is None


def test_rights_of_another_are_asked_for_in_its_name(snapshot: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Manifest] = []

    def create(_self: Kube, review: Manifest) -> Manifest:
        asked.append(review)
        return {"status": {"allowed": review["spec"]["resourceAttributes"]["verb"] != "update"}}

    monkeypatch.setattr(Kube, "create", create)
    monkeypatch.setattr(security, "grant", lambda _: "")
    found = as_master(snapshot)
    assert security.rights(found) == Finding("missing: update gateways in ns")
    assert {each["kind"] for each in asked} == {"SubjectAccessReview"}
    assert asked[0]["spec"]["user"] == "system:serviceaccount:det:master"
    assert asked[0]["spec"]["groups"] == [
        "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:det",
    ]  # fmt: skip
    wanted: dict[tuple[str, str], str] = {}
    for each in (review["spec"]["resourceAttributes"] for review in asked):
        resource = "/".join(part for part in (each["resource"], each.get("subresource")) if part)
        place = (each["namespace"] or "everywhere", resource)
        wanted[place] = f"{wanted.get(place, '')} {each['verb']}".strip()
    assert wanted == {
        ("ns", "gateways"): "get update",
        ("tasks", "services"): "list create delete",
        ("tasks", "tcproutes"): "list create delete",
        ("tasks", "pods"): "list watch delete",
        ("tasks", "pods/log"): "get",
        ("tasks", "jobs"): "create watch delete",
        ("tasks", "configmaps"): "list create delete",
        ("tasks", "events"): "list watch",
        ("everywhere", "jobs"): "list",
        ("everywhere", "nodes"): "list watch patch",
    }


def as_master(snapshot: Make, user: str = "system:serviceaccount:det:master") -> GatewaySnapshot:
    options = {"profile": "determined", "user": user}
    return snapshot("listeners", namespaces=("tasks",), chart={}, options=options)


BIND = "kubectl create clusterrolebinding determined-master --clusterrole=determined-master"


@pytest.mark.parametrize(
    ("user", "lacking", "message", "warning", "fix"),
    [
        ("", "nodes", "missing: list nodes, watch nodes, patch nodes", True, f"{BIND} --user=NAME"),
        ("ada", "pods", "missing: list pods in tasks, watch pods in tasks, delete pods in tasks, get pods/log in tasks",
         False, f"{BIND} --user=ada"),
        ("system:serviceaccount:det:master", "events", "missing: list events in tasks, watch events in tasks", False,
         f"{BIND} --serviceaccount=det:master"),
        ("ada", "tcproutes", "missing: list tcproutes in tasks, create tcproutes in tasks, delete tcproutes in tasks",
         False, "bind the Role"),
    ],
)  # fmt: skip
def test_what_its_own_role_lacks_is_bound_by_the_command(
    snapshot: Make, monkeypatch: pytest.MonkeyPatch, user: str, lacking: str, message: str, warning: bool, fix: str
) -> None:
    def create(_self: Kube, review: Manifest) -> Manifest:
        return {"status": {"allowed": review["spec"]["resourceAttributes"]["resource"] != lacking}}

    monkeypatch.setattr(security, "grant", lambda _: "bind the Role")
    monkeypatch.setattr(Kube, "create", create)
    assert security.rights(as_master(snapshot, user)) == Finding(message, warning=warning, fix=fix)


@pytest.mark.parametrize("there", [True, False])
def test_listeners_open_to_all_need_the_policy(snapshot: Make, there: bool) -> None:
    assert security.allowed_routes(snapshot(gateway_object=gateway(PLACEHOLDER))) is None
    memory = Memory()
    for kind in (POLICY, BINDING) if there else (POLICY,):
        memory.put(kind, {}, "task-routes.gw.ns")
    said = security.allowed_routes(snapshot(kube=memory, gateway_object=gateway(PLACEHOLDER, TASK)))
    wrong = Finding("listener det-2000 of Gateway gw accepts routes from all namespaces", warning=True)
    assert said == (None if there else wrong)


@pytest.mark.parametrize("user", ["ada", "system:serviceaccount:", "system:serviceaccount:only"])
def test_who_is_no_service_account_is_in_none_of_their_groups(user: str) -> None:
    assert security._review({}, user)["spec"]["groups"] == ["system:authenticated"]


def test_groups_that_are_given_take_the_place_of_a_service_accounts_own() -> None:
    asked = security._review({}, "system:serviceaccount:det:master", ["ml-platform"])
    assert asked["spec"]["groups"] == ["system:authenticated", "ml-platform"], "as the API server does with --as-group"


def rule(code: str, look: CheckFunction, profile: str = "") -> CheckRule:
    return CheckRule(code, "gateway", f"{code} is right", "fix", "", (), look, profile=profile)


def test_a_profile_adds_its_checks_and_makes_some_warnings_errors(
    target: GatewayTarget, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(memory, slots=[slot(2000)])
    seen: list[tuple[str, str, str]] = []

    def look(snapshot: GatewaySnapshot) -> Finding:
        seen.append((snapshot.profile, snapshot.strategy, snapshot.user))
        return Finding("so", warning=True)

    (escalated,) = PROFILES["determined"].escalated
    rules = (rule(escalated, look), rule("ITG0999", look), rule("ITG0998", look, "determined"))
    monkeypatch.setattr(run, "CHECKS", rules)

    def results(profile: str) -> dict[str, str]:
        return {each.code: each.result for each in run.of_target(target, named=False, profile=profile, user="ada")}

    assert results("determined") == {
        escalated: CheckResult.ERROR,
        "ITG0999": CheckResult.WARNING,
        "ITG0998": CheckResult.WARNING,
    }
    assert set(seen) == {("determined", "listeners", "ada")}
    seen.clear()
    assert results("") == {escalated: CheckResult.WARNING, "ITG0999": CheckResult.WARNING}
    assert set(seen) == {("", "slots", "ada")}


def test_a_profile_that_is_not_there_is_refused_with_those_that_are(target: GatewayTarget) -> None:
    with pytest.raises(UsageError, match="no profile 'determind'") as refused:
        run.of_target(target, named=False, profile="determind")
    assert refused.value.hint == "known: determined"


def test_every_profile_that_a_check_names_exists() -> None:
    assert {each.profile for each in CHECKS} == {"", *PROFILES}
    codes = {each.code for each in CHECKS}
    assert all(each.escalated <= codes for each in PROFILES.values())
