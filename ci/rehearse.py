"""Rehearses a first start on a fresh machine: `python ci/rehearse.py pull|build [--record FILE]`.

`make e2e` runs from a fresh clone with separate caches and engine storage, cold and warm. Pull mode is rehearsed
without the internet and without Go or debootstrap on PATH: the engine and containerd in the nodes use a registry on
this machine as a mirror. Then each failure of pull mode is shown. Requires podman, with storage and mirrors only for
this run, and for pull mode a built toolchain.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import image_list
import pins
import rehearsal_hosts as hosts
from offline import images as recipes
from offline import programs
from progress import Progress, attended
from task_gateway import images
from task_gateway.errors import EngineError, ScenarioFailed, UsageError
from task_gateway.kube.process import Completed, Word, run
from task_gateway_lab.clusters.engine import Engine, engine

NODE, NOTEBOOK, PYTHON = (f"localhost/task-gateway/rehearsal-{each}" for each in ("node", "notebook", "python"))
WITHOUT = ("go", "gofmt", "debootstrap")
NAME = "rehearsal"
COLD, WARM = "make e2e, cold", "make e2e, warm"
VERSIONS = ("KUBERNETES_VERSION", "KIND_VERSION", "HELM_VERSION", "ENVOY_GATEWAY_VERSION", "ENVOY_VERSION")
TEMPORARY = "/var/tmp"  # on a disk, where /tmp may be in memory
SMALL_DISK = "200m"  # less than one image of a run
# Jupyter's image has neither TensorBoard nor sshd: what pull mode adds is taken away from the one that was built.
STRIPPED = """ARG BASE
FROM ${BASE}
USER root
RUN /opt/lab/bin/pip uninstall --yes --quiet tensorboard && apt-get purge --yes --quiet openssh-server > /dev/null
USER 1000:100
"""
# The operator's image is made from Python's own in pull mode. Build mode makes none, but has Debian's Python.
SLIM = """ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install --yes --quiet --no-install-recommends python3 > /dev/null
"""


@dataclass
class Rehearsal:
    """One rehearsal: its folder, the engine with the images, and the seconds that each part took."""

    folder: Path
    engine: Engine
    registry: hosts.ImageRegistry
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a part, and print that it passed."""
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
        mirrors = self.folder / "registries.conf"
        mirrors.write_text(hosts.engine_mirrors(self.registry.address))
        pushing = Engine(self.engine.name, {**self.engine.env, "CONTAINERS_REGISTRIES_CONF": str(mirrors)})
        chosen = image_list.chosen()
        self._derive(NOTEBOOK, STRIPPED, chosen["notebook"].tagged)
        recipes.Builder(self.engine).base()
        self._derive(PYTHON, SLIM, f"{recipes.BASE}:{pins.read()['DEBIAN_RELEASE']}")
        named = {
            NODE: chosen["node"].tagged,
            NOTEBOOK: chosen["notebook"].tagged,
            PYTHON: chosen["python"].tagged,
            chosen["envoy"].tagged: hosts.ONLY_THERE,
        }
        for image, upstream in [*named.items(), *((each.tagged, each.tagged) for each in hosts.pushed())]:
            self.digests[upstream] = self.registry.push(pushing, image, upstream)
        self.engine.run("rmi", "--force", NODE, NOTEBOOK, PYTHON, check=False)
        hosts.released(self.folder / "archives")
        hosts.node_mirrors(f"{_own_address()}:{self.registry.address.rpartition(':')[2]}", self.folder / "certs.d")

    def _derive(self, name: str, recipe: str, base: str) -> None:
        """Build an image by a recipe from another one that the engine has."""
        with tempfile.TemporaryDirectory(prefix="task-gateway-image-") as folder:
            (Path(folder) / "Containerfile").write_text(recipe)
            self.engine.run("build", "-q", "-t", name, "--build-arg", f"BASE={base}", folder)

    def own(self, name: str, *, storage: Path | None = None) -> tuple[Path, dict[str, str]]:
        """Return the folder of one run, and an environment with caches and engine storage in it."""
        own = self.folder / name
        own.mkdir(exist_ok=True)
        roots = f'graphroot = "{storage or own / "storage"}"\nrunroot = "{own / "run"}"\n'
        (own / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\n{roots}')
        others = ":".join(each for each in os.environ["PATH"].split(":") if not each.startswith(str(pins.ROOT)))
        return own, {
            "PATH": others, "XDG_CACHE_HOME": str(own / "cache"), "XDG_STATE_HOME": str(own / "state"),
            "CONTAINERS_STORAGE_CONF": str(own / "storage.conf"), "TASK_GATEWAY_ENGINE": "podman",
            "TASK_GATEWAY_TOOLS": "", "TASK_GATEWAY_IMAGES": "auto", "VIRTUAL_ENV": "",
        }  # fmt: skip

    def without_compiler(
        self, name: str, archives: str, images: Sequence[Mapping[str, object]], *, storage: Path | None = None
    ) -> dict[str, str]:
        """Return the environment of one run in pull mode: mirrors, kind on PATH, no Go, no debootstrap."""
        own, env = self.own(name, storage=storage)
        (own / "images.json").write_text(json.dumps(images))
        tools = own / "bin"
        tools.mkdir(exist_ok=True)
        shutil.copy(programs.path(_kind()), tools / "kind")
        path = hosts.path_without(WITHOUT, env["PATH"], own / "path")
        return env | {
            "PATH": f"{tools}:{path}", "GO_BIN": "",
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
            "TASK_GATEWAY_IMAGE_LIST": str(own / "images.json"), "TASK_GATEWAY_ARCHIVES": archives,
            "TASK_GATEWAY_NODE_REGISTRIES": str(self.folder / "certs.d"),
        }  # fmt: skip

    def make(self, clone: Path, target: str, env: Mapping[str, str], *words: str, echo: bool = True) -> Completed:
        """Run a make target in the clone; its output is shown immediately."""
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
    parser.add_argument("mode", choices=("pull", "build"))
    parser.add_argument("--record", type=Path, help="a file that gets the seconds of this mode")
    arguments = parser.parse_args()
    there = images.load()
    if there.engine != "podman":
        problem = "a rehearsal needs podman: the storage and the mirrors of a Docker daemon serve all its users"
        raise EngineError(problem, hint="TASK_GATEWAY_ENGINE=podman make rehearse")
    with ExitStack() as cleanup:
        folder = Path(tempfile.mkdtemp(prefix="task-gateway-rehearsal-", dir=TEMPORARY))
        cleanup.callback(_remove, folder)
        rehearsal = Rehearsal(folder, engine(there.engine), hosts.ImageRegistry(folder), progress)
        cleanup.callback(rehearsal.registry.stop)
        run(["git", "clone", "--quiet", "--no-hardlinks", pins.ROOT, folder / "clone"])
        if arguments.mode == "build":
            _build(rehearsal, folder / "clone")
        elif there.mode != "build":
            hint = "TASK_GATEWAY_IMAGES=build make rehearse"
            raise UsageError("the rehearsal's registry is filled with images that were built", hint=hint)
        else:
            with rehearsal.step("a registry with every image of a run"):
                rehearsal.registry.start()
                rehearsal.fill()
            archives = cleanup.enter_context(hosts.file_server(folder / "archives"))
            _pull(rehearsal, folder / "clone", archives)
            _failures(rehearsal, folder / "clone", archives)
    if arguments.record is not None:
        _record(arguments.record, arguments.mode, rehearsal.seconds)
    print(f"√ rehearsal: {sum(rehearsal.seconds.values()):.0f} s")
    return 0


def _record(file: Path, mode: str, seconds: Mapping[str, float]) -> None:
    """Write the seconds of one mode into a record; those of the other mode stay."""
    found = json.loads(file.read_text()) if file.exists() else {}
    versions = {name.removesuffix("_VERSION").lower(): pins.read()[name] for name in VERSIONS}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found | {mode: {"seconds": seconds, "versions": versions}}, indent=2) + "\n")


