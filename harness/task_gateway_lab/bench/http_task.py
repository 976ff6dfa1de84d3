"""Runs in a pod as a task that speaks HTTP: its name, an endless stream, and an echo over WebSocket.

The last part of the path selects one of the three, because a proxy can add a prefix. The program only requires Python:
the pod gets its text as an argument.
"""

import base64
import hashlib
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME, STREAM, ECHO = "name", "stream", "echo"
PIECE = bytes(1 << 18)
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The constant of RFC 6455 that a server adds to the key of a client."""
MESSAGE, ANSWER = b"\x81\x81\0\0\0\0.", b"\x81\x01."
"""Frames with a text of one byte: masked with zeros from the client, unmasked from the server."""


class TaskServer(ThreadingHTTPServer):
    """A server with the name of its task."""

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, host: str, port: int, name: str) -> None:
        super().__init__((host, port), TaskHandler)
        self.name = name


class TaskHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TaskServer

    def do_GET(self) -> None:
        """Answer the request that the end of the path selects."""
        answers = {NAME: self._name, STREAM: self._stream, ECHO: self._echo}
        answer = answers.get(self.path.rpartition("/")[2])
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            answer()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing, because a line for each request would add to its duration."""

    def _name(self) -> None:
        body = self.server.name.encode()
        self._head(HTTPStatus.OK, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _stream(self) -> None:
        self._head(HTTPStatus.OK, {"Content-Length": str(1 << 50)})
        while True:
            self.wfile.write(PIECE)

    def _echo(self) -> None:
        digest = hashlib.sha1(self.headers.get("Sec-WebSocket-Key", "").encode() + WEBSOCKET).digest()
        accept = {"Upgrade": "websocket", "Connection": "Upgrade"}
        accept["Sec-WebSocket-Accept"] = base64.b64encode(digest).decode()
        self._head(HTTPStatus.SWITCHING_PROTOCOLS, accept)
        while self.rfile.read(len(MESSAGE)) == MESSAGE:
            self.wfile.write(ANSWER)
        self.close_connection = True

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


if __name__ == "__main__":
    called, on = sys.argv[1:]
    TaskServer("", int(on), called).serve_forever()
