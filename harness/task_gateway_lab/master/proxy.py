"""The stand-in master's reverse proxy: forwards `/proxy/<task>/...` to the task's host and port.

It is mounted into a pod of the notebook image, and only requires tornado and the standard library. The task
receives the path unchanged, because a notebook's base URL is `/proxy/<task>/`. Bodies are streamed both ways,
redirects are passed on, and WebSockets keep their subprotocol, cookies and close codes.

    PUT    /tasks/<task>   {"host": "10.0.0.1", "port": 30000}   204
    GET    /tasks/<task>   the same object, or 404
    DELETE /tasks/<task>                                         204
    GET    /healthz        ok

The calls to /tasks/ need `Authorization: Bearer $MASTER_TOKEN`.
"""

import asyncio
import hmac
import json
import logging
import os
import sys
from dataclasses import dataclass

from tornado import websocket
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPOutputError,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError
from tornado.routing import PathMatches, Rule
from tornado.tcpclient import TCPClient
from tornado.web import Application, Finish, RequestHandler, stream_request_body

log = logging.getLogger("proxy")

CONNECT_SECONDS = 10.0
PING_SECONDS = 30.0
MAX_MESSAGE = 128 << 20
MAX_STREAMED = 1 << 40
MAX_TABLE_ENTRY = 1 << 16
TASK = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade", "expect"),
}
HANDSHAKE = {f"sec-websocket-{name}" for name in ("key", "version", "extensions", "protocol")}
CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


@dataclass(frozen=True)
class Upstream:
    """The host and port of a task."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Table = dict[str, Upstream]


def without_hop_by_hop(headers: HTTPHeaders) -> HTTPHeaders:
    """Return the end-to-end headers; those that `Connection` names are also dropped."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    kept = HTTPHeaders()
    for name, value in headers.get_all():
        if name.lower() not in HOP_BY_HOP | named:
            kept.add(name, value)
    return kept


def forwarded(request: HTTPServerRequest) -> HTTPHeaders:
    """Return the request's headers for the upstream: Host is kept, X-Forwarded-* are added."""
    headers = without_hop_by_hop(request.headers)
    chain = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{chain}, {request.remote_ip}" if chain else str(request.remote_ip)
    headers.setdefault("X-Forwarded-Host", request.host)
    headers.setdefault("X-Forwarded-Proto", request.protocol)
    return headers


def cause(error: BaseException) -> str:
    """Return why an upstream did not answer, as text."""
    if isinstance(error, StreamClosedError) and error.real_error is not None:
        error = error.real_error
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(error, StreamClosedError | ConnectionResetError):
        return "closed the connection without an answer"
    return str(error) or type(error).__name__


class Base(RequestHandler):
    """The base of all handlers: the table, plain-text errors, and logs without queries, which contain tokens."""

    def initialize(self, table: Table, token: str) -> None:
        """Keep the table of tasks and the token that guards it."""
        self.table = table
        self.token = token

    def stop(self, status: int, text: str) -> Finish:
        """Answer with `text`; raise the result."""
        self.clear()
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text + "\n")
        return Finish()

    def upstream(self, task: str) -> Upstream:
        """Return the host and port of the task, or end with 404."""
        if task not in self.table:
            raise self.stop(404, f"no task is called {task}")
        return self.table[task]

    def unreachable(self, task: str, upstream: Upstream, error: BaseException) -> Finish:
        """Answer 502 with the address and the cause; raise the result."""
        return self.stop(502, f"task {task} at {upstream}: {cause(error)}")

    def log_exception(self, typ: object, value: BaseException | None, tb: object) -> None:
        """Log without the request's query and headers."""
        log.error("%s %s: %r", self.request.method, self.request.path, value)


class Tasks(Base):
    """The table of tasks, for clients with the token."""

    def prepare(self) -> None:
        """Refuse calls without the token."""
        given = self.request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise self.stop(401, "the table of tasks needs its bearer token")

    def get(self, task: str) -> None:
        """Show one entry."""
        upstream = self.upstream(task)
        self.write({"host": upstream.host, "port": upstream.port})

    def put(self, task: str) -> None:
        """Set one entry."""
        try:
            entry = json.loads(self.request.body)
            host, port = entry["host"], entry["port"]
        except (ValueError, KeyError, TypeError):
            raise self.stop(400, 'the body is not {"host": ..., "port": ...}') from None
        if not (isinstance(host, str) and host and isinstance(port, int) and 0 < port < 65536):
            raise self.stop(400, "host is not a name or address, or port is not in 1 to 65535")
        self.table[task] = Upstream(host, port)
        self.set_status(204)

    def delete(self, task: str) -> None:
        """Remove one entry, if it is there."""
        self.table.pop(task, None)
        self.set_status(204)


