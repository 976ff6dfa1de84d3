"""Prepares the programs and images of a run: fetched if registries answer, otherwise built.

    python ci/toolchain.py            prepare everything that is missing
    python ci/toolchain.py helm …     prepare only these host programs or linters

`TASK_GATEWAY_ENGINE` (docker | podman), `TASK_GATEWAY_IMAGES` (auto | pull | build) and `TASK_GATEWAY_KUBERNETES`
(newest | oldest) override the choices, which are printed. Concurrent runs wait for each other.
"""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType

import image_list
import needs
from offline import built, programs
from online import host_programs, pulled, pulling
from online.pulling import PullFailed, PullRefusal
from progress import Progress, attended
from task_gateway import images, settings
from task_gateway.errors import EngineError, ToolMissing, UsageError
from task_gateway_lab.clusters.engine import Engine, choose_engine
from task_gateway_lab.clusters.engine import engine as engine_named

AUTO, PULL, BUILD = "auto", "pull", "build"
MODES: dict[str, ModuleType] = {PULL: pulled, BUILD: built}
LINTERS = tuple(each.name for each in programs.LINTERS)
CHOICE = "TASK_GATEWAY_IMAGES"


def main(wanted: list[str], progress: Progress) -> int:
    """Make the toolchain, or only the `wanted` programs; return the exit code."""
    started = time.monotonic()
    with _one_at_a_time(progress):
        if wanted:
            _programs(wanted, progress)
        else:
            _make(progress)
    if progress.made or not wanted:
        print(f"√ toolchain: {progress.made or 'nothing'} to make, {time.monotonic() - started:.1f} s")
    return 0


def _programs(wanted: list[str], progress: Progress) -> None:
    """Make single programs. One of the host's that pull mode fetched is there already."""
    known = {each.name: each for each in (*programs.HOST_PROGRAMS, *programs.LINTERS)}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"no program of the host is called {', '.join(unknown)}", hint=f"known: {', '.join(known)}")
    if _mode() == PULL or _saved_mode() == PULL:
        there = image_list.chosen()
        wanted = [name for name in wanted if name in LINTERS or not host_programs.linked(name, there)]
    progress.make_missing([programs.part(known[name]) for name in wanted])


def _make(progress: Progress) -> None:
    mode, there = _mode(), _up_to_date()
    if there is not None and mode in (AUTO, there.mode):
        progress.note(_told(there.mode, there.reason))
        return
    engine = _engine(progress)
    chosen, reason = _choose(mode, engine)
    progress.note(_told(chosen, reason))
    needs.require(chosen, engine, progress)
    way = MODES[chosen]
    way.make(engine, progress)
    archive = str(pulled.archive()) if chosen == PULL else None
    node = image_list.chosen()["node"].tagged
    images.save(images.Images(chosen, reason, engine.name, node, way.task_image(), way.key(), archive))


def _mode() -> str:
    mode = os.environ.get(CHOICE) or AUTO
    if mode not in (AUTO, *MODES):
        raise UsageError(f"{mode!r} is no way to get images", where=CHOICE, hint=f"use {AUTO}, {PULL} or {BUILD}")
    return mode


def _told(mode: str, reason: str) -> str:
    other = BUILD if mode == PULL else PULL
    return f"images: {mode} ({reason}); {CHOICE}={other} chooses the other way"


def _saved_mode() -> str | None:
    try:
        return images.load().mode
    except ToolMissing:
        return None


def _up_to_date() -> images.Images | None:
    """Return what an earlier run made, if nothing of it has changed or is gone."""
    try:
        there = images.load()
    except ToolMissing:
        return None
    asked = os.environ.get("TASK_GATEWAY_ENGINE")
    if asked not in (None, "", there.engine) or there.mode not in MODES:
        return None
    way = MODES[there.mode]
    return there if there.key == way.key() and way.ready(engine_named(there.engine)) else None


def _engine(progress: Progress) -> Engine:
    try:
        return choose_engine(say=progress.note)
    except EngineError as problem:
        if os.environ.get("TASK_GATEWAY_ENGINE") == "docker" or not needs.installs():
            raise needs.without_engine(problem, progress) from None
        progress.note(problem.message)
        needs.install(needs.ENGINE_PACKAGES, progress)
    return choose_engine(say=progress.note)


def _choose(mode: str, engine: Engine) -> tuple[str, str]:
    """Return how images come here, and why. A registry that refuses an image is an error, no reason to build."""
    if mode != AUTO:
        return mode, f"set by {CHOICE}"
    node = image_list.chosen()["node"]
    try:
        pulling.ensure(engine, node)
    except PullFailed as problem:
        if problem.why is not PullRefusal.network:
            raise
        return BUILD, f"no registry answers: {problem.last}"
    return PULL, f"{node.tagged} can be pulled"


@contextmanager
def _one_at_a_time(progress: Progress) -> Iterator[None]:
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
