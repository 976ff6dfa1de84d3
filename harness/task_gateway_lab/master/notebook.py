"""A client of a notebook at any URL: starts kernels over REST, and runs cells over their WebSocket."""

import base64
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from task_gateway import settings
from task_gateway.deferred import asyncio, http
from task_gateway.errors import ScenarioFailed
from task_gateway.settings import Wait
from task_gateway_lab.master.exchange import REQUEST_SECONDS, accepted, call
from task_gateway_lab.master.proxy_client import wait_for_reply

if TYPE_CHECKING:
    import tornado.httpclient
    import tornado.iostream
    import tornado.websocket
else:
    from task_gateway.deferred import tornado

MAX_MESSAGE = 64 << 20
CHUNK = 1 << 20  # the chunk size of uploads in JupyterLab's page


@dataclass
class Outputs:
    """The output of a cell so far, from the kernel's messages that answer `request`."""

    request: str
    text: list[str] = field(default_factory=list)
    error: str = ""

    def take(self, message: dict[str, Any]) -> bool:
        """Process one message; return True when the kernel is idle again and the cell is done."""
        if message.get("parent_header", {}).get("msg_id") != self.request:
            return False
        content = message["content"]
        match message["msg_type"]:
            case "stream" if content["name"] == "stdout":
                self.text.append(content["text"])
            case "execute_result":
                self.text.append(content["data"]["text/plain"])
            case "error":
                self.error = f"{content['ename']}: {content['evalue']}"
            case "status":
                return bool(content["execution_state"] == "idle")
        return False