class Health(Base):
    """The health endpoint."""

    def get(self) -> None:
        """Answer ok."""
        self.finish("ok\n")


class UpstreamAnswer(HTTPMessageDelegate):
    """Streams the upstream's response to the client, no faster than the client reads."""

    def __init__(self, handler: RequestHandler) -> None:
        self.handler = handler
        self.started = self.complete = False

    async def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Pass on status and headers; interim responses (1xx) are dropped."""
        assert isinstance(start_line, ResponseStartLine)
        if start_line.code < 200:
            return
        self.handler.clear()
        for default in ("Server", "Content-Type", "Date"):
            self.handler.clear_header(default)
        self.handler.set_status(start_line.code, start_line.reason)
        for name, value in without_hop_by_hop(headers).get_all():
            self.handler.add_header(name, value)
        self.started = True
        await self.flush()

    async def data_received(self, chunk: bytes) -> None:
        """Pass on one chunk of the body."""
        self.handler.write(chunk)
        await self.flush()

    async def flush(self) -> None:
        """Wait until the client has read the data; after a disconnect, `on_connection_close` ends the exchange."""
        try:
            await self.handler.flush()
        except StreamClosedError:
            log.info("%s: the client disconnected", self.handler.request.path)

    def finish(self) -> None:
        """Note that the body is complete."""
        self.complete = True


@stream_request_body
class Http(Base):
    """One HTTP exchange, streamed both ways over its own connection."""

    connection: HTTP1Connection | None = None

    async def prepare(self) -> None:
        """Connect to the task and send the head of the request."""
        assert isinstance(self.request.connection, HTTP1Connection)
        self.request.connection.set_max_body_size(MAX_STREAMED)
        self.task = self.path_args[0]
        self.target = self.upstream(self.task)
        try:
            stream = await TCPClient().connect(self.target.host, self.target.port, timeout=CONNECT_SECONDS)
        except (OSError, StreamClosedError) as error:
            raise self.unreachable(self.task, self.target, error) from None
        stream.set_nodelay(True)
        self.connection = HTTP1Connection(
            stream, True, HTTP1ConnectionParameters(no_keep_alive=True, max_body_size=MAX_STREAMED)
        )
        headers = forwarded(self.request)
        headers["Connection"] = "close"
        line = RequestStartLine(str(self.request.method), str(self.request.uri), "HTTP/1.1")
        self.connection.write_headers(line, headers)
        self.answer = UpstreamAnswer(self)
        self.reading = asyncio.ensure_future(self.connection.read_response(self.answer))

    async def data_received(self, chunk: bytes) -> None:
        """Pass on one chunk of the request's body; an upstream that answers early may have disconnected."""
        assert self.connection is not None
        try:
            await self.connection.write(chunk)
        except StreamClosedError:
            return

    async def forward(self, task: str) -> None:
        """Wait for the end of the response; called when the request's body is complete."""
        assert self.connection is not None
        error: BaseException = StreamClosedError()
        try:
            self.connection.finish()
            await self.reading
        except (StreamClosedError, HTTPOutputError) as ended:
            error = ended
        if not self.answer.started:
            raise self.unreachable(task, self.target, error)
        if not self.answer.complete:
            log.warning("task %s at %s: the response was interrupted", task, self.target)
            self.detach().close()
            raise Finish

    get = head = post = put = patch = delete = options = forward

    def on_connection_close(self) -> None:
        """Close the upstream connection when the client has disconnected."""
        if self.connection is not None:
            self.connection.close()


def close_code(code: int | None) -> int | None:
    """Return the code if a close frame may have it; 1005 and 1006 only mean that there was no code."""
    return code if code in CLOSE_CODES else None


