"""The specs of the pods of tasks and of the master."""

from typing import Any

import pytest

from task_gateway.model import Task
from task_gateway_lab.master import manifests

TASK = Task("nb-1", "tasks", (8888,))
LIMITS: dict[str, Any] = {"limits": {"memory": "1Gi"}}
NOTEBOOK = manifests.notebook_pod(TASK, "notebook:1", LIMITS)
MASTER = manifests.master_pod("master", "masters", "notebook:1", 8080, LIMITS)


@pytest.mark.parametrize("pod", [NOTEBOOK, MASTER], ids=["notebook", "master"])
def test_pods_ask_for_no_privilege(pod: Any) -> None:
    security = pod["spec"]["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 1000
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["spec"]["automountServiceAccountToken"] is False
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["resources"] == LIMITS


def test_a_notebook_is_found_by_its_tasks_label_and_serves_below_its_own_path() -> None:
    assert NOTEBOOK["metadata"]["labels"] == {"task-gateway.dev/task": "nb-1"}
    (container,) = NOTEBOOK["spec"]["containers"]
    assert "--ServerApp.base_url=/proxy/nb-1/" in container["command"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/proxy/nb-1/api", "port": 8888}
    assert {"name": "HOME", "value": manifests.HOME} in container["env"]
    assert container["volumeMounts"] == [{"name": "home", "mountPath": manifests.HOME}]
    assert "hostNetwork" not in NOTEBOOK["spec"]


@pytest.mark.parametrize(
    ("pod", "variable", "name"), [(NOTEBOOK, "JUPYTER_TOKEN", "nb-1"), (MASTER, "MASTER_TOKEN", "master")]
)
def test_tokens_come_from_secrets_only(pod: Any, variable: str, name: str) -> None:
    (container,) = pod["spec"]["containers"]
    (given,) = (each for each in container["env"] if each["name"] == variable)
    assert given["valueFrom"] == {"secretKeyRef": {"name": name, "key": "token"}}
    assert not [word for word in container["command"] if "token" in word.lower()]
    secret = manifests.secret(name, pod["metadata"]["namespace"], "s3cret")
    assert secret["stringData"] == {"token": "s3cret"}
    assert secret["metadata"] == {"name": name, "namespace": pod["metadata"]["namespace"]}


def test_the_master_answers_at_its_node_and_runs_the_proxy_of_this_package() -> None:
    (container,) = MASTER["spec"]["containers"]
    assert MASTER["spec"]["hostNetwork"] is True
    assert container["command"] == ["python3", "/opt/master/proxy.py"]
    assert {"name": "MASTER_PORT", "value": "8080"} in container["env"]
    (volume,) = MASTER["spec"]["volumes"]
    source = manifests.master_source("master", "masters")
    assert volume["configMap"]["name"] == source["metadata"]["name"]
    compile(source["data"]["proxy.py"], "proxy.py", "exec")
    assert "task_gateway" not in source["data"]["proxy.py"]


def test_namespaces_hold_pods_to_a_level() -> None:
    labels = manifests.namespace("tasks", manifests.RESTRICTED)["metadata"]["labels"]
    assert labels == {"pod-security.kubernetes.io/enforce": "restricted"}
