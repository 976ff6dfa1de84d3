"""Chooses the container engine: the first that really starts a privileged container, for that is what a node is."""

import io
import os
import resource
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from task_gateway import settings
from task_gateway.errors import CommandFailed, EngineError, ToolMissing
from task_gateway.kube.process import Completed, Word, run, tool

ENGINES = ("docker", "podman")
OVERRIDE = "TASK_GATEWAY_ENGINE"
PROBE_IMAGE = "localhost/task-gateway/probe:latest"
PROBE_SECONDS = 60.0
MAX_PROCESSES = 32768  # podman lowers its own limit to this before it sets a container's
INSTALL_HINT = "apt-get install podman runc netavark aardvark-dns iptables iproute2 conntrack"


@dataclass(frozen=True)
class Engine:
    """A container engine and the environment it is called with."""

    name: str
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: Word, check: bool = True, input: str | None = None) -> Completed:
        """Call the engine."""
        return run([self.name, *arguments], env=self.env, check=check, input=input)


def engine(name: str) -> Engine:
    """Return the engine called `name` with the environment it needs on this host; it is not tried."""
    if name not in ENGINES:
        raise EngineError(
            f"{name!r} is no container engine known here", where=OVERRIDE, hint=f"use {' or '.join(ENGINES)}"
        )
    if name != "podman":
        return Engine(name)
    file = settings.cache_dir() / "containers.conf"
    text = containers_conf(
        nofile=_limit(resource.RLIMIT_NOFILE), nproc=min(_limit(resource.RLIMIT_NPROC), MAX_PROCESSES),
        unified_cgroups=unified_cgroups(),
    )  # fmt: skip
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Engine(name, {"CONTAINERS_CONF": str(file), "KIND_EXPERIMENTAL_PROVIDER": name})


def choose_engine(wanted: str | None = None, *, say: Callable[[str], None]) -> Engine:
    """Return the first engine that starts a privileged container, or the `wanted` one if it does.

    `TASK_GATEWAY_ENGINE` stands for `wanted` where that is None. EngineError tells what each engine said.
    """
    wanted = wanted or os.environ.get(OVERRIDE) or None
    refused: list[str] = []
    for name in (wanted,) if wanted else ENGINES:
        candidate = engine(name)
        reason = _refusal(candidate)
        if reason is None:
            why = f"; {'; '.join(refused)}" if refused else ""
            say(f"container engine: {name}{' (asked for)' if wanted else ''}{why}")
            return candidate
        refused.append(f"{name}: {reason}")
    raise EngineError(
        f"no container engine here starts a privileged container: {'; '.join(refused)}", hint=INSTALL_HINT
    )


def containers_conf(*, nofile: int, nproc: int, unified_cgroups: bool) -> str:
    """Return podman's configuration: limits it may hand on, and runc where cgroups are v1, which crun refuses."""
    runtime = "" if unified_cgroups else '[engine]\nruntime = "runc"\n'
    limits = f'"nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"'
    return f"{runtime}[containers]\ndefault_ulimits = [{limits}]\n"


def unified_cgroups() -> bool:
    """Tell whether this host has cgroup v2 alone."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def _limit(which: int) -> int:
    hard = resource.getrlimit(which)[1]
    return 1_048_576 if hard == resource.RLIM_INFINITY else hard


def _refusal(candidate: Engine) -> str | None:
    """Return None when a privileged container starts, else which of the three things went wrong."""
    try:
        answer = candidate.run("info", check=False)
    except ToolMissing:
        return "not installed"
    if answer.code != 0:
        return f"installed, but it does not answer ({_last(answer)})"
    try:
        _probe_image(candidate)
        answer = run(
            [candidate.name, "run", "--rm", "--privileged", "--network=none", PROBE_IMAGE],
            env=candidate.env, check=False, timeout=PROBE_SECONDS,
        )  # fmt: skip
    except CommandFailed as problem:
        return problem.message
    finally:
        candidate.run("rmi", "--force", PROBE_IMAGE, check=False)
    return None if answer.code == 0 else f"refuses a privileged container ({_last(answer)})"


def _probe_image(candidate: Engine) -> None:
    """Import an image with one static program in it, made here, so that no registry is needed."""
    settings.cache_dir().mkdir(parents=True, exist_ok=True)
    archive = settings.cache_dir() / f"probe-{os.getpid()}.tar"
    program = tool("pause").read_bytes()
    with tarfile.open(archive, "w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    try:
        candidate.run("import", "--change", 'ENTRYPOINT ["/pause", "-v"]', archive, PROBE_IMAGE)
    finally:
        archive.unlink()


def _last(answer: Completed) -> str:
    return (answer.stderr.strip() or answer.stdout.strip() or f"exit code {answer.code}").splitlines()[-1]
