"""The guide to several resource managers: each of its commands, in their order, on a cluster of its own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest

from task_gateway import __version__
from task_gateway.clusters import base, images
from task_gateway.clusters.kind import node_address
from task_gateway.kube.client import Kube
from task_gateway.kube.process import run, tool

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGE = (ROOT / "docs" / "multi-rm.md").read_text("utf-8")


@pytest.fixture(scope="module")
def words() -> Iterator[dict[str, str]]:
    with base.lent("kind", base.Wish(f"test-guide-{os.getpid()}"), say=print) as cluster:
        yield {
            "EAST": str(cluster.kubeconfig),
            "ADDRESS": node_address(Kube(cluster)),
            "IMAGE": images.load().notebook,
            "VERSION": __version__,
        }


def test_every_command_of_the_guide(words: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "dist").symlink_to(ROOT / "dist")
    programs = os.pathsep.join([str(Path(tool("kubectl")).parent), str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    env = {**os.environ, **words, "PATH": programs, "KUBECONFIG": words["EAST"]}
    said = []
    for kind, text in BLOCK.findall(PAGE):
        if kind == "yaml":
            (tmp_path / "master.yaml").write_text(Template(text).substitute(words))
            continue
        done = run(["bash", "-euo", "pipefail", "-c", f"cd {tmp_path}\n{text}"], env=env)
        said.append(done.stdout)
    installed, block, validated, checked, task = said
    assert "Phase:          Succeeded" in installed
    assert f"gateway_ip: {words['ADDRESS']}" in block
    assert "gateway_port_range_end: 20063" in block
    assert "master.yaml" in validated
    assert "east" in checked
    assert '"version"' in task
    assert f"{words['ADDRESS']}:20000" in task
