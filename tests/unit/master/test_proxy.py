"""The reverse proxy over real sockets on loopback, against small tornado upstreams and raw listeners."""

import json
import logging
import socket
from contextlib import closing
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream
from tornado.simple_httpclient import HTTPStreamClosedError
from tornado.tcpserver import TCPServer
from tornado.testing import AsyncHTTPTestCase, bind_unused_port, gen_test
from tornado.web import Application, RequestHandler, stream_request_body
from tornado.websocket import WebSocketHandler, websocket_connect

from task_gateway_lab.master import proxy

TOKEN = "s3cret-of-the-table"
BIG = 12 << 20


class Echo(RequestHandler):
    """Returns the received request."""

    def get(self) -> None:
        self.add_header("Set-Cookie", "a=1")
        self.add_header("Set-Cookie", "b=2")
        self.write({"uri": self.request.uri, "headers": dict(self.request.headers.get_all())})

    def head(self) -> None:
        self.set_header("Content-Length", "77")

    def delete(self) -> None:
        self.set_status(204)


class Redirect(RequestHandler):
    def get(self) -> None:
        self.redirect("/proxy/t/elsewhere?x=1", status=307)


class NotModified(RequestHandler):
    def get(self) -> None:
        self.set_status(304)


@stream_request_body
class Upload(RequestHandler):
    """Counts a body piece by piece."""

    def prepare(self) -> None:
        self.count = self.pieces = 0

    def data_received(self, chunk: bytes) -> None:
        self.count += len(chunk)
        self.pieces += 1

    def put(self) -> None:
        self.write({"count": self.count, "pieces": self.pieces})


class Download(RequestHandler):
    async def get(self) -> None:
        for _ in range(BIG >> 16):
            self.write(b"x" * (1 << 16))
            await self.flush()


class Talk(WebSocketHandler):
    """Echoes messages; closes with the code in a message."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[-1] if subprotocols else None

    def open(self, *args: str, **kwargs: str) -> None:
        headers = self.request.headers
        self.write_message({name: headers.get(name) for name in ("Origin", "Cookie", "Authorization", "Host")})

    def on_message(self, message: str | bytes) -> None:
        if message == "leave":
            self.close(4002, "as told")
        else:
            self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        self.settings["closed"].append((self.close_code, self.close_reason))


class Barred(RequestHandler):
    def get(self) -> None:
        self.set_status(403)


class Hangup(TCPServer):
    """Accepts and closes: at once, or in the middle of an answer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        if self.answer:
            await stream.read_until(b"\r\n\r\n")
            await stream.write(self.answer)
        stream.close()


