"""The notebook client against a small server that speaks a kernel's protocol on loopback."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from task_gateway.errors import ScenarioFailed, WaitTimeout
from task_gateway.settings import Wait
from task_gateway_lab.master.exchange import Reply, call
from task_gateway_lab.master.notebook import Notebook, Outputs, document
from task_gateway_lab.master.proxy_client import wait_for_reply

SHORT = Wait("short", "the kernel answers", 0.5)


@dataclass
class SeenRequests:
    """The requests that the server received, and the messages for its kernel to send."""

    script: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    stored: dict[str, Any] = field(default_factory=dict)


class Rest(RequestHandler):
    def initialize(self, seen: SeenRequests) -> None:
        self.seen = seen

    def prepare(self) -> None:
        self.seen.requests.append((str(self.request.method), self.request.path))
        if self.request.headers.get("Authorization") != "token right":
            self.set_status(403)
            self.finish("Forbidden")

    def get(self) -> None:
        self.write('<script>{"appVersion": "4.5.6"}</script>')

    def post(self) -> None:
        self.set_status(201)
        self.write({"id": "k1"})

    def put(self) -> None:
        self.seen.stored = json.loads(self.request.body)
        self.set_status(201)

    def delete(self) -> None:
        self.set_status(204)


class Channels(WebSocketHandler):
    def initialize(self, seen: SeenRequests) -> None:
        self.seen = seen

    def on_message(self, message: str | bytes) -> None:
        request = json.loads(message)
        assert request["header"]["msg_type"] == "execute_request"
        for kind, content in self.seen.script:
            if kind == "leave":
                self.close(4000)
                return
            parent = {} if kind == "other" else {"msg_id": request["header"]["msg_id"]}
            self.write_message({"msg_type": kind, "parent_header": parent, "content": content})


@pytest.fixture
def seen() -> SeenRequests:
    return SeenRequests()


@pytest.fixture
def url(seen: SeenRequests) -> Iterator[str]:
    """A server in a separate thread, because the client blocks."""
    ports: list[int] = []
    loop = asyncio.new_event_loop()
    up = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        rules = [(r"/base/api/kernels/k1/channels", Channels, {"seen": seen}), (r"/base/.*", Rest, {"seen": seen})]
        server = HTTPServer(Application(rules, log_function=lambda _: None))
        listener, port = bind_unused_port()
        server.add_socket(listener)
        ports.append(port)
        up.set()
        await stop.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    up.wait(10)
    yield f"http://127.0.0.1:{ports[0]}/base/"
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


IDLE = ("status", {"execution_state": "idle"})


def test_the_output_of_a_cell_is_gathered_until_the_kernel_is_idle(seen: SeenRequests, url: str) -> None:
    seen.script = [
        ("status", {"execution_state": "busy"}),
        ("stream", {"name": "stdout", "text": "one\n"}),
        ("stream", {"name": "stderr", "text": "a warning\n"}),
        ("other", {"execution_state": "idle"}),
        ("execute_result", {"data": {"text/plain": "42"}}),
        IDLE,
    ]
    assert Notebook(url, "token right").execute("x") == "one\n42"
    assert ("POST", "/base/api/kernels") in seen.requests
    assert seen.requests[-1] == ("DELETE", "/base/api/kernels/k1")


def test_a_cell_that_raises_fails(seen: SeenRequests, url: str) -> None:
    seen.script = [("error", {"ename": "ZeroDivisionError", "evalue": "division by zero"}), IDLE]
    with pytest.raises(ScenarioFailed, match="the cell raised ZeroDivisionError: division by zero"):
        Notebook(url, "token right").execute("1/0")


def test_a_socket_that_closes_fails_with_its_code(seen: SeenRequests, url: str) -> None:
    seen.script = [("leave", {})]
    with pytest.raises(ScenarioFailed, match="closed with code 4000"):
        Notebook(url, "token right").execute("x")


def test_a_silent_kernel_ends_the_wait_with_what_came_last(seen: SeenRequests, url: str) -> None:
    seen.script = [("status", {"execution_state": "busy"})]
    with pytest.raises(WaitTimeout) as ended:
        Notebook(url, "token right").execute("x", SHORT)
    assert ended.value.last_state == "the kernel's last message was status"
    assert seen.requests[-1] == ("DELETE", "/base/api/kernels/k1")


def test_a_refused_kernel_says_what_the_server_said(url: str) -> None:
    with pytest.raises(ScenarioFailed, match="starting a kernel failed: 403: Forbidden"):
        Notebook(url, "token wrong").execute("x")


def test_a_notebook_file_is_stored_and_its_page_named(seen: SeenRequests, url: str) -> None:
    assert Notebook(url, "token right").save("a.ipynb", "1 + 1") == f"{url}lab/tree/a.ipynb"
    assert seen.stored["content"] == document("1 + 1")
    assert seen.stored["content"]["cells"][0]["outputs"] == []


def test_the_version_of_jupyterlab_comes_from_its_page(url: str) -> None:
    assert Notebook(url, "token right").lab_version() == "4.5.6"


def test_messages_of_other_cells_are_left_alone() -> None:
    outputs = Outputs("mine")
    message = {"msg_type": "stream", "parent_header": {"msg_id": "other"}, "content": {"name": "stdout", "text": "x"}}
    assert outputs.take(message) is False
    assert outputs.text == []


def test_no_answer_is_an_answer_and_a_wait_tells_the_last_one() -> None:
    listener, port = bind_unused_port()
    listener.close()
    url = f"http://127.0.0.1:{port}/api"
    assert call("GET", url).status == 0
    with pytest.raises(WaitTimeout) as ended:
        wait_for_reply(lambda: call("GET", url), 200, SHORT, url)
    assert ended.value.last_state.startswith("no answer: ")
    assert "refused" in ended.value.last_state


def test_a_reply_is_shown_by_its_first_line() -> None:
    assert str(Reply(502, "task a at b:1: connection refused\nmore")) == "502: task a at b:1: connection refused"
    assert str(Reply(204, "")) == "204: empty"
    with pytest.raises(ScenarioFailed, match="not JSON"):
        Reply(200, "<html>").json()
