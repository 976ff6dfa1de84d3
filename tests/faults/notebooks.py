"""A real JupyterLab behind the gateway, and one of its kernels over a WebSocket that a test keeps open."""

import asyncio
import json
import secrets
import uuid
from types import TracebackType
from typing import Any

from tests.faults.lab import NAMESPACE, FaultLab
from tests.faults.watching import until
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from task_gateway import images
from task_gateway.model import Task
from task_gateway.settings import KERNEL_READY, TASK_EXPOSED, TASK_REACHABLE
from task_gateway_lab.master import launcher
from task_gateway_lab.master.exchange import accepted, call
from task_gateway_lab.master.kinds.base import KINDS
from task_gateway_lab.master.notebook import Outputs, execute_request, hang_up

NAME, PORT = "lab", 8888


class Cut(AssertionError):
    """A WebSocket ended before its cell."""


class Kernel:
    """A kernel of a notebook, which is exposed while this is open."""

    def __init__(self, lab: FaultLab) -> None:
        self._stand = lab
        self._task = Task(NAME, NAMESPACE, (PORT,), owner="ada")
        self._loop = asyncio.new_event_loop()
        self._socket: WebSocketClientConnection | None = None

    def __enter__(self) -> "Kernel":
        token = secrets.token_urlsafe(24)
        pod = KINDS.get("notebook").pod(self._task, images.load().notebook)
        launcher.start_task(self._stand.kube, self._task, pod, token)
        self._tasks = self._stand.tasks("listeners")
        (address,) = self._tasks.expose(self._task, wait=TASK_EXPOSED)
        self._authorization = f"token {token}"
        self._url = f"{address}/proxy/{NAME}/api/kernels"
        started = call("POST", f"http://{self._url}", authorization=self._authorization, body={})
        self._id = accepted(started, "starting a kernel", self._url).json()["id"]
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._wait(hang_up(self._socket, left=False))
        self._loop.close()
        self._tasks.release(NAME)
        launcher.end_task(self._stand.kube, self._task)

    def connect(self) -> None:
        """Open a WebSocket to the kernel."""
        url = f"ws://{self._url}/{self._id}/channels?session_id={uuid.uuid4().hex}"
        request = HTTPRequest(url, headers={"Authorization": self._authorization})

        async def open_() -> WebSocketClientConnection:
            return await websocket_connect(request)

        self._socket = self._wait(open_())

    def run_again(self, code: str) -> str:
        """Open a new WebSocket and run a cell over it, as soon as that is possible.

        The workers of an Envoy that shuts down end one after the other: the last may accept a connection, and cut it.
        """
        said: list[str] = []

        def problem() -> str:
            try:
                self.connect()
                said.append(self.run(code))
            except (OSError, HTTPClientError, StreamClosedError, WebSocketClosedError, Cut) as error:
                return str(error) or type(error).__name__
            return ""

        until(problem, TASK_REACHABLE.seconds)
        return said[-1]

    def run(self, code: str) -> str:
        """Run a cell over the open WebSocket and return its output."""
        message = execute_request(code)
        outputs, socket = Outputs(message["header"]["msg_id"]), self._open_socket()

        async def exchange() -> str:
            await socket.write_message(json.dumps(message))
            while (received := await socket.read_message()) is not None:
                if outputs.take(json.loads(received)):
                    return "".join(outputs.text).strip()
            self._socket = None
            raise Cut(f"the WebSocket was cut: {socket.close_code} {socket.close_reason}")

        said: str = self._wait(exchange())
        return said

    def wait_until_cut(self) -> None:
        """Return when the client notices that its WebSocket has ended."""
        socket = self._open_socket()

        async def cut() -> None:
            while await socket.read_message() is not None:
                pass

        self._wait(cut())
        socket.close()
        self._socket = None

    def _open_socket(self) -> WebSocketClientConnection:
        assert self._socket is not None
        return self._socket

    def _wait(self, work: Any) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(work, KERNEL_READY.seconds))
