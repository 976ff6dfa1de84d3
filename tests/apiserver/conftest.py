"""A real API server and etcd, as processes, for one session."""

import os
from collections.abc import Iterator

import pytest

from task_gateway.clusters import base
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    name = f"test-control-plane-{os.getpid()}"
    yield base.up("control-plane", base.Wish(name), say=print)
    base.down(name)


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> Kube:
    return Kube(cluster)
