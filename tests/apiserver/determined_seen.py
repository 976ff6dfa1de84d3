"""The output of the commands for a Determined master's ports, and how ports are left behind and freed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.apiserver import determined
from tests.apiserver.broken import RELEASE
from tests.apiserver.determined import DeterminedMaster, Overtaken
from tests.preflight import NAMESPACE, SERVICE, Preflight
from typer.testing import CliRunner

from task_gateway.checks.determined import ROUTE
from task_gateway.cli.main import build
from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.routing.gateway_listeners import DETERMINED_NOTE


def ran(preflight: Preflight, *words: str) -> tuple[int, Any]:
    """Run a command without a configuration; return its exit code and its JSON."""
    done = CliRunner().invoke(build(), [*words, "--kubeconfig", str(preflight.kube.cluster.kubeconfig), "-o", "json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


def named(preflight: Preflight) -> InternalTaskGateway:
    """Return the gateway with the port range in the chart's annotation."""
    return replace(preflight.gateway, gateway_port_range_start=24000, gateway_port_range_end=24498)


def leave_behind(preflight: Preflight, task: str, gateway: InternalTaskGateway) -> int:
    """End a task while the controller writes faster than the master, and return its port."""
    port = DeterminedMaster(Kube(preflight.kube.cluster), gateway, NAMESPACE).expose(task)
    with pytest.raises(Conflict):
        DeterminedMaster(Overtaken(preflight.kube, 5), gateway, NAMESPACE).free(task, port)
    return port


def held(preflight: Preflight) -> dict[int, str]:
    """Return the allocation of each port, from the annotations."""
    notes = preflight.kube.get(GATEWAY, RELEASE, NAMESPACE)["metadata"]["annotations"]
    return {
        int(note.removeprefix(DETERMINED_NOTE)): one for note, one in notes.items() if note.startswith(DETERMINED_NOTE)
    }


def its_job(task: str, port: int, gateway: InternalTaskGateway) -> Manifest:
    return determined.job(task, NAMESPACE)


def its_service(task: str, port: int, gateway: InternalTaskGateway) -> Manifest:
    return determined.objects(task, port, gateway, NAMESPACE)[0]


def its_route(task: str, port: int, gateway: InternalTaskGateway) -> Manifest:
    return determined.objects(task, port, gateway, NAMESPACE)[1]


KEPT: dict[str, Callable[[str, int, InternalTaskGateway], Manifest]] = {
    JOB: its_job, SERVICE: its_service, ROUTE: its_route
}  # fmt: skip
"""The objects of a task, each of which prevents the release of its port."""
