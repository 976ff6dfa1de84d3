"""The set-up of each controller as docs/controllers.md has it, command by command, on a cluster of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.guide import play, section

from task_gateway import __version__
from task_gateway.clusters import base
from task_gateway.clusters.kind import node_address
from task_gateway.kube.client import Kube

PAGE = "controllers.md"
PASSED, SUITABLE = "Phase:          Succeeded", "meets all that is required"


@contextmanager
def words(controller: str) -> Iterator[dict[str, str]]:
    """Lend a cluster, and what the words of the page mean there."""
    with base.lent("kind", base.Wish(f"test-{controller}-{os.getpid()}"), say=print) as cluster:
        address = node_address(Kube(cluster))
        yield {"KUBECONFIG": str(cluster.kubeconfig), "ADDRESS": address, "VERSION": __version__}


def test_envoy_gateway_and_then_a_second_gateway_of_a_class_that_is_there(tmp_path: Path) -> None:
    with words("envoy-gateway") as found:
        said = play(section(PAGE, "Set up Envoy Gateway"), found, tmp_path)
        assert PASSED in said
        assert SUITABLE in said
        found["CLASS"] = "task-gateway.task-gateway"
        assert PASSED in play(section(PAGE, "Set up a controller that is there already"), found, tmp_path)


def test_contour(tmp_path: Path) -> None:
    with words("contour") as found:
        said = play(section(PAGE, "Set up Contour"), found, tmp_path)
    assert PASSED in said
    assert SUITABLE in said
