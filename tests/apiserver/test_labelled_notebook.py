"""The notebook of `make e2e` that a label exposes: the steps, with an operator and without a kubelet."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.apiserver.operators import HOME, IP, START, TASKS, OperatorSite, installed, until
from tests.apiserver.planes import gateway_api

from task_gateway.kube.kinds import POD, SECRET
from task_gateway.model import TASK_LABEL, InternalTaskGateway, ResourceManager
from task_gateway.routing import names, reach
from task_gateway_lab.master.managed_cluster import ManagedCluster
from task_gateway_lab.scenarios import labels
from task_gateway_lab.scenarios.base import ScenarioCase
from task_gateway_lab.scenarios.tasks import opened, run_cell

SLOTS, ID = 2, "notebook-labelled"
URL = f"http://{IP}:{START}/proxy/{ID}/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with gateway_api("labelled-notebook", HOME, TASKS) as kube:
        yield installed(kube, tmp_path_factory.mktemp("operator"), SLOTS)


@pytest.fixture
def case(site: OperatorSite, tmp_path: Path) -> Iterator[ScenarioCase]:
    block = InternalTaskGateway("gw", HOME, IP, START, START + SLOTS - 1)
    manager = ResourceManager("additional", "east", internal_task_gateway=block)
    managed = ManagedCluster(manager, site.kube, TASKS)
    managed = ManagedCluster(manager, site.kube, TASKS, managed.connect())
    environment: Any = SimpleNamespace(
        clusters={"additional": managed}, spec=SimpleNamespace(image="notebook:1"), versions={}
    )
    with site.operator():
        yield ScenarioCase(environment, tmp_path)


def ready(site: OperatorSite) -> None:
    """Give the pod an address and make it Ready, as the kubelet would."""
    until(lambda: site.kube.find(POD, ID, TASKS) is not None)
    conditions = [{"type": "Ready", "status": "True"}]
    site.status(ID, {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "conditions": conditions})


def test_a_label_exposes_it_and_its_end_frees_the_slot(
    site: OperatorSite, case: ScenarioCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelet = threading.Thread(target=ready, args=(site,))
    kubelet.start()
    create, delete = labels.create("additional", ID), labels.delete("additional", ID)
    assert create.do(case) == f"{ID} on additional at {IP}:{START}"
    kubelet.join()
    pod = site.get(ID)
    assert pod["metadata"]["labels"][names.EXPOSE] == "8888"
    assert pod["metadata"]["labels"][TASK_LABEL] == pod["metadata"]["uid"]
    asked: list[str] = []
    notebook = SimpleNamespace(url=URL, wait_until_answers=lambda: None, lab_version=lambda: "4")
    notebook.execute = lambda _code: f"{ID} says 385"

    def notebook_at(url: str, token: str) -> Any:
        asked.append(f"{url} {token}")
        return notebook

    monkeypatch.setattr("task_gateway_lab.scenarios.runtime.Notebook", notebook_at)
    assert opened(case, ID).url == URL
    assert run_cell(case, ID) == f"{ID} says 385"
    (one, other) = asked
    assert one == other == f"{URL} {case.state[ID].authorization}"
    found = case.notebooks[ID]
    assert (found.strategy, found.resource_manager, found.address, found.port) == ("operator", "additional", IP, START)
    monkeypatch.setattr(reach, "wait_until_refused", lambda _address: reach.Answer.CLOSED)
    assert delete.do(case).endswith("its slot is free")
    assert case.notebooks[ID].refused_after_release
    assert site.claims() == {}
    assert site.kube.find(SECRET, ID, TASKS) is None
    case.cleanup.close()


def test_the_commands_by_hand_name_the_label_and_the_condition() -> None:
    by_hand = labels.create("additional", ID).by_hand
    assert "--labels task-gateway.dev/expose=$notebook_port" in by_hand
    assert "--for condition=task-gateway.dev/Exposed" in by_hand