def _build(rehearsal: Rehearsal, clone: Path) -> None:
    """Run the main job in build mode, with empty caches of Go as well."""
    own, env = rehearsal.own("build")
    env |= {"TASK_GATEWAY_IMAGES": "build", "GOCACHE": str(own / "go-build"), "GOMODCACHE": str(own / "go-mod")}
    _cold_and_warm(rehearsal, clone, env, "build")
    run(["chmod", "-R", "u+w", own / "go-mod"])  # a module cache is read-only


def _cold_and_warm(rehearsal: Rehearsal, clone: Path, env: Mapping[str, str], mode: str) -> None:
    for name in (COLD, WARM):
        with rehearsal.step(name):
            done = rehearsal.make(clone, "e2e", env, f"NAME={NAME}")
            _expect(done.code == 0, f"{name} ends with exit code 0, not {done.code}")
            result = json.loads((clone / "reports" / NAME / "result.json").read_text())
            _expect(result["passed"] and result["images"] == mode, f"{name}: result.json has {mode} and passed")


def _pull(rehearsal: Rehearsal, clone: Path, archives: str) -> None:
    """Run the main job in pull mode, then a pod whose image only the registry has."""
    env = rehearsal.without_compiler("e2e", archives, hosts.filled_list(rehearsal.digests))
    _cold_and_warm(rehearsal, clone, env, "pull")
    with rehearsal.step("nodes pull through their own mirror"):
        command = clone / ".venv/bin/task-gateway"
        run([command, "cluster", "up", NAME], env=env)
        try:
            kubeconfig = run([command, "cluster", "kubeconfig", NAME], env=env).stdout.strip()
            kubectl: list[Word] = [Path(env["XDG_CACHE_HOME"]) / "task-gateway/bin/kubectl", "--kubeconfig", kubeconfig]
            run(
                [
                    *kubectl,
                    "run",
                    NAME,
                    "--image",
                    hosts.ONLY_THERE,
                    "--restart",
                    "Never",
                    "--command",
                    "--",
                    "envoy",
                    "--version",
                ]
            )
            run([*kubectl, "wait", f"pod/{NAME}", "--for", "jsonpath={.status.phase}=Succeeded", "--timeout", "2m"])
        finally:
            run([command, "cluster", "down", NAME], env=env)


