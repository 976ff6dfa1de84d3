"""Proxies on loopback, as threads: CONNECT over http or https, with or without a password, and SOCKS5 with DNS."""

import base64
import select
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class TunnelProxy(socketserver.ThreadingTCPServer):
    """A proxy that records the requested destinations."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, scheme: str, *, login: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Socks if scheme == "socks5" else _Connect)
        self.asked: list[str] = []
        self.expected = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        self.tls = tls
        at = f"{login}@" if login else ""
        self.url = f"{scheme}://{at}127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        return (self.tls.wrap_socket(connection, server_side=True) if self.tls else connection), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing, because a client that does not trust the proxy disconnects."""


@contextmanager
def proxy(scheme: str, *, login: str = "", tls: ssl.SSLContext | None = None) -> Iterator[TunnelProxy]:
    """Start a proxy for the context."""
    with TunnelProxy(scheme, login=login, tls=tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Connect(socketserver.StreamRequestHandler):
    server: TunnelProxy

    def handle(self) -> None:
        target = self.rfile.readline().split()[1].decode()
        lines = iter(lambda: self.rfile.readline().decode().strip(), "")
        given = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if given.get("proxy-authorization", "") != self.server.expected:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        self.server.asked.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            _join(self.connection, other)


class _Socks(socketserver.StreamRequestHandler):
    server: TunnelProxy

    def handle(self) -> None:
        _, count = self.rfile.read(2)
        self.rfile.read(count)
        self.wfile.write(b"\x05\x00")
        _, _, _, kind = self.rfile.read(4)
        host = socket.inet_ntoa(self.rfile.read(4)) if kind == 1 else self.rfile.read(self.rfile.read(1)[0]).decode()
        (port,) = struct.unpack("!H", self.rfile.read(2))
        self.server.asked.append(f"{host}:{port}")
        with socket.create_connection((host, port)) as other:
            self.wfile.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            _join(self.connection, other)


def _join(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while True:
            for ready in _readable(one, other):
                piece = ready.recv(65536)
                if not piece:
                    return
                (other if ready is one else one).sendall(piece)


def _readable(one: socket.socket, other: socket.socket) -> list[socket.socket]:
    if isinstance(one, ssl.SSLSocket) and one.pending():
        return [one]
    return select.select([one, other], [], [])[0]
