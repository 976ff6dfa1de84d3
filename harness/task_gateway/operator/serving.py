"""The operator's HTTP port, for liveness, readiness and metrics."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POLL_SECONDS = 0.1
"""How often the server checks for its shutdown."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"


def serve(port: int, ready: Callable[[], bool], metrics: Callable[[], str]) -> ThreadingHTTPServer:
    """Serve /healthz, /readyz and /metrics on all addresses of this machine until `shutdown`; port 0 uses a free one.

    OSError if the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, metrics())
            elif self.path == "/healthz":
                self._answer(200, "ok")
            elif self.path == "/readyz":
                self._answer(*((200, "ok") if ready() else (503, "the objects are not read yet")))
            else:
                self._answer(404, "not found")

        def log_message(self, *_: object) -> None:
            """Log no requests, because there is a probe every few seconds."""

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="serves metrics", daemon=True).start()
    return server