def _failures(rehearsal: Rehearsal, clone: Path, archives: str) -> None:
    """Show each failure of pull mode: its message, its exit code, and that a retry is safe."""
    listed = hosts.filled_list(rehearsal.digests)
    pull = {"TASK_GATEWAY_IMAGES": "pull"}
    with rehearsal.step("a tag that the registry does not have"):
        wrong = [each | ({"tag": "absent", "digest": None} if each["purpose"] == "envoy" else {}) for each in listed]
        env = rehearsal.without_compiler("unknown-tag", archives, wrong) | pull
        told = _fails(rehearsal.make(clone, "toolchain", env, echo=False))
        _says(told, "docker.io/envoyproxy/envoy:absent", "the registry has no such image or tag", "ci/images.json")
    with rehearsal.step("the registry gone half way, and a retry"):
        env = rehearsal.without_compiler("gone", archives, listed) | pull
        told = _fails(_cut_short(rehearsal, clone, env))
        _says(told, "the registry cannot be reached", "TASK_GATEWAY_IMAGES=build")
        auto = rehearsal.without_compiler("gone-auto", archives, listed)
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
            env = rehearsal.without_compiler("full-disk", archives, listed, storage=disk / "storage") | pull
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
        _expect(part in told, f"the output has {part!r}:\n{told}")


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
