"""docs/install.md, command by command, on a separate cluster: install, upgrade, roll back, and uninstall."""

from pathlib import Path

from tests.guides import blocks
from tests.guides.site import PASSED, fixture

from task_gateway.kube.client import Kube
from task_gateway.model import Cluster

shell = fixture("install")
test_block = blocks.items(__file__)


def test_what_the_commands_said(shell: blocks.Shell) -> None:
    installed, looked, upgraded, selected, applied, removed = shell.said
    kubeconfig = Path(shell.words["KUBECONFIG"])
    kube = Kube(Cluster(kubeconfig.parent.name, "kind", kubeconfig, None))
    assert PASSED in installed
    assert f"gateway_ip: {shell.words['ADDRESS']}" in looked
    assert "80 slots for tasks" in upgraded
    assert "Rollback was a success" in upgraded
    assert all(kind in selected for kind in ("listenerset.", "tcproute.", "service/task-gateway-slot-20000"))
    assert f"{shell.words['ADDRESS']}:20000" in applied
    assert "replace was refused" in applied
    _, _, listed = applied.partition("replace was refused")
    assert "held" in listed
    assert "nothing is left behind" in listed
    assert "uninstalled" in removed
    assert kube.list("v1/Service", "tasks") == []
    assert kube.list("gateway.networking.k8s.io/v1/Gateway") == []
