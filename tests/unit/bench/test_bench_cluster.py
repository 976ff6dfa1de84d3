"""The objects in the cluster of the bench: the chart's values, the node without a kubelet, and its pods."""

import io
import tarfile
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from tests.unit.memory import Memory

from task_gateway.controllers import base as controllers
from task_gateway.controllers.base import CONTROLLERS
from task_gateway.model import TASK_LABEL, Manifest
from task_gateway_lab.bench import bench_cluster, fake_pods
from task_gateway_lab.bench.combos import FIRST_TASK_PORT, Combo, table

ADDRESS = "192.0.2.1"


class LabelMemory(Memory):
    """An API server that only keeps the labels of pods, and counts the patches of them."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, dict[str, str]] = {}
        self.patches = 0

    def create(self, obj: Manifest, *, dry_run: bool = False) -> Manifest:
        self.labels[obj["metadata"]["name"]] = dict(obj["metadata"]["labels"])
        return obj

    def replace(self, obj: Manifest, *, subresource: str = "", dry_run: bool = False) -> Manifest:
        return obj

    def patch(self, kind: str, name: str, namespace: str | None, body: Manifest, **_how: object) -> Manifest:
        self.patches += 1
        merged = self.labels[name] | body["metadata"]["labels"]
        self.labels[name] = {key: value for key, value in merged.items() if value is not None}
        return body


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    file, content = tmp_path / "chart.tgz", b"controller: contour\n"
    with tarfile.open(file, "w:gz") as package:
        member = tarfile.TarInfo("internal-task-gateway/contour.yaml")
        member.size = len(content)
        package.addfile(member, io.BytesIO(content))
    return file


@pytest.mark.parametrize("combo", table())
def test_the_values_are_the_controllers_own_and_what_is_measured(chart: Path, combo: Combo) -> None:
    found = bench_cluster.values(CONTROLLERS.get(combo.controller), chart, combo, ADDRESS)
    assert found["gateway"] == {"addresses": [ADDRESS], "placeholderPort": bench_cluster.PLACEHOLDER}
    assert [each["count"] for each in found["slots"]] == [combo.slots]
    assert (found.get("controller") == "contour") is (combo.controller == "contour")
    operator = found.get("operator") or {}
    assert (operator.get("enabled", False), operator.get("replicas")) == (
        (True, 1) if combo.strategy == "operator" else (False, None)
    )
    # Contour's Service only has ports for tasks' own listeners if the values set them.
    wants_ports = combo.controller == "contour" and combo.strategy == "listeners"
    assert ((found.get("contour") or {}).get("ports", {}).get("start") == FIRST_TASK_PORT) is wants_ports


def test_a_values_file_that_the_chart_lacks_is_named(chart: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no other\.yaml"):
        controllers.packaged(chart, "other.yaml")


def test_each_pod_has_a_name_a_label_and_an_address_of_its_own() -> None:
    numbers = range(1, 1009)
    pods = [fake_pods.pod(number, "tasks") for number in numbers]
    assert len({pod["metadata"]["name"] for pod in pods}) == len(pods)
    assert all(pod["metadata"]["labels"][TASK_LABEL] == pod["metadata"]["name"] for pod in pods)
    addresses = {ip_address(fake_pods.pod_status(number)["podIP"]) for number in numbers}
    assert len(addresses) == len(pods)
    assert all(address in ip_network(fake_pods.NETWORK) for address in addresses)
    assert fake_pods.task(17, "tasks").id == "bench-17"


def test_the_label_of_the_task_is_left_to_the_operator() -> None:
    cluster = LabelMemory()
    pods = fake_pods.FakePods(cluster, "tasks", leave=True)
    pods.add([1])
    pods.carry_task_label(carry=False)
    pods.add([2])
    assert [set(each) for each in cluster.labels.values()] == [{fake_pods.POD_LABEL}] * 2
    pods.carry_task_label(carry=False)
    pods.carry_task_label(carry=True)
    assert {name: each.get(TASK_LABEL) for name, each in cluster.labels.items()} == {
        "bench-1": "bench-1",
        "bench-2": "bench-2",
    }
    assert cluster.patches == 3


def test_the_pods_are_ready_on_a_node_that_takes_no_other() -> None:
    (taint,) = fake_pods.node()["spec"]["taints"]
    assert taint["effect"] == "NoSchedule"
    assert fake_pods.pod(1, "tasks")["spec"]["nodeName"] == fake_pods.node()["metadata"]["name"]
    ready = {each["type"]: each["status"] for each in fake_pods.pod_status(1)["conditions"]}
    assert ready["Ready"] == "True"
    # Who looks for a node's address must not find one here.
    assert {each["type"] for each in fake_pods.node_status()["addresses"]} == {"Hostname"}
