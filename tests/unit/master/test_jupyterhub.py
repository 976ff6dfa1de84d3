"""The rendered files of the hub: 20 lines for a gateway, restricted pods, and the names of the product."""

import ast
from typing import Any

import pytest

from task_gateway.errors import UsageError
from task_gateway.routing import names
from task_gateway_lab.master.jupyterhub.files import configuration, objects
from task_gateway_lab.master.platform import TaskRequest
from task_gateway_lab.master.platforms.base import PlatformLogin
from task_gateway_lab.master.platforms.jupyterhub import JupyterHub, progress

WORDS = {
    name: name.lower().replace("_", "-")
    for name in ("HUB_URL", "HUB_NAMESPACE", "HUB_IMAGE", "TASKS_NAMESPACE", "IMAGE")
}
LINES = 20


def test_a_hub_adds_twenty_lines_for_a_gateway() -> None:
    text = configuration(WORDS)["task_gateway.py"]
    assert len([line for line in text.splitlines() if line.strip()]) <= LINES


@pytest.mark.parametrize("name", ["task_gateway.py", "jupyterhub_config.py"])
def test_the_configuration_is_python(name: str) -> None:
    ast.parse(configuration(WORDS)[name])


def test_the_configuration_uses_the_names_of_the_operator() -> None:
    found = {
        node.value
        for node in ast.walk(ast.parse("\n".join(configuration(WORDS).values())))
        if isinstance(node, ast.Constant) and str(node.value).startswith("task-gateway.dev/")
    }
    assert found == {names.ADDRESS, names.EXPOSED, names.EXPOSE, names.OWNER}


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in objects("hub", WORDS) if each["kind"] == "Deployment"]


def test_the_pods_of_the_hub_meet_the_level_restricted() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_hub_has_no_rights_in_its_own_cluster() -> None:
    assert [pod["automountServiceAccountToken"] for pod in pods()] == [False, False]


def test_the_hub_has_rights_in_the_namespace_of_the_notebooks_only() -> None:
    found = objects("rights", WORDS)
    assert {each["metadata"]["namespace"] for each in found} == {WORDS["TASKS_NAMESPACE"]}
    assert not [each for each in found if each["kind"].startswith("Cluster")]


def test_the_events_of_a_spawn_are_read_and_comments_left_out() -> None:
    assert progress('{"name": "ada"}data: {"ready": true}\n\n') == [{"ready": True}]
    assert progress('data: {"progress": 0}\n\n\n\ndata: {"ready": true}\n\n') == [{"progress": 0}, {"ready": True}]


def test_it_runs_notebooks_only() -> None:
    hub = JupyterHub(PlatformLogin("http://192.0.2.1", "ada", "secret", {"east": ""}))
    with pytest.raises(UsageError, match="shell"):
        hub.launch(TaskRequest("shell", "east", "one"))