class WebSocket(Base, websocket.WebSocketHandler):
    """One WebSocket, connected to a WebSocket of the task before the client's is accepted."""

    peer: websocket.WebSocketClientConnection | None = None

    async def prepare(self) -> None:
        """Open the WebSocket of the task. If its status is not 101, the client receives that status."""
        task = self.path_args[0]
        target = self.upstream(task)
        headers = forwarded(self.request)
        for name in HANDSHAKE & {name.lower() for name in headers}:
            del headers[name]
        offered = self.request.headers.get("Sec-WebSocket-Protocol")
        url = f"ws://{target}{self.request.uri}"
        try:
            self.peer = await websocket.websocket_connect(
                HTTPRequest(url, headers=headers, connect_timeout=CONNECT_SECONDS),
                subprotocols=[name.strip() for name in offered.split(",")] if offered else None,
                ping_interval=PING_SECONDS,
                max_message_size=MAX_MESSAGE,
            )
        except HTTPClientError as answered:
            if answered.code == 599:
                raise self.unreachable(task, target, StreamClosedError()) from None
            raise self.stop(answered.code, f"task {task} at {target}: {answered.message}") from None
        except (OSError, StreamClosedError, websocket.WebSocketError) as error:
            raise self.unreachable(task, target, error) from None

    def check_origin(self, origin: str) -> bool:
        """Accept every origin, because the task receives the same Host and Origin and checks them."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Select the subprotocol that the task selected."""
        return self.peer.selected_subprotocol if self.peer else None

    def open(self, *args: str, **kwargs: str) -> None:
        """Start to pass on messages of the task."""
        self.pumping = asyncio.ensure_future(self.pump())

    async def pump(self) -> None:
        """Pass on messages of the task until it closes, then close with its code."""
        peer = self.peer
        assert peer is not None
        try:
            while (message := await peer.read_message()) is not None:
                await self.write_message(message, binary=isinstance(message, bytes))
        except (websocket.WebSocketClosedError, StreamClosedError):
            return
        finally:
            peer.close()
        self.close(close_code(peer.close_code), peer.close_reason)

    async def on_message(self, message: str | bytes) -> None:
        """Pass on a message of the client."""
        assert self.peer is not None
        try:
            await self.peer.write_message(message, binary=isinstance(message, bytes))
        except (websocket.WebSocketClosedError, StreamClosedError):
            self.close(1001, "the task disconnected")

    def on_close(self) -> None:
        """Close the WebSocket of the task with the client's code."""
        if self.peer is not None:
            self.peer.close(close_code(self.close_code), self.close_reason)

    def on_connection_close(self) -> None:
        """Close the WebSocket of the task if the client disconnected before it was accepted."""
        super().on_connection_close()
        if self.peer is not None:
            self.peer.close()


class Upgrades(PathMatches):
    """A path that only matches WebSocket requests."""

    def match(self, request: HTTPServerRequest) -> dict[str, object] | None:
        """Match the path if the request is an upgrade to WebSocket."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return None
        return super().match(request)


def log_request(handler: RequestHandler) -> None:
    """Write one line per request, without its query."""
    request = handler.request
    milliseconds = 1000 * request.request_time()
    log.info("%d %s %s %.0f ms", handler.get_status(), request.method, request.path, milliseconds)


def application(token: str, table: Table | None = None) -> Application:
    """Return the proxy as a tornado application; `token` guards the table of tasks."""
    if not token:
        raise ValueError("the table of tasks needs a token")
    shared = {"table": {} if table is None else table, "token": token}
    proxied = rf"/proxy/({TASK})(?:/.*)?"
    return Application(
        [
            Rule(PathMatches(r"/healthz"), Health, shared),
            Rule(PathMatches(rf"/tasks/({TASK})"), Tasks, shared),
            Rule(Upgrades(proxied), WebSocket, shared),
            Rule(PathMatches(proxied), Http, shared),
        ],
        log_function=log_request,
        websocket_ping_interval=PING_SECONDS,
        websocket_max_message_size=MAX_MESSAGE,
    )


async def main() -> None:
    """Serve on all addresses until the process ends."""
    server = HTTPServer(application(os.environ["MASTER_TOKEN"]), max_body_size=MAX_TABLE_ENTRY)
    port = int(os.environ["MASTER_PORT"])
    server.listen(port)
    log.info("serving on port %d", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    missing = [name for name in ("MASTER_TOKEN", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {' and '.join(missing)}")
    asyncio.run(main())
