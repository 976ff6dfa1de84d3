"""Rehearses pull mode without the internet: `python ci/rehearse.py [--record FILE]`, after a toolchain in build mode.

A registry on this machine answers for the upstream ones by the engine's own mirror configuration, and by containerd's
in the nodes. `make e2e` runs from a fresh clone with empty caches and without Go or debootstrap on PATH, cold and warm;
then each way in which pull mode fails is shown. Needs podman, whose storage and mirrors are set for this run only.
"""

import argparse
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import image_list
import images as recipes
import pins
import programs
import rehearsal_hosts as hosts
from progress import Progress, attended
from task_gateway.clusters import images
from task_gateway.clusters.engine import Engine, engine
from task_gateway.errors import EngineError, ScenarioFailed, UsageError
from task_gateway.kube.process import Completed, Word, run

NODE, NOTEBOOK = "localhost/task-gateway/rehearsal-node", "localhost/task-gateway/rehearsal-notebook"
WITHOUT = ("go", "gofmt", "debootstrap")
NAME = "rehearsal"
SMALL_DISK = "200m"  # less than one image of a run
# Jupyter's image has neither TensorBoard nor sshd: what pull mode adds is taken away from the one that was built.
STRIPPED = """ARG BASE
FROM ${BASE}
USER root
RUN /opt/lab/bin/pip uninstall --yes --quiet tensorboard && apt-get purge --yes --quiet openssh-server > /dev/null
USER 1000:100
"""


