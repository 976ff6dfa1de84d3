"""Makes what a run needs: programs from Go modules, and images, pulled or, where no registry answers, built.

    python ci/toolchain.py            make what is missing; the second time nothing is
    python ci/toolchain.py helm …     make only these of the programs that run on the host, or linters

`TASK_GATEWAY_ENGINE` (docker | podman) and `TASK_GATEWAY_IMAGES` (auto | pull | build) override the choices, which are
said aloud. Two runs at once wait for each other.
"""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import images as recipes
import programs
from progress import Part, Progress, attended
from task_gateway import settings
from task_gateway.clusters import images
from task_gateway.clusters.engine import Engine, choose_engine
from task_gateway.clusters.engine import engine as engine_named
from task_gateway.errors import EngineError, ToolMissing, UsageError
from task_gateway.kube.process import run

MODES = ("auto", "pull", "build")
# Debian packages by the program that shows that they are there.
ENGINE_PACKAGES = {
    "podman": "podman", "runc": "runc", "iptables": "iptables", "ip": "iproute2", "conntrack": "conntrack",
    "/usr/lib/podman/netavark": "netavark", "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "debootstrap": "debootstrap",
}  # fmt: skip
BROWSER_PACKAGES = {"chromium": "chromium"}


def main(wanted: list[str], progress: Progress) -> int:
    """Make the toolchain, or the `wanted` programs alone; return the exit code."""
    started = time.monotonic()
    with _alone(progress):
        if wanted:
            _programs(wanted, progress)
        else:
            _make(progress)
    if progress.made or not wanted:
        print(f"√ toolchain: {progress.made or 'nothing'} to make, {time.monotonic() - started:.1f} s")
    return 0


def _programs(wanted: list[str], progress: Progress) -> None:
    known = {each.name: each for each in (*programs.HOST_PROGRAMS, *programs.LINTERS)}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"no program of the host is called {', '.join(unknown)}", hint=f"known: {', '.join(known)}")
    progress.make_missing([programs.part(known[name]) for name in wanted])


def _make(progress: Progress) -> None:
    mode = os.environ.get("TASK_GATEWAY_IMAGES") or "auto"
    if mode not in MODES:
        raise UsageError(
            f"{mode!r} is no way to get images",
            where="TASK_GATEWAY_IMAGES",
            hint=f"one of {', '.join(MODES)}",
        )
    progress.make_missing([programs.part(programs.PAUSE)])
    host = progress.expect([programs.part(each) for each in programs.HOST_PROGRAMS])
    if _up_to_date(mode) and not host:
        return
    choice: Future[str] = Future()
    with ThreadPoolExecutor(2) as lanes:  # one compiles, the other waits for networks and disks
        compiled = lanes.submit(_compile, host, choice, progress)
        imaged = lanes.submit(_images, mode, choice, compiled, progress)
        for lane in (imaged, compiled):
            lane.result()


def _compile(host: list[Part], choice: "Future[str]", progress: Progress) -> None:
    for part in host:
        progress.make(part)
    if choice.result() == "build":
        progress.make_missing([programs.part(each) for each in programs.IMAGE_PROGRAMS])


def _images(mode: str, choice: "Future[str]", compiled: "Future[None]", progress: Progress) -> None:
    try:
        _install(BROWSER_PACKAGES, progress)
        engine = _engine(progress)
        chosen = _pulled_or_built(mode, engine, progress)
        choice.set_result(chosen)
    except BaseException as problem:
        choice.set_exception(problem)
        raise
    names = recipes.names()
    if chosen == "build" and not recipes.present(engine, names["node"], recipes.key()):
        builder = recipes.Builder(engine)
        early = {
            "Debian base": builder.base,
            "notebook image": builder.notebook,
            "Envoy image": builder.envoy,
        }
        late = {"component images": builder.components, "node image": builder.node}
        parts = [Part(name, recipes.EXPECTED[name], lambda: False, make) for name, make in (early | late).items()]
        for part in progress.expect(parts):
            if part.name in late:
                compiled.result()
            progress.make(part)
        builder.prune()
    images.save(images.Images(chosen, engine.name, names["node"], names["notebook"], recipes.key()))


def _up_to_date(mode: str) -> bool:
    try:
        there = images.load()
    except ToolMissing:
        return False
    asked = os.environ.get("TASK_GATEWAY_ENGINE")
    if there.key != recipes.key() or mode not in ("auto", there.mode) or asked not in (None, "", there.engine):
        return False
    wanted = there.key if there.mode == "build" else None
    return recipes.present(engine_named(there.engine), there.node, wanted)


def _engine(progress: Progress) -> Engine:
    try:
        return choose_engine(say=progress.note)
    except EngineError as problem:
        if os.environ.get("TASK_GATEWAY_ENGINE") == "docker" or not _install(ENGINE_PACKAGES, progress):
            raise
        progress.note(problem.message)
    return choose_engine(say=progress.note)


def _pulled_or_built(mode: str, engine: Engine, progress: Progress) -> str:
    """Return `pull` when a registry gives the node image, else `build`; the other images come from the same place."""
    node = recipes.names()["node"]
    if mode == "build":
        chosen, why = "build", "asked for"
    elif (answer := engine.run("pull", "-q", node, check=False)).code == 0:
        chosen, why = "pull", f"{node} was pulled"
    elif mode == "pull":
        raise EngineError(
            f"cannot pull {node}: {answer.stderr.strip()}", hint="TASK_GATEWAY_IMAGES=build make toolchain"
        )
    else:
        last = (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        chosen, why = "build", f"no registry gives {node}: {last.rsplit(': ', 1)[-1]}"
    if chosen == "build":
        _install({"debootstrap": "debootstrap"}, progress)
    progress.note(f"images: {chosen} ({why})")
    return chosen


def _install(packages: dict[str, str], progress: Progress) -> bool:
    """Install the Debian packages whose programs are missing; False where that is not possible here."""
    missing = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if not missing:
        return True
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        progress.note(f"missing: {', '.join(missing)} (as root: apt-get install {' '.join(missing)})")
        return False
    progress.note(f"installing Debian packages: {', '.join(missing)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=quiet)
    run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], env=quiet)
    return True


@contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    settings.cache_dir().mkdir(parents=True, exist_ok=True)
    with (settings.cache_dir() / "toolchain.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.note("waiting until another run has made the toolchain")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(attended(partial(main, sys.argv[1:])))
