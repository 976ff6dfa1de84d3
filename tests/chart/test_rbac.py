"""Rights: a resource manager may only write the Services of its slots."""

from collections.abc import Callable

import pytest

from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
GATEWAY_API = "gateway.networking.k8s.io"


def test_resource_manager_has_exactly_these_rights(render: Render) -> None:
    roles = render({"slots": [{"namespace": "tasks", "start": 20000, "count": 2}]}, show="role")
    read = ["get", "list", "watch"]
    assert {role["metadata"]["namespace"]: role["rules"] for role in roles} == {
        "gateways": [
            {
                "apiGroups": [GATEWAY_API],
                "resources": ["gateways"],
                "resourceNames": ["tg"],
                "verbs": read,
            },
            {"apiGroups": [GATEWAY_API], "resources": ["listenersets"], "verbs": read},
            {
                "apiGroups": [""],
                "resources": ["configmaps"],
                "resourceNames": ["tg-task-routing-templates"],
                "verbs": ["get"],
            },
        ],
        "tasks": [
            {"apiGroups": [""], "resources": ["services"], "verbs": read},
            {"apiGroups": [GATEWAY_API], "resources": ["tcproutes"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": read},
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            {
                "apiGroups": [""],
                "resources": ["services"],
                "resourceNames": ["tg-slot-20000", "tg-slot-20001"],
                "verbs": ["patch"],
            },
        ],
    }


def rights(render: Render, strategies: list[str]) -> dict[str, set[str]]:
    """Return the verbs by resource, or by resource/name if names are given, over both Roles."""
    found: dict[str, set[str]] = {}
    for role in render({"slots": [{"start": 20000, "count": 1}], "rbac": {"strategies": strategies}}, show="role"):
        for rule in role["rules"]:
            (resource,) = rule["resources"]
            for name in rule.get("resourceNames", [""]):
                found.setdefault(f"{resource}/{name}".rstrip("/"), set()).update(rule["verbs"])
    return found


READ = {"get", "list", "watch"}
MAKE = {"create", "patch", "delete"}
ROUTES = {"get", "list"} | MAKE


@pytest.mark.parametrize(
    ("strategies", "more"),
    [
        (["slots"], {"services/tg-slot-20000": {"patch"}, "listenersets": READ}),
        (["listeners"], {"gateways/tg": READ | {"update"}, "services": READ | MAKE, "tcproutes": ROUTES}),
    ],
)
def test_each_strategy_adds_the_rights_that_it_needs(
    render: Render, strategies: list[str], more: dict[str, set[str]]
) -> None:
    always = {
        "gateways/tg": READ,
        **{key: {"list", "watch"} for key in ("listenersets", "endpointslices")},
        "tcproutes": {"get"},
        "pods": READ,
        "jobs": {"get", "list"},
        "configmaps/tg-task-routing-templates": {"get"},
        "services": READ,
    }
    assert rights(render, strategies) == always | more


def test_rights_of_strategies_add_up(render: Render) -> None:
    every = ["slots", "listeners"]
    each = [rights(render, [name]) for name in every]
    together = {key: set().union(*(one.get(key, set()) for one in each)) for key in set().union(*each)}
    assert rights(render, every) == together


def test_an_upgrade_that_reuses_values_of_an_older_release_keeps_the_slots_rights(render: Render) -> None:
    assert render({"rbac": {"strategies": None}}, show="role") == render(show="role")


@pytest.mark.parametrize("strategies", [[], ["slot"], ["slots", "slots"], "slots"])
def test_unknown_strategies_are_refused(helm: Callable[..., Completed], strategies: object) -> None:
    done = helm("template", "tg", values={"rbac": {"strategies": strategies}})
    assert done.code != 0
    assert "'/rbac/strategies" in done.stderr


def test_a_removed_strategy_is_refused_with_those_to_use(helm: Callable[..., Completed]) -> None:
    done = helm("template", "tg", values={"rbac": {"strategies": ["listenersets"]}})
    assert done.code != 0
    assert "'/rbac/strategies/0': value must be one of 'slots', 'listeners'" in done.stderr


def test_subjects_are_bound_in_both_namespaces(render: Render) -> None:
    subjects = [{"kind": "ServiceAccount", "name": "master"}, {"kind": "User", "name": "ada@example.com"}]
    bindings = render(
        {"slots": [{"namespace": "tasks", "start": 20000, "count": 64}], "rbac": {"subjects": subjects}},
        show="rolebinding",
    )
    assert {each["metadata"]["namespace"]: each["roleRef"]["name"] for each in bindings} == {
        "gateways": "tg-resource-manager",
        "tasks": "tg-resource-manager-slots",
    }
    for each in bindings:
        assert each["subjects"] == [
            {"kind": "ServiceAccount", "name": "master", "namespace": "gateways"},
            {"kind": "User", "name": "ada@example.com", "apiGroup": "rbac.authorization.k8s.io"},
        ]


def test_no_role_if_not_wanted_and_no_binding_without_subjects(render: Render) -> None:
    def names(values: Manifest) -> set[str]:
        objects = render(values | {"controller": {"install": False}})
        return {f"{each['kind']}/{each['metadata']['name']}" for each in objects}

    assert "Role/tg-resource-manager" in names({})
    assert "RoleBinding/tg-resource-manager" not in names({})
    assert "Role/tg-resource-manager" not in names({"rbac": {"create": False}})
