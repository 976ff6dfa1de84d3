"""`make e2e` through the command line: its report, its state after a failure, and the effect of Ctrl-C."""

import json
import os
import signal
import sys
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import NAMESPACE, Installed

from task_gateway.cli.main import main
from task_gateway.errors import ImageMissing
from task_gateway.kube.process import Process, spawn
from task_gateway.model import Task
from task_gateway.polling import attempts
from task_gateway.settings import Wait
from task_gateway_lab.clusters import base
from task_gateway_lab.master import launcher, manifests
from task_gateway_lab.master.kinds.base import KINDS
from task_gateway_lab.scenarios import evidence

CLEANED_UP = Wait("cleaned up", "the interrupted run has removed what it made", 300)
LOOK_SECONDS = 0.05  # a process of another program cannot be watched
PNG = b"\x89PNG\r\n"


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:6]}"


def known() -> set[str]:
    return {cluster.name for cluster in base.known()}


def test_notebooks_in_another_cluster_are_opened_through_the_gateway(
    name: str, chart: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["e2e", "--name", name, "--chart", str(chart), "--reports", str(tmp_path), "-o", "json"])
    result = json.loads((tmp_path / name / "result.json").read_text())
    assert code == 0, result
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert result["passed"] is True
    assert {"kubernetes", "envoy", "jupyterlab", "chromium"} <= set(result["versions"])
    assert all(set(step) >= {"name", "passed", "seconds"} and step["passed"] for step in result["steps"])
    additional, default, labelled = result["notebooks"]
    assert (additional["resource_manager"], additional["strategy"]) == ("additional", "slots")
    assert (additional["cluster"], additional["port"]) == (f"{name}-additional", 20000)
    assert (default["resource_manager"], default["strategy"]) == ("default", "direct")
    assert (default["cluster"], default["port"]) == (f"{name}-default", 8888)
    assert (labelled["resource_manager"], labelled["strategy"]) == ("additional", "operator")
    assert (labelled["cluster"], labelled["address"]) == (additional["cluster"], additional["address"])
    assert labelled["port"] == 20001, "the port of the first notebook rests"
    for notebook, host in ((additional, "additional"), (default, "default"), (labelled, "labelled")):
        assert notebook["output"] == f"notebook-{host} says 385"
        assert notebook["refused_after_release"] is True
        assert (tmp_path / name / notebook["screenshot"]).read_bytes().startswith(PNG)
        assert f"]({notebook['screenshot']})" in (tmp_path / name / "report.md").read_text()
    suite = ET.parse(tmp_path / name / "junit.xml").getroot()
    assert len(list(suite.iter("testcase"))) == len(result["steps"])
    assert not list(suite.iter("failure"))
    assert not {each for each in known() if each.startswith(name)}


@pytest.fixture
def interrupted(name: str, chart: Path, tmp_path: Path) -> Iterator[Process]:
    """A separate run that is interrupted while its clusters come up."""
    program = [sys.executable, "-m", "task_gateway.cli.main"]
    options = ["--name", name, "--chart", str(chart), "--reports", str(tmp_path)]
    process = spawn([*program, "e2e", *options], log=tmp_path / "log")
    yield process
    process.stop()


def test_ctrl_c_while_clusters_come_up_leaves_nothing(name: str, interrupted: Process, tmp_path: Path) -> None:
    while not {each for each in known() if each.startswith(name)}:
        assert interrupted.poll() is None, (tmp_path / "log").read_text()
        time.sleep(LOOK_SECONDS)
    os.kill(interrupted.pid, signal.SIGINT)
    for _ in attempts(CLEANED_UP, LOOK_SECONDS):
        if interrupted.poll() is not None:
            break
    assert interrupted.poll() == 130, (tmp_path / "log").read_text()
    assert not {each for each in known() if each.startswith(name)}
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_missing_notebook_image_is_told_at_once_and_leaves_evidence(installed: Installed, tmp_path: Path) -> None:
    task = Task("without-image", NAMESPACE, (8888,))
    image = "registry.invalid/no/notebook:1"
    kube = installed.kube
    try:
        with pytest.raises(ImageMissing, match=image) as missing:
            launcher.start_task(kube, task, KINDS.get("notebook").pod(task, image), "hidden")
        assert missing.value.hint == "make toolchain"
        clusters = [(installed.cluster.name, kube)]
        files = evidence.collect(tmp_path / "evidence", missing.value, clusters, [NAMESPACE])
    finally:
        launcher.end_task(kube, task)
    texts = {str(file.relative_to(tmp_path / "evidence")): file.read_text() for file in files}
    place = installed.cluster.name
    assert image in texts["error.txt"]
    assert "without-image" in texts[f"{place}/events.txt"]
    assert "type: Programmed" in texts[f"{place}/gateway.yaml"]
    assert "envoy-gateway" in texts[f"{place}/{NAMESPACE}.log"]
    assert not [name for name, text in texts.items() if "kind: Secret\n" in text or manifests.TOKEN_KEY + ":" in text]
