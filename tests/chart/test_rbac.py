"""Rights: a resource manager may write to the Services of its slots and to nothing else."""

from collections.abc import Callable

from task_gateway.model import Manifest

Render = Callable[..., list[Manifest]]
GATEWAY_API = "gateway.networking.k8s.io"


def test_resource_manager_has_exactly_these_rights(render: Render) -> None:
    roles = render({"slots": {"count": 2, "namespace": "tasks"}}, show="role")
    read = ["get", "list", "watch"]
    assert {role["metadata"]["namespace"]: role["rules"] for role in roles} == {
        "gateways": [
            {
                "apiGroups": [GATEWAY_API],
                "resources": ["gateways"],
                "resourceNames": ["tg"],
                "verbs": ["get"],
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
            {
                "apiGroups": [""],
                "resources": ["services"],
                "resourceNames": ["tg-slot-20000", "tg-slot-20001"],
                "verbs": ["patch"],
            },
        ],
    }


def test_subjects_are_bound_in_both_namespaces(render: Render) -> None:
    subjects = [{"kind": "ServiceAccount", "name": "master"}, {"kind": "User", "name": "ada@example.com"}]
    bindings = render({"slots": {"namespace": "tasks"}, "rbac": {"subjects": subjects}}, show="rolebinding")
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
