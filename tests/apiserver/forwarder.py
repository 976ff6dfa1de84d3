"""Forwards connections to an API server, and can suspend open ones: they receive no data and do not end."""

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml

LOOK_SECONDS, PIECE = 0.05, 65536


class Forwarder(socketserver.ThreadingTCPServer):
    """Listens on loopback, like the API server, whose certificate is also valid for this address."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.target = (host, port)
        self.hangs: set[object] = set()
        self.open: set[object] = set()
        self.ends = threading.Event()

    def hang(self) -> int:
        """Suspend all open connections, and return their number; new ones are forwarded."""
        self.hangs = set(self.open)
        return len(self.hangs)


@contextmanager
def forwarding(kubeconfig: Path, folder: Path) -> Iterator[tuple[Forwarder, Path]]:
    """Start a forwarder to the API server of a kubeconfig, and yield it with a kubeconfig that uses it."""
    content = yaml.safe_load(kubeconfig.read_text())
    (entry,) = content["clusters"]
    server = urlsplit(entry["cluster"]["server"])
    with Forwarder(str(server.hostname), int(server.port or 0)) as made:
        entry["cluster"]["server"] = f"https://127.0.0.1:{made.server_address[1]}"
        file = folder / "forwarded.kubeconfig"
        file.write_text(yaml.safe_dump(content))
        thread = threading.Thread(target=made.serve_forever, args=(LOOK_SECONDS,))
        thread.start()
        try:
            yield made, file
        finally:
            made.shutdown()
            made.ends.set()
            thread.join()


class _Forward(socketserver.BaseRequestHandler):
    server: Forwarder
    request: socket.socket

    def handle(self) -> None:
        self.server.open.add(self)
        try:
            with suppress(OSError), socket.create_connection(self.server.target) as other:
                self._join(other)
        finally:
            self.server.open.discard(self)

    def _join(self, other: socket.socket) -> None:
        ways = {self.request: other, other: self.request}
        while self not in self.server.hangs:
            for ready in select.select(list(ways), [], [], LOOK_SECONDS)[0]:
                piece = ready.recv(PIECE)
                if not piece:
                    return
                ways[ready].sendall(piece)
        self.server.ends.wait()
