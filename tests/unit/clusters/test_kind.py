"""Provider `kind`: its configuration, and that it only removes what it created."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from task_gateway import images
from task_gateway.errors import ClusterExists, DiskFull, ImageMissing, TaskGatewayError, ToolMissing
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.base import ClusterRequest
from task_gateway_lab.clusters.kind_config import IMAGES_FOLDER, REGISTRIES_FOLDER, IpFamily, NodeFiles, bridge, config

NODE = "docker.io/kindest/node:v1.0.0"


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Stand in for the program kind; return the file its calls are written to."""
    for variable in ("TASK_GATEWAY_TOOLS", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr("task_gateway_lab.clusters.kind.KERNEL_MODULES", tmp_path / "modules")
    images.save(images.Images("build", "asked for", "docker", NODE, "notebook:1", "key"))

    def write(*, there: str = "", create: str = "exit 0") -> Path:
        calls = tmp_path / "calls"
        text = f'#!/bin/sh\necho "$1" >> {calls}\ncase "$1" in get) echo "{there}";; create) {create};; esac\n'
        (tmp_path / "kind").write_text(text)
        (tmp_path / "kind").chmod(0o755)
        return calls

    return write


def test_the_kubelet_starts_on_cgroup_v1_where_there_is_nothing_else() -> None:
    made = config(unified_cgroups=False)
    (patch,) = made["kubeadmConfigPatches"]
    assert yaml.safe_load(patch)["failCgroupV1"] is False
    assert set(made) == {"kind", "apiVersion", "kubeadmConfigPatches"}


def test_a_node_sees_its_images_and_registries_read_only(tmp_path: Path) -> None:
    made = config(unified_cgroups=True, node=NodeFiles(images=tmp_path / "images", registries=tmp_path / "registries"))
    ((node),) = made["nodes"]
    assert {each["containerPath"]: each["hostPath"] for each in node["extraMounts"]} == {
        IMAGES_FOLDER: str(tmp_path / "images"),
        REGISTRIES_FOLDER: str(tmp_path / "registries"),
    }
    assert all(each["readOnly"] for each in node["extraMounts"])
    (patch,) = made["containerdConfigPatches"]
    assert f'config_path = "{REGISTRIES_FOLDER}"' in patch


@pytest.mark.parametrize(("family", "subnets"), [("ipv4", 1), ("ipv6", 1), ("dual", 2)])
def test_pods_have_addresses_of_the_family_that_is_asked_for(family: str, subnets: int) -> None:
    made = config(unified_cgroups=True, ip_family=IpFamily(family))
    assert made.get("networking") == (None if family == "ipv4" else {"ipFamily": family})
    ipam = bridge(IpFamily(family))["plugins"][0]["ipam"]
    assert len(ipam["ranges"]) == len(ipam["routes"]) == subnets


def test_somebody_elses_cluster_of_that_name_is_left_alone(kind: Callable[..., Path]) -> None:
    calls = kind(there="laboratory\nlab")
    with pytest.raises(ClusterExists, match="not created here") as refused:
        base.up("kind", ClusterRequest("lab"), say=print)
    assert "kind delete cluster --name lab" in str(refused.value.hint)
    assert calls.read_text().split() == ["get"]
    assert base.known() == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("ERROR: failed to pull image: write: no space left on device", DiskFull),
        ("ERROR: failed to pull image", ImageMissing),
        ("ERROR: failed to init node", TaskGatewayError),
    ],
)
def test_what_is_half_made_is_removed(kind: Callable[..., Path], said: str, error: type[TaskGatewayError]) -> None:
    calls = kind(there="laboratory", create=f"echo '{said}' >&2; exit 1")
    with pytest.raises(error):
        base.up("kind", ClusterRequest("lab"), say=print)
    assert calls.read_text().split() == ["get", "create", "delete"]
    assert base.known() == []


def test_a_cluster_is_removed_with_the_engine_that_made_it(kind: Callable[..., Path], tmp_path: Path) -> None:
    kind(create="exit 1")
    with pytest.raises(TaskGatewayError):
        base.up("kind", ClusterRequest("lab", keep_on_failure=True), say=print)
    images.file().unlink()
    engine_of = f'#!/bin/sh\necho "$1 $KIND_EXPERIMENTAL_PROVIDER" > {tmp_path / "engine"}\n'
    (tmp_path / "kind").write_text(engine_of)
    base.down("lab")
    assert (tmp_path / "engine").read_text() == "delete docker\n"


def test_images_that_are_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ToolMissing) as missing:
        images.load()
    assert missing.value.hint == "make toolchain"
    made = images.Images("pull", "asked for", "podman", NODE, "notebook:1", "key", "images.tar")
    images.save(made)
    assert images.load() == made
    images.file().write_text(json.dumps({"mode": "build"}))
    with pytest.raises(ToolMissing):
        images.load()