@dataclass
class Rehearsal:
    """One rehearsal: its folder, the engine with the images, and the seconds that each part took."""

    folder: Path
    engine: Engine
    registry: hosts.Registry
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a part and say that it held."""
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 1)
        print(f"√ {name}: {self.seconds[name]:.0f} s", flush=True)

    def fill(self) -> None:
        """Push every image of a run under its upstream name, with a node image that has what kind's own has."""
        inside = [
            each for each in image_list.names() if each.startswith("kube-") or each in ("etcd", "coredns", "pause")
        ]
        recipes.Builder(self.engine).node(NODE, inside=inside)
        chosen = image_list.chosen()
        with tempfile.TemporaryDirectory(prefix="task-gateway-image-") as folder:
            (Path(folder) / "Containerfile").write_text(STRIPPED)
            base = f"BASE={chosen['notebook'].tagged}"
            self.engine.run("build", "-q", "-t", NOTEBOOK, "--build-arg", base, folder)
        named = {
            NODE: chosen["node"].tagged,
            NOTEBOOK: chosen["notebook"].tagged,
            chosen["envoy"].tagged: hosts.ONLY_THERE,
        }
        for image, upstream in [*named.items(), *((each.tagged, each.tagged) for each in hosts.pushed())]:
            self.digests[upstream] = self.registry.push(self.engine, image, upstream)
        self.engine.run("rmi", "--force", NODE, NOTEBOOK, check=False)
        hosts.released(self.folder / "archives")
        hosts.node_mirrors(f"{_own_address()}:{self.registry.address.rpartition(':')[2]}", self.folder / "certs.d")
        (self.folder / "registries.conf").write_text(hosts.engine_mirrors(self.registry.address))

    def environment(
        self, name: str, archives: str, *, images: list[dict[str, object]], root: Path | None = None
    ) -> dict[str, str]:
        """Return the environment of one run: caches and engine storage of its own, mirrors, no Go, no debootstrap."""
        own = self.folder / name
        own.mkdir(exist_ok=True)
        (own / "images.json").write_text(json.dumps(images))
        storage = root or own / "storage"
        (own / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{storage}"\nrunroot = "{own / "run"}"\n'
        )
        tools = own / "bin"
        tools.mkdir(exist_ok=True)
        shutil.copy(programs.path(_kind()), tools / "kind")
        path = hosts.path_without(WITHOUT, os.environ["PATH"], own / "path")
        others = ":".join(each for each in path.split(":") if not each.startswith(str(pins.ROOT)))
        return {
            "PATH": f"{tools}:{others}", "GO_BIN": "", "XDG_CACHE_HOME": str(own / "cache"),
            "XDG_STATE_HOME": str(own / "state"), "CONTAINERS_STORAGE_CONF": str(own / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
            "TASK_GATEWAY_ENGINE": "podman", "TASK_GATEWAY_IMAGES": "auto", "TASK_GATEWAY_TOOLS": "",
            "TASK_GATEWAY_IMAGE_LIST": str(own / "images.json"), "TASK_GATEWAY_ARCHIVES": archives,
            "TASK_GATEWAY_NODE_REGISTRIES": str(self.folder / "certs.d"), "VIRTUAL_ENV": "",
        }  # fmt: skip

    def make(self, clone: Path, target: str, env: Mapping[str, str], *words: str, echo: bool = True) -> Completed:
        """Run a make target in the clone; its lines are shown as they come."""
        shown = partial(print, "   ", flush=True) if echo else None
        return run(["make", "-C", clone, target, *words], env=env, check=False, on_line=shown)


def _kind() -> programs.Program:
    return next(each for each in programs.HOST_PROGRAMS if each.name == "kind")


def _own_address() -> str:
    """Return an address of this host that containers reach; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))
        return str(asked.getsockname()[0])


def main(progress: Progress) -> int:
    """Rehearse; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--only-failures", action="store_true")
    arguments = parser.parse_args()
    there = images.load()
    if there.mode != "build":
        raise UsageError(
            "the registry is filled with images that were built", hint="TASK_GATEWAY_IMAGES=build make rehearse"
        )
    if there.engine != "podman":
        raise EngineError(
            "a rehearsal needs podman: mirrors of a Docker daemon are not of one run",
            hint="TASK_GATEWAY_ENGINE=podman make rehearse",
        )
    with ExitStack() as cleanup:
        folder = Path(tempfile.mkdtemp(prefix="task-gateway-rehearsal-"))
        cleanup.callback(_remove, folder)
        registry = hosts.Registry(folder)
        cleanup.callback(registry.stop)
        rehearsal = Rehearsal(folder, engine(there.engine), registry, progress)
        with rehearsal.step("a registry with every image of a run"):
            registry.start()
            rehearsal.fill()
        clone = folder / "clone"
        run(["git", "clone", "--quiet", "--no-hardlinks", pins.ROOT, clone])
        archives = cleanup.enter_context(hosts.file_server(folder / "archives"))
        if not arguments.only_failures:
            _runs(rehearsal, clone, archives)
        _failures(rehearsal, clone, archives)
    if arguments.record is not None:
        arguments.record.parent.mkdir(parents=True, exist_ok=True)
        arguments.record.write_text(
            json.dumps({"seconds": rehearsal.seconds, "versions": _versions()}, indent=2) + "\n"
        )
    print(f"√ rehearsal: {sum(rehearsal.seconds.values()):.0f} s")
    return 0


def _versions() -> dict[str, str]:
    return {
        name: value
        for name, value in pins.read().items()
        if name in ("KUBERNETES_VERSION", "KIND_VERSION", "HELM_VERSION", "ENVOY_GATEWAY_VERSION", "ENVOY_VERSION")
    }


def _runs(rehearsal: Rehearsal, clone: Path, archives: str) -> None:
    """Run the main job cold and warm, then a pod whose image only the registry has."""
    env = rehearsal.environment("e2e", archives, images=hosts.filled_list(rehearsal.digests))
    for name in ("make e2e, cold", "make e2e, warm"):
        with rehearsal.step(name):
            done = rehearsal.make(clone, "e2e", env, f"NAME={NAME}")
            _expect(done.code == 0, f"{name} ends with exit code 0, not {done.code}")
            result = json.loads((clone / "reports" / NAME / "result.json").read_text())
            _expect(result["passed"] and result["images"] == "pull", f"{name}: result.json says pull and passed")
    with rehearsal.step("nodes pull through their own mirror"):
        command = clone / ".venv/bin/task-gateway"
        run([command, "cluster", "up", NAME], env=env)
        try:
            kubeconfig = run([command, "cluster", "kubeconfig", NAME], env=env).stdout.strip()
            kubectl: list[Word] = [Path(env["XDG_CACHE_HOME"]) / "task-gateway/bin/kubectl", "--kubeconfig", kubeconfig]
            run([*kubectl, "run", NAME, "--image", hosts.ONLY_THERE, "--command", "--", "envoy", "--version"])
            phase = "jsonpath={.status.phase}=Succeeded"
            run([*kubectl, "wait", f"pod/{NAME}", "--for", phase, "--timeout", "2m"], check=False)
            pulled = run([*kubectl, "get", "pod", NAME, "-o", "jsonpath={.status.containerStatuses[0].imageID}"]).stdout
            _expect("sha256:" in pulled, f"the image of the pod was pulled: {pulled!r}")
        finally:
            run([command, "cluster", "down", NAME], env=env)


def _failures(rehearsal: Rehearsal, clone: Path, archives: str) -> None:
    """Show each way in which pull mode fails: what is said, the exit code, and that a retry is safe."""
    listed = hosts.filled_list(rehearsal.digests)
    pull = {"TASK_GATEWAY_IMAGES": "pull"}
    with rehearsal.step("a tag that the registry does not have"):
        wrong = [each | ({"tag": "absent", "digest": None} if each["purpose"] == "envoy" else {}) for each in listed]
        env = rehearsal.environment("unknown-tag", archives, images=wrong) | pull
        told = _fails(rehearsal.make(clone, "toolchain", env, echo=False))
        _says(told, "docker.io/envoyproxy/envoy:absent", "the registry has no such image or tag", "ci/images.json")
    with rehearsal.step("the registry gone half way, and a retry"):
        env = rehearsal.environment("gone", archives, images=listed) | pull
        told = _fails(_cut_short(rehearsal, clone, env))
        _says(told, "the registry cannot be reached", "TASK_GATEWAY_IMAGES=build")
        auto = rehearsal.environment("gone-auto", archives, images=listed)
        told = _fails(rehearsal.make(clone, "toolchain", auto, echo=False), code=2)
        _says(told, "images: build (no registry answers", "Go: not installed", "https://go.dev/dl")
        rehearsal.registry.start()
        done = rehearsal.make(clone, "toolchain", env, echo=False)
        _expect(done.code == 0, f"a retry makes the rest: {done.stderr}")
    with rehearsal.step("a full disk"):
        disk = rehearsal.folder / "small-disk"
        disk.mkdir()
        run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", disk])
        try:
            env = rehearsal.environment("full-disk", archives, images=listed, root=disk / "storage") | pull
            told = _fails(rehearsal.make(clone, "toolchain", env, echo=False))
            _says(told, "no space left on device", "df -h")
        finally:
            _unmount(disk)


def _cut_short(rehearsal: Rehearsal, clone: Path, env: Mapping[str, str]) -> Completed:
    """Make the toolchain, and stop the registry once the first image is there."""
    stopped = False

    def watch(line: str) -> None:
        nonlocal stopped
        if not stopped and re.match(r"√ \S+/\S+:", line):
            stopped = True
            rehearsal.registry.stop()

    done = run(["make", "-C", clone, "toolchain"], env=env, check=False, on_line=watch)
    _expect(stopped, "an image was pulled before the registry went")
    return done


def _fails(done: Completed, code: int = 1) -> str:
    """Return what a failed run printed; the exit code is the script's own, which make prints as its error."""
    told = done.stdout + done.stderr
    _expect(f"Error {code}" in told, f"it ends with exit code {code}:\n{told}")
    _expect("Traceback" not in told and "internal error" not in told, f"it ends with a message:\n{told}")
    return told


def _says(told: str, *parts: str) -> None:
    for part in parts:
        _expect(part in told, f"it says {part!r}:\n{told}")


def _expect(holds: bool, claim: str) -> None:
    if not holds:
        raise ScenarioFailed(f"does not hold: {claim}")


def _unmount(folder: Path) -> None:
    for mounted in sorted(_mounts(folder), key=len, reverse=True):
        run(["umount", "-l", mounted], check=False)


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(str(folder))]


def _remove(folder: Path) -> None:
    """Remove everything of the rehearsal; what an engine left mounted under it goes first."""
    _unmount(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(attended(main))
