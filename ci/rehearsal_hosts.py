"""Replaces the internet in a rehearsal: a real registry and a file server, both only on this machine.

The registry has images as `HOST/NAME:TAG` of their upstream names; engine and nodes use it by their mirror
configuration. The file server has released archives as `HOST/PATH` of their upstream URLs.
"""

import functools
import hashlib
import http.server
import json
import shutil
import socket
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import archives
import image_list
import pins
import sources
from offline import programs
from task_gateway import settings
from task_gateway.kube.process import Process, spawn
from task_gateway_lab.clusters.engine import Engine

HOSTS = ("docker.io", "registry.k8s.io", "ghcr.io", "quay.io")
REGISTRY_READY = settings.Wait("registry-ready", "the rehearsal's registry answers", 30)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ONLY_THERE = "docker.io/library/rehearsed:1"
"""An image that only the registry has: a pod that runs it shows that nodes pull through their mirror."""


class ImageRegistry:
    """The distribution project's registry, with its files in a folder; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{_free_port()}"
        self._folder = folder
        self._process: Process | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        port = self.address.rpartition(":")[2]
        config = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "registry")}},
            "http": {"addr": f"0.0.0.0:{port}"},  # nodes reach it at the address of their network's gateway
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "registry.json"  # JSON is YAML
        file.write_text(json.dumps(config))
        self._process = spawn([programs.build(programs.REGISTRY), "serve", file], log=self._folder / "registry.log")
        deadline = time.monotonic() + REGISTRY_READY.seconds
        while not self._answers():
            if time.monotonic() > deadline:
                raise REGISTRY_READY.timed_out("no answer", str(self._folder / "registry.log"))
            time.sleep(settings.PROBE_PAUSE_SECONDS)

    def stop(self) -> None:
        """End it; fine if it does not run."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def push(self, engine: Engine, image: str, upstream: str) -> str:
        """Push an image of the engine under its upstream name and tag, and return the digest it has here."""
        there = f"{self.address}/{upstream}"
        engine.run("tag", image, there)
        try:
            engine.run("push", "-q", there)
        finally:
            engine.run("untag", image, there, check=False)
        return self._digest(upstream)

    def _digest(self, upstream: str) -> str:
        name, _, tag = upstream.rpartition(":")
        asked = urllib.request.Request(f"http://{self.address}/v2/{name}/manifests/{tag}", method="HEAD")
        asked.add_header("Accept", ", ".join(MANIFESTS))
        with urllib.request.urlopen(asked) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/"):
                return True
        except OSError:
            return False


def engine_mirrors(address: str) -> str:
    """Return podman's registries.conf: each upstream registry is looked up in the rehearsal's."""
    own = f'[[registry]]\nlocation = "{address}"\ninsecure = true\n'
    others = [f'[[registry]]\nprefix = "{host}"\nlocation = "{address}/{host}"\ninsecure = true\n' for host in HOSTS]
    return "\n".join([own, *others])


def node_mirrors(address: str, folder: Path) -> None:
    """Write containerd's hosts.toml for each upstream registry: nodes pull through the rehearsal's."""
    for host in HOSTS:
        (folder / host).mkdir(parents=True)
        place = f'[host."http://{address}/v2/{host}"]\n  capabilities = ["pull", "resolve"]\n  override_path = true\n'
        (folder / host / "hosts.toml").write_text(f'server = "http://{address}/v2/{host}"\n\n{place}')


def released(folder: Path) -> None:
    """Write the released archives that the rehearsal serves: Helm with its checksum, the sources of the charts."""
    version = archives.version("helm")
    name = f"helm-v{version}-{archives.platform_name()}.tar.gz"
    place = folder / "get.helm.sh"
    place.mkdir(parents=True)
    with tarfile.open(place / name, "w:gz") as archive:
        archive.add((settings.tools_dir() / "helm").resolve(), f"{archives.platform_name()}/helm")
    digest = hashlib.sha256((place / name).read_bytes()).hexdigest()
    (place / f"{name}.sha256sum").write_text(f"{digest}  {name}\n")
    versions = pins.read()
    for module, repository in sources.REPOSITORIES.items():
        pin, tool_module = next((each.pin, each.tool_module) for each in pins.GO_PINS if each.module == module)
        tag = f"v{versions[pin]}"
        tags = folder / "github.com" / repository / "archive/refs/tags"
        tags.mkdir(parents=True)
        with tarfile.open(tags / f"{tag}.tar.gz", "w:gz", compresslevel=1) as archive:
            archive.add(sources.module_dir(module, tag, tool_module), f"{repository.partition('/')[2]}-{tag}")


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on loopback and yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing, because the client reports failures."""


def filled_list(digests: dict[str, str]) -> list[dict[str, object]]:
    """Return the list of images with the digests that they have in the rehearsal's registry."""
    entries = json.loads(pins.IMAGES.read_text())
    return [entry | {"digest": digests.get(f"{entry['name']}:{entry['tag']}")} for entry in entries]


def pushed() -> list[image_list.Image]:
    """Return the images that a run pulls and that build mode has made, the node and the notebook aside."""
    return [
        each
        for purpose, each in image_list.chosen().items()
        if each.pulled and purpose not in ("node", "notebook", "python")
    ]


def path_without(names: tuple[str, ...], path: str, folder: Path) -> str:
    """Return a PATH on which none of the programs is found: a folder with one of them is replaced by links."""
    folders = []
    for each in path.split(":"):
        place = Path(each)
        if not any((place / name).exists() for name in names):
            folders.append(each)
            continue
        shadow = folder / str(place).strip("/").replace("/", "-")
        shadow.mkdir(parents=True, exist_ok=True)
        for program in place.iterdir():
            if program.name not in names and not (shadow / program.name).is_symlink():
                (shadow / program.name).symlink_to(program)
        folders.append(str(shadow))
    assert all(shutil.which(name, path=":".join(folders)) is None for name in names)
    return ":".join(folders)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