class ProxyTest(AsyncHTTPTestCase):
    """One proxy, one upstream called `t`."""

    def get_app(self) -> Application:
        self.closed: list[tuple[int | None, str | None]] = []
        upstream = Application(
            [
                (r"/proxy/t/", Echo),
                (r"/proxy/t/redirect", Redirect),
                (r"/proxy/t/same", NotModified),
                (r"/proxy/t/upload", Upload),
                (r"/proxy/t/download", Download),
                (r"/proxy/t/talk", Talk),
                (r"/proxy/t/barred", Barred),
            ],
            closed=self.closed,
            websocket_max_message_size=BIG,
        )
        self.servers: list[TCPServer] = []
        listener, self.upstream_port = bind_unused_port()
        self.upstream = HTTPServer(upstream, max_body_size=1 << 30)
        self.upstream.add_socket(listener)
        self.table = {"t": proxy.Upstream("127.0.0.1", self.upstream_port)}
        return proxy.application(TOKEN, self.table)

    def tearDown(self) -> None:
        for server in (*self.servers, self.upstream):
            server.stop()
        self.io_loop.run_sync(self.upstream.close_all_connections)
        super().tearDown()

    def get(self, path: str, **options: Any) -> HTTPResponse:
        options.setdefault("follow_redirects", False)
        return self.fetch(path, **options)

    def hangup(self, answer: bytes) -> int:
        server = Hangup(answer)
        listener, port = bind_unused_port()
        server.add_socket(listener)
        self.servers.append(server)
        return int(port)

    def test_passes_path_query_host_and_adds_forwarded(self) -> None:
        answer = self.get("/proxy/t/?q=%2Fa", headers={"Host": "master.example", "TE": "trailers", "X-Own": "1"})
        seen = json.loads(answer.body)
        assert seen["uri"] == "/proxy/t/?q=%2Fa"
        assert seen["headers"]["Host"] == "master.example"
        assert seen["headers"]["X-Own"] == "1"
        assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
        assert seen["headers"]["X-Forwarded-Host"] == "master.example"
        assert seen["headers"]["X-Forwarded-Proto"] == "http"
        assert "Te" not in seen["headers"]
        assert answer.headers.get_list("Set-Cookie") == ["a=1", "b=2"]
        assert len(answer.headers.get_list("Server")) == len(answer.headers.get_list("Date")) == 1

    def test_drops_what_connection_names(self) -> None:
        given = HTTPHeaders({"Connection": "close, X-Once", "X-Once": "1", "X-Kept": "2", "Upgrade": "h2c"})
        assert dict(proxy.without_hop_by_hop(given)) == {"X-Kept": "2"}

    def test_a_redirect_is_passed_on_and_not_followed(self) -> None:
        answer = self.get("/proxy/t/redirect")
        assert answer.code == 307
        assert answer.headers["Location"] == "/proxy/t/elsewhere?x=1"

    def test_answers_without_a_body(self) -> None:
        assert self.get("/proxy/t/same").code == 304
        assert self.get("/proxy/t/", method="DELETE").code == 204
        assert self.get("/proxy/t/", method="HEAD").headers["Content-Length"] == "77"

    def test_a_big_body_is_streamed_up_and_down(self) -> None:
        up = json.loads(self.get("/proxy/t/upload", method="PUT", body=b"y" * BIG).body)
        assert up["count"] == BIG
        assert up["pieces"] > 1
        down = self.get("/proxy/t/download")
        assert down.body == b"x" * BIG

    def test_a_body_of_unknown_length_is_streamed(self) -> None:
        async def produce(write: Any) -> None:
            for _ in range(3):
                await write(b"abc")

        up = json.loads(self.get("/proxy/t/upload", method="PUT", body_producer=produce).body)
        assert up["count"] == 9

    def test_an_unknown_task_is_404_in_words(self) -> None:
        answer = self.get("/proxy/nobody/api", method="POST", body="x")
        assert (answer.code, answer.body) == (404, b"no task is called nobody\n")

    def test_a_refused_connection_is_502_with_address_and_cause(self) -> None:
        with closing(socket.socket()) as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.table["gone"] = proxy.Upstream("127.0.0.1", port)
        answer = self.get("/proxy/gone/")
        assert answer.code == 502
        assert answer.body.decode() == f"task gone at 127.0.0.1:{port}: connection refused\n"

    def test_a_connection_closed_without_a_byte_is_502(self) -> None:
        port = self.hangup(b"")
        self.table["shut"] = proxy.Upstream("127.0.0.1", port)
        for method, body in (("GET", None), ("POST", b"z" * 100_000)):
            answer = self.get("/proxy/shut/", method=method, body=body)
            assert answer.code == 502
            said = answer.body.decode()
            assert said == f"task shut at 127.0.0.1:{port}: closed the connection without an answer\n"

    def test_an_answer_that_breaks_off_does_not_look_whole(self) -> None:
        for start in (b"Content-Length: 100\r\n\r\nonly", b"Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n"):
            port = self.hangup(b"HTTP/1.1 200 OK\r\n" + start)
            self.table["half"] = proxy.Upstream("127.0.0.1", port)
            with pytest.raises(HTTPStreamClosedError):
                self.get("/proxy/half/")

    def test_the_table_is_set_shown_and_cleared_with_the_token(self) -> None:
        owner = {"Authorization": f"Bearer {TOKEN}"}
        entry = {"host": "127.0.0.1", "port": self.upstream_port}
        assert self.get("/tasks/new", method="PUT", body=json.dumps(entry), headers=owner).code == 204
        assert json.loads(self.get("/tasks/new", headers=owner).body) == entry
        assert self.get("/tasks/new", method="DELETE", headers=owner).code == 204
        assert self.get("/tasks/new", headers=owner).code == 404

    def test_the_table_refuses_others_and_nonsense(self) -> None:
        entry = json.dumps({"host": "10.0.0.1", "port": 1})
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            assert self.get("/tasks/t", method="PUT", body=entry, headers=header).code == 401
            assert self.get("/tasks/t", headers=header).code == 401
        owner = {"Authorization": f"Bearer {TOKEN}"}
        for nonsense in ("", "[]", '{"host": "h"}', '{"host": "h", "port": 0}', '{"host": "", "port": 5}'):
            assert self.get("/tasks/t", method="PUT", body=nonsense, headers=owner).code == 400
        assert self.table["t"].port == self.upstream_port

    def test_health(self) -> None:
        assert self.get("/healthz").body == b"ok\n"

    def test_tokens_stay_out_of_the_log(self) -> None:
        with self.assertLogs("proxy", logging.INFO) as logs:
            self.get("/proxy/t/?token=hidden", headers={"Authorization": "token hidden"})
            self.get("/tasks/t", headers={"Authorization": f"Bearer {TOKEN}"})
        said = "\n".join(logs.output)
        assert "200 GET /proxy/t/" in said
        assert "hidden" not in said
        assert TOKEN not in said

    def socket(self, path: str, **headers: str) -> HTTPRequest:
        return HTTPRequest(f"ws://127.0.0.1:{self.get_http_port()}{path}", headers=headers)

    @gen_test
    async def test_a_websocket_carries_both_ways(self) -> None:
        request = self.socket(
            "/proxy/t/talk",
            **{
                "Origin": "http://master.example",
                "Host": "master.example",
                "Cookie": "c=1",
                "Authorization": "token k",
            },
        )
        client = await websocket_connect(
            request, subprotocols=["v0", "v1.kernel.websocket.jupyter.org"], max_message_size=BIG
        )
        assert client.selected_subprotocol == "v1.kernel.websocket.jupyter.org"
        assert json.loads(str(await client.read_message())) == {
            "Origin": "http://master.example",
            "Cookie": "c=1",
            "Authorization": "token k",
            "Host": "master.example",
        }
        for message in ("text", b"\x00bytes", "m" * (11 << 20)):
            await client.write_message(message, binary=isinstance(message, bytes))
            assert await client.read_message() == message
        await client.write_message("leave")
        assert await client.read_message() is None
        client.close()
        assert (client.close_code, client.close_reason) == (4002, "as told")

    @gen_test
    async def test_the_clients_close_code_reaches_the_task(self) -> None:
        client = await websocket_connect(self.socket("/proxy/t/talk"))
        assert client.selected_subprotocol is None
        await client.read_message()
        client.close(4001, "enough")
        assert await client.read_message() is None
        while not self.closed:
            await self.settle()
        assert self.closed == [(4001, "enough")]

    async def settle(self) -> None:
        """Let the servers, which share this loop, continue."""
        response = await self.http_client.fetch(self.get_url("/healthz"))
        assert response.code == 200

    @gen_test
    async def test_a_refused_websocket_gets_the_tasks_answer_or_502(self) -> None:
        self.table["shut"] = proxy.Upstream("127.0.0.1", self.hangup(b""))
        for path, code in (("/proxy/t/barred", 403), ("/proxy/shut/talk", 502), ("/proxy/nobody/talk", 404)):
            with pytest.raises(HTTPClientError) as refused:
                await websocket_connect(self.socket(path))
            assert refused.value.code == code


def test_no_token_no_proxy() -> None:
    with pytest.raises(ValueError, match="token"):
        proxy.application("")


@pytest.mark.parametrize(("code", "sent"), [(1000, 1000), (4001, 4001), (1005, None), (1006, None), (None, None)])
def test_only_codes_that_a_frame_may_carry_are_sent(code: int | None, sent: int | None) -> None:
    assert proxy.close_code(code) == sent
