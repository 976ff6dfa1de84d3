"""A new platform is one registered function: scenarios run against it without other changes."""

import json
from pathlib import Path

import pytest

from task_gateway.cli.main import main
from task_gateway.errors import UsageError
from task_gateway.model import Address
from task_gateway_lab.master.platform import RunningTask, TaskRequest
from task_gateway_lab.master.platforms.base import PLATFORMS, PlatformLogin
from task_gateway_lab.scenarios.base import SCENARIOS, Scenario
from task_gateway_lab.scenarios.product import ANY_MASTER
from task_gateway_lab.scenarios.tasks import end, start

SCENARIO = Scenario(
    name="command_starts",
    group="Commands and shells",
    sentence="A command starts and ends.",
    steps=(start("command", "default", "one"), end("one")),
    tags=(ANY_MASTER,),
)
PAGE = Scenario("page_opens", "Notebooks", "A page opens.", ("chromium",), SCENARIO.steps, (ANY_MASTER,))
INSIDE = Scenario("cluster_is_read", "Notebooks", "A cluster is read.", steps=SCENARIO.steps)


class FakePlatform:
    """A platform that runs nothing, and remembers what it was asked for."""

    asked: list[str]

    def __init__(self, login: PlatformLogin) -> None:
        if login.password != "hidden":
            raise UsageError("the hub refuses the login")
        self._pools, FakePlatform.asked = login.pools, [f"login of {login.user} at {login.url}"]

    def version(self) -> str:
        return "7.0"

    def launch(self, request: TaskRequest) -> RunningTask:
        FakePlatform.asked.append(f"launch {request.kind} {request.id} in {self._pools[request.manager]}")
        return RunningTask(request.id, request.kind, request.manager, request.owner, (Address("192.0.2.8", 2000),))

    def tasks(self) -> list[RunningTask]:
        return []

    def kill(self, task_id: str) -> None:
        FakePlatform.asked.append(f"kill {task_id}")

    def restart(self) -> None:
        pass

    def gone(self, task_id: str) -> str:
        return f"no {task_id} here"

    def url(self, task_id: str) -> str:
        return f"http://192.0.2.1/{task_id}/"


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that runs three scenarios against the platform, registered next to the real ones."""
    SCENARIOS.names()
    PLATFORMS.names()
    monkeypatch.setattr(PLATFORMS, "_parts", {**PLATFORMS._parts, "hub": FakePlatform})
    monkeypatch.setattr(SCENARIOS, "_parts", {each.name: each for each in (SCENARIO, PAGE, INSIDE)})
    monkeypatch.setenv("TASK_GATEWAY_MASTER_PASSWORD", "hidden")
    monkeypatch.setenv("KEEP", "")
    for name in ("chart.tgz", "crds.tgz"):
        (tmp_path / name).touch()
    files = ["--chart", str(tmp_path / "chart.tgz"), "--crds", str(tmp_path / "crds.tgz"), "--image", "task:1"]
    given = ["--master", "http://192.0.2.1", "--master-user", "ada", "--pool", "default=small"]
    return ["scenario", "run", *files, *given, "--reports", str(tmp_path), "--name", "run", "-o", "json"]


def test_scenarios_are_played_against_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--platform", "hub"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["hub"] == "7.0"
    rows = {row["name"]: (row["status"], row["cause"]) for row in found["rows"]}
    assert rows == {
        "command_starts": ("passed", ""),
        "page_opens": ("skipped", "a page of hub requires a login by a person"),
        "cluster_is_read": ("skipped", "it requires access to the clusters, but only the platform hub is known"),
    }
    played = ["launch command one in small", "kill one", "kill one"]
    assert FakePlatform.asked == ["login of ada at http://192.0.2.1", *played]


def test_an_unknown_platform_is_refused_with_the_known_ones(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--platform", "hob"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"] == "no platform is called 'hob'"
    assert {"hub", "determined"} <= set(error["hint"].removeprefix("known: ").split(", "))
