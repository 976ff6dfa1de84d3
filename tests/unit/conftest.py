"""A gateway that is looked at without a cluster: what a check reads is put there by the test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from task_gateway.kube.client import Kube
from task_gateway.limits.site import Site
from task_gateway.limits.target import Target
from task_gateway.model import Cluster, InternalTaskGateway, ResourceManager

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: t}}]
"""


@pytest.fixture
def kube(tmp_path: Path) -> Kube:
    """A client that is never used: what is tested with it reads nothing."""
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG)
    return Kube(Cluster("here", "existing", file))


@pytest.fixture
def target(kube: Kube, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setattr(Site, "_known_namespaces", ["ns"])
    monkeypatch.setattr(Site, "_slot_services", [])
    gateway = InternalTaskGateway("gw", "ns", "192.0.2.7", 2000, 2009)
    manager = ResourceManager("east", "east", internal_task_gateway=gateway)
    return Target(manager, kube)


@pytest.fixture
def site(target: Target) -> Callable[..., Site]:
    def make(**read: Any) -> Site:
        found = Site(target)
        vars(found).update(read)  # where a cached property keeps what it read
        return found

    return make
