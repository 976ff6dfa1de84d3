"""The client without a cluster: kubeconfig files, and an API server that is busy."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from task_gateway.errors import ApiError, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import current_context
from task_gateway.model import Cluster


def kubeconfig(file: Path, current: str = "a") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": each, "cluster": {"server": f"https://{each}.example"}} for each in "ab"],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": each, "context": {"cluster": each, "user": "me"}} for each in "ab"],
    }
    file.write_text(yaml.safe_dump(content))
    return file


def test_the_named_context_is_used_and_never_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "users", "b")))
    file = kubeconfig(tmp_path / "ours")
    assert current_context(file) == "a"
    assert Kube(Cluster("x", "existing", file)).server == "https://a.example"
    assert Kube(Cluster("x", "existing", file, "b")).server == "https://b.example"


@pytest.mark.parametrize("text", ["", "{", "- 1", "just text", "kind: Config\ncurrent-context: gone\ncontexts: []\n"])
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(UsageError, match="cannot use the kubeconfig") as refused:
        current_context(file)
    assert refused.value.where == str(file)
    with pytest.raises(UsageError, match="cannot use the kubeconfig"):
        Kube(Cluster("x", "existing", file))


def test_a_kubeconfig_that_is_not_there_or_lacks_the_context(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot use the kubeconfig"):
        current_context(tmp_path / "none")
    with pytest.raises(UsageError, match="nowhere"):
        Kube(Cluster("x", "existing", kubeconfig(tmp_path / "ours"), "nowhere"))


class Busy(http.server.BaseHTTPRequestHandler):
    """Responds several times, as configured, that it is busy, then answers."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        busy = len(self.server.seen) <= self.server.busy  # type: ignore[attr-defined]
        body = b'{"message": "storage is (re)initializing"}' if busy else b'{"gitVersion": "v1.36.3"}'
        self.send_response(429 if busy else 200)
        if busy:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def busy_server(tmp_path: Path) -> Iterator[tuple[http.server.HTTPServer, Kube]]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Busy)
    server.seen, server.busy = [], 2  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    file = kubeconfig(tmp_path / "kubeconfig")
    file.write_text(file.read_text().replace("https://a.example", f"http://127.0.0.1:{server.server_port}"))
    yield server, Kube(Cluster("busy", "existing", file))
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_busy_api_server_is_asked_again_when_it_says(busy_server: tuple[Any, Kube]) -> None:
    server, kube = busy_server
    assert kube.version() == "v1.36.3"
    assert server.seen == ["/version"] * 3


def test_one_that_stays_busy_is_given_up_with_what_it_says(busy_server: tuple[Any, Kube]) -> None:
    server, kube = busy_server
    server.busy = 99
    with pytest.raises(ApiError, match="initializing") as given_up:
        kube.version()
    assert (given_up.value.status, len(server.seen)) == (429, 10)
