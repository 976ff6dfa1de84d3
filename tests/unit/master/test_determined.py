"""The adapter to a Determined master, with messages of its API as read from its protocol files."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from task_gateway.errors import ScenarioFailed, UsageError
from task_gateway.model import Address
from task_gateway_lab.master.notebook import Notebook
from task_gateway_lab.master.platform import TaskRequest
from task_gateway_lab.master.platforms.base import PlatformLogin
from task_gateway_lab.master.platforms.determined import Determined
from task_gateway_lab.scenarios.base import ScenarioCase
from task_gateway_lab.scenarios.environment import Environment
from task_gateway_lab.scenarios.tasks import opened, start

EXCHANGES = json.loads(Path(__file__).with_name("determined_api.json").read_text("utf-8"))["exchanges"]
KNOWN = {each["request"]: each for each in EXCHANGES}
POOLS = {"east": "east-pool"}
UNAUTHENTICATED = {"status": 401, "reply": {"error": {"code": 16, "error": "unauthenticated"}}}


@dataclass
class Recorded:
    """A master that gives the recorded replies, and refuses requests with a field that its messages do not have."""

    url: str = ""
    asked: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    visits: Counter[str] = field(default_factory=Counter)

    def answer(self, request: str, body: dict[str, Any], authorization: str) -> tuple[int, Any]:
        self.asked.append((request, body, authorization))
        found = KNOWN.get(request)
        if found is None:
            return 404, {"error": {"code": 5, "reason": "NotFound", "error": request}}
        if not set(body) <= set(found["fields"]):
            return 400, {"error": {"code": 3, "error": f"unknown field in {sorted(body)}"}}
        if "one_of" in found and not set(body) & set(found["one_of"]):
            return 400, {"error": {"code": 3, "error": "must set experiment, trial ids, or filters"}}
        if request != "POST auth/login" and authorization not in found.get("authorization", ["Bearer session"]):
            refused = found.get("refused", UNAUTHENTICATED)
            return refused["status"], refused["reply"]
        self.visits[request] += 1
        if self.visits[request] <= len(before := found.get("before", [])):
            return before[self.visits[request] - 1]["status"], before[self.visits[request] - 1]["reply"]
        return 200, self.changed.get(request, found["reply"])


@pytest.fixture
def master() -> Iterator[Recorded]:
    recorded = Recorded()

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            request = f"{self.command} {self.path.removeprefix('/api/v1/')}"
            status, found = recorded.answer(request, body, self.headers.get("Authorization", ""))
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = reply  # noqa: N815 (names of the base class)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        recorded.url = f"http://127.0.0.1:{server.server_port}"
        yield recorded
        server.shutdown()


@pytest.fixture
def platform(master: Recorded) -> Determined:
    return Determined(PlatformLogin(master.url, "ada", "secret", POOLS))


def test_the_password_goes_to_the_login_alone(master: Recorded, platform: Determined) -> None:
    assert platform.version() == "0.38.1"
    (login, version) = master.asked
    assert login[1] == {"username": "ada", "password": "secret", "isHashed": False}
    assert "secret" not in str(version)
    assert version[2] == "Bearer session"


def test_a_task_is_launched_in_the_pool_of_its_manager_and_known_by_its_name(
    master: Recorded, platform: Determined
) -> None:
    running = platform.launch(TaskRequest("notebook", "east", "mine"))
    assert (running.id, running.kind, running.manager, running.owner) == ("n-1", "notebook", "east", "ada")
    launched = next(body for request, body, _ in master.asked if request == "POST notebooks")
    assert launched == {"config": {"description": "mine", "resources": {"resource_pool": "east-pool"}}}
    assert platform.url("mine") == f"{master.url}/proxy/n-1/"
    platform.kill("mine")
    assert master.asked[-1][0] == "POST notebooks/n-1/kill"


def test_a_notebook_is_returned_once_it_serves_and_opens_to_its_own_token(
    master: Recorded, platform: Determined
) -> None:
    running = platform.launch(TaskRequest("notebook", "east", "mine"))
    assert master.visits["GET /proxy/n-1/api"] == 2  # the first answer is a 502
    assert (running.authorization, running.addresses) == ("token notebook-session", ())
    with pytest.raises(ScenarioFailed, match="reports no address of notebook n-1"):
        _ = running.address
    Notebook(platform.url("mine"), running.authorization).wait_until_answers()
    Notebook(platform.url("mine"), running.authorization).upload("a.txt", b"text")
    with pytest.raises(ScenarioFailed, match="403"):
        Notebook(platform.url("mine"), "Bearer session").upload("a.txt", b"text")


def test_a_tensorboard_shows_the_experiments_that_were_named(master: Recorded, platform: Determined) -> None:
    with pytest.raises(UsageError, match="needs an experiment") as told:
        platform.launch(TaskRequest("tensorboard", "east", "board"))
    assert told.value.hint == "--experiment ID"
    assert "POST tensorboards" not in [request for request, _, _ in master.asked]
    named = Determined(PlatformLogin(master.url, "ada", "secret", POOLS, experiments=(7,)))
    running = named.launch(TaskRequest("tensorboard", "east", "board"))
    assert next(body for request, body, _ in master.asked if request == "POST tensorboards")["experimentIds"] == [7]
    assert (running.id, running.authorization) == ("t-1", "Bearer session")


def test_a_scenario_is_played_where_no_address_is_told(platform: Determined, tmp_path: Path) -> None:
    environment = cast(Environment, SimpleNamespace(platform=platform))
    case = ScenarioCase(environment, tmp_path)
    with case.cleanup:
        assert start("notebook", "east", "mine").do(case) == f"mine on east at {platform.url('mine')}"
        assert case.facts == {}
        opened(case, "mine").upload("a.txt", b"text")


def test_a_manager_without_a_pool_is_refused_before_anything_is_asked(master: Recorded, platform: Determined) -> None:
    before = len(master.asked)
    with pytest.raises(UsageError, match="no resource pool is named for west") as told:
        platform.launch(TaskRequest("notebook", "west", "mine"))
    assert told.value.hint == "known: east"
    assert len(master.asked) == before


def test_a_task_that_ends_before_it_runs_is_killed_and_told(master: Recorded, platform: Determined) -> None:
    ended = {"notebook": {"id": "n-1", "state": "STATE_TERMINATED", "exitStatus": "no such image"}}
    master.changed["GET notebooks/n-1"] = ended
    with pytest.raises(ScenarioFailed, match="no such image"):
        platform.launch(TaskRequest("notebook", "east", "mine"))
    assert master.asked[-1][0] == "POST notebooks/n-1/kill"


def test_only_tasks_that_run_are_listed_each_by_its_manager(platform: Determined) -> None:
    notebook, shell = platform.tasks()
    assert (notebook.id, notebook.manager, notebook.addresses) == ("n-1", "east", ())
    assert (shell.id, shell.manager, shell.owner) == ("s-1", "elsewhere", "bob")
    assert shell.addresses == (Address("192.0.2.10", 20003),)


def test_a_wrong_password_is_told_without_it(master: Recorded) -> None:
    master.changed["POST auth/login"] = {}
    with pytest.raises(ScenarioFailed) as told:
        Determined(PlatformLogin(master.url, "ada", "secret", POOLS))
    assert "secret" not in str(told.value)


def test_a_master_is_not_restarted_from_outside(platform: Determined) -> None:
    with pytest.raises(UsageError, match="not restarted from here"):
        platform.restart()
