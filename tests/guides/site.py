"""A separate cluster for a guide, the folder where its commands run, with the packaged charts, and its variables."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.guides.blocks import ROOT, Shell

from task_gateway import __version__, images
from task_gateway.kube.client import Kube
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.kind import node_address

PASSED = "Phase:          Succeeded"


@contextmanager
def shell(guide: str, folder: Path, **words: str) -> Iterator[Shell]:
    """Start a cluster, and set the variables of a guide, including the given ones."""
    (folder / "dist").symlink_to(ROOT / "dist")
    with base.temporary_cluster("kind", base.ClusterRequest(f"guide-{guide}-{os.getpid()}"), say=print) as cluster:
        kube = Kube(cluster)
        found = {
            "KUBECONFIG": str(cluster.kubeconfig),
            "ADDRESS": node_address(kube),
            "API": kube.server,
            "IMAGE": images.load().notebook,
            "VERSION": __version__,
        }
        yield Shell(folder, folder / "exported", found | words)


def fixture(guide: str, **words: str) -> Callable[[pytest.TempPathFactory], Iterator[Shell]]:
    """Return the fixture `shell` of a test module: one cluster for all blocks of its guide."""

    @pytest.fixture(scope="module")
    def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
        with shell(guide, tmp_path_factory.mktemp("guide"), **words) as found:
            yield found

    return made