class Notebook:
    """A notebook at `url`, which ends with a slash; `authorization` is the header to log in with."""

    def __init__(self, url: str, authorization: str) -> None:
        self.url = url
        self._authorization = authorization

    def wait_until_answers(self, wait: Wait = settings.TASK_REACHABLE) -> None:
        """Return when the notebook's API answers; WaitTimeout has the last reply."""
        wait_for_reply(lambda: call("GET", f"{self.url}api", authorization=self._authorization), 200, wait, self.url)

    def execute(self, code: str, wait: Wait = settings.KERNEL_READY) -> str:
        """Run one cell in a new kernel, over one WebSocket, and return what it printed or returned."""
        authorization = self._authorization
        started = call("POST", f"{self.url}api/kernels", authorization=authorization, body={})
        kernel = accepted(started, "starting a kernel", self.url).json()["id"]
        try:
            return asyncio.run(self._execute(kernel, code, wait))
        finally:
            call("DELETE", f"{self.url}api/kernels/{kernel}", authorization=authorization)

    def save(self, name: str, code: str) -> str:
        """Store a notebook file with one cell that has not run; return the URL of its page."""
        self._put(f"api/contents/{name}", {"type": "notebook", "format": "json", "content": document(code)})
        return f"{self.url}lab/tree/{name}"

    def decline_news(self) -> None:
        """Disable JupyterLab's news and update checks. Its dialog about them would cover the page."""
        raw = json.dumps({"fetchNews": "false", "checkForUpdates": False})
        self._put("lab/api/settings/@jupyterlab/apputils-extension:notification", {"raw": raw})

    def lab_version(self) -> str:
        """Return JupyterLab's version from its page."""
        page = accepted(call("GET", f"{self.url}lab", authorization=self._authorization), "opening /lab", self.url)
        found = re.search(r'"appVersion":\s*"([^"]+)"', page.text)
        if found is None:
            raise ScenarioFailed("the page of JupyterLab does not contain its version", where=self.url)
        return found[1]

    def upload(self, name: str, content: bytes) -> None:
        """Store a file in the way of JupyterLab's page: in chunks of 1 MiB, with the number -1 for the last."""
        pieces = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)] or [b""]
        for number, piece in enumerate(pieces, 1):
            body: dict[str, Any] = {"type": "file", "format": "base64", "content": base64.b64encode(piece).decode()}
            if len(pieces) > 1:
                body["chunk"] = -1 if number == len(pieces) else number
            self._put(f"api/contents/{name}", body)

    def download(self, name: str) -> Iterator[bytes]:
        """Yield a file in pieces, like a download from the page; ScenarioFailed if it cannot be downloaded."""
        url = urlsplit(f"{self.url}files/{name}")
        with closing(http.client.HTTPConnection(url.hostname or "", url.port, timeout=REQUEST_SECONDS)) as connection:
            try:
                connection.request("GET", url.path, headers={"Authorization": self._authorization})
                answer = connection.getresponse()
                if answer.status != 200:
                    raise ScenarioFailed(f"the download got status {answer.status}", where=url.geturl())
                while piece := answer.read(CHUNK):
                    yield piece
            except (OSError, http.client.HTTPException) as error:
                raise ScenarioFailed(f"the download broke off: {error}", where=url.geturl()) from error

    def in_terminal(self, command: str, expected: str, wait: Wait = settings.KERNEL_READY) -> str:
        """Type a command in a new terminal and return the line that equals `expected`."""
        made = accepted(
            call("POST", f"{self.url}api/terminals", authorization=self._authorization), "a terminal", self.url
        )
        name = made.json()["name"]
        try:
            return asyncio.run(self._typed(name, command, expected, wait))
        finally:
            call("DELETE", f"{self.url}api/terminals/{name}", authorization=self._authorization)

    async def _typed(self, name: str, command: str, expected: str, wait: Wait) -> str:
        shown, socket, left = "", None, False
        url = f"ws{self.url.removeprefix('http')}terminals/websocket/{name}"
        try:
            async with asyncio.timeout(wait.seconds):
                socket = await self._connect(url)
                await socket.write_message(json.dumps(["stdin", f"{command}\r"]))
                while (received := await socket.read_message()) is not None:
                    kind, *content = json.loads(received)
                    shown += content[0] if kind == "stdout" else ""
                    found = next((line for line in shown.splitlines() if line.strip() == expected), None)
                    if found is not None:
                        return found.strip()
            left = True
            raise ScenarioFailed("the terminal's WebSocket closed", where=self.url)
        except TimeoutError:
            raise wait.timed_out(f"the terminal shows {shown[-200:]!r}", self.url) from None
        except _failures() as error:
            raise ScenarioFailed(f"the terminal's WebSocket failed: {error}", where=self.url) from error
        finally:
            if socket is not None:
                await hang_up(socket, left)

    async def _connect(self, url: str) -> "tornado.websocket.WebSocketClientConnection":
        request = tornado.httpclient.HTTPRequest(url, headers={"Authorization": self._authorization})
        return await tornado.websocket.websocket_connect(request, max_message_size=MAX_MESSAGE)

    def _put(self, path: str, body: dict[str, Any]) -> None:
        reply = call("PUT", f"{self.url}{path}", authorization=self._authorization, body=body)
        accepted(reply, f"storing {path}", self.url)

    async def _execute(self, kernel: str, code: str, wait: Wait) -> str:
        message = execute_request(code)
        outputs = Outputs(message["header"]["msg_id"])
        state = "the WebSocket is not open yet"
        url = f"ws{self.url.removeprefix('http')}api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        socket: tornado.websocket.WebSocketClientConnection | None = None
        left = False
        try:
            async with asyncio.timeout(wait.seconds):
                socket = await self._connect(url)
                await socket.write_message(json.dumps(message))
                state = "the WebSocket is open, the cell is sent"
                while (received := await socket.read_message()) is not None:
                    reply = json.loads(received)
                    state = f"the kernel's last message was {reply['msg_type']}"
                    if outputs.take(reply):
                        return self._finished(outputs)
            left = True
            raise ScenarioFailed(f"the kernel's WebSocket closed with code {socket.close_code}", where=self.url)
        except TimeoutError:
            raise wait.timed_out(state, self.url) from None
        except _failures() as error:
            raise ScenarioFailed(f"the kernel's WebSocket failed: {error}", where=self.url) from error
        finally:
            if socket is not None:
                await hang_up(socket, left)

    def _finished(self, outputs: Outputs) -> str:
        if outputs.error:
            raise ScenarioFailed(f"the cell raised {outputs.error}", where=self.url)
        return "".join(outputs.text).strip()


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of a WebSocket that cannot be opened or is interrupted."""
    return (
        OSError,
        tornado.iostream.StreamClosedError,
        tornado.httpclient.HTTPClientError,
        tornado.websocket.WebSocketError,
    )


async def hang_up(socket: "tornado.websocket.WebSocketClientConnection", left: bool) -> None:
    """Close a WebSocket and wait until the server closes it, unless it has already `left`; tornado waits 5 seconds."""
    socket.close()
    while not left:
        left = await socket.read_message() is None


def execute_request(code: str) -> dict[str, Any]:
    """Return the message of Jupyter's protocol 5.3 that runs a cell."""
    return {
        "channel": "shell",
        "header": {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "task-gateway",
            "session": uuid.uuid4().hex,
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": True, "stop_on_error": True},
    }


def document(code: str) -> dict[str, Any]:
    """Return a notebook file with one cell that has not run."""
    cell: dict[str, Any] = {"id": "cell-1", "cell_type": "code", "metadata": {}, "source": code}
    cell |= {"execution_count": None, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
