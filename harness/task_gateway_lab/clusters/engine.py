"""Selects the container engine: the first that can start a privileged container, as required for a node."""

import io
import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from task_gateway import settings
from task_gateway.deferred import tarfile
from task_gateway.errors import CommandFailed, EngineError, ToolMissing
from task_gateway.kube.process import Completed, Word, run
from task_gateway_lab.clusters import probe_program

ENGINES = ("docker", "podman")
OVERRIDE = "TASK_GATEWAY_ENGINE"
PROBE_SECONDS = 60.0
INFO_SECONDS = 30.0
MAX_PROCESSES = 32768  # podman lowers its own limit to this before it sets a container's
INSTALL_HINT = "apt-get install podman runc netavark aardvark-dns iptables iproute2 conntrack uidmap"


@dataclass(frozen=True)
class Unfit:
    """Why an engine is not used: a sentence without its subject, and whether the engine is installed."""

    sentence: str
    installed: bool = True


ABSENT = Unfit("is not installed", installed=False)


@dataclass(frozen=True)
class Engine:
    """A container engine and its environment variables."""

    name: str
    env: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: Word, check: bool = True, input: str | None = None, timeout: float | None = None
    ) -> Completed:
        """Run the engine; `timeout` is in seconds."""
        return run([self.name, *arguments], env=self.env, check=check, input=input, timeout=timeout)


def engine(name: str) -> Engine:
    """Return the engine `name` with the environment that it requires on this host, without a test."""
    if name not in ENGINES:
        raise EngineError(
            f"{name!r} is no container engine known here", where=OVERRIDE, hint=f"use {' or '.join(ENGINES)}"
        )
    for_kind = {"KIND_EXPERIMENTAL_PROVIDER": name}
    if name != "podman":
        return Engine(name, for_kind)
    file = settings.cache_dir() / "containers.conf"
    text = containers_conf(
        nofile=_limit(resource.RLIMIT_NOFILE), nproc=min(_limit(resource.RLIMIT_NPROC), MAX_PROCESSES),
        unified_cgroups=unified_cgroups(),
    )  # fmt: skip
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(text)
        partial.rename(file)
    return Engine(name, for_kind | {"CONTAINERS_CONF": str(file)})


def rootless(engine: Engine) -> bool | None:
    """Return whether nodes run as this user, not as root; None if they run on another kernel, or without an answer."""
    fields = {
        "podman": "{{.Host.Kernel}} {{.Host.Security.Rootless}}",
        "docker": "{{.KernelVersion}} {{.SecurityOptions}}",
    }
    answer = engine.run("info", "--format", fields[engine.name], check=False)
    kernel, _, security = answer.stdout.partition(" ")
    if answer.code != 0 or kernel != os.uname().release:
        return None
    return security.strip() == "true" or "name=rootless" in security


def choose_engine(wanted: str | None = None, *, say: Callable[[str], None]) -> Engine:
    """Return the first engine that starts a privileged container, or the `wanted` one if it does.

    `wanted` defaults to `TASK_GATEWAY_ENGINE`. EngineError has the error of each engine.
    """
    wanted = wanted or os.environ.get(OVERRIDE) or None
    refused: dict[str, Unfit] = {}
    for name in (wanted,) if wanted else ENGINES:
        candidate = engine(name)
        reason = _refusal(candidate)
        if reason is None:
            others = "".join(f"; {other} {why.sentence}" for other, why in refused.items())
            say(f"container engine: {name}{' (asked for)' if wanted else ''}{others}")
            return candidate
        refused[name] = reason
    raise no_engine(refused)


def no_engine(refused: Mapping[str, Unfit]) -> EngineError:
    """Return the error for engines that all failed; `refused` has the reason of each."""
    message = "; ".join(f"{name} {reason.sentence}" for name, reason in refused.items())
    there = [name for name, reason in refused.items() if reason.installed]
    hint = f"make `{there[0]} run --privileged` work, or: {INSTALL_HINT}" if there else INSTALL_HINT
    return EngineError(f"no container engine here starts a privileged container: {message}", hint=hint)


def containers_conf(*, nofile: int, nproc: int, unified_cgroups: bool) -> str:
    """Return podman's configuration: the limits that it may pass on, and runc for cgroup v1, which crun refuses."""
    runtime = "" if unified_cgroups else '[engine]\nruntime = "runc"\n'
    limits = f'"nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"'
    return f"{runtime}[containers]\ndefault_ulimits = [{limits}]\n"


def unified_cgroups() -> bool:
    """Return whether this host only has cgroup v2."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def _limit(which: int) -> int:
    hard = resource.getrlimit(which)[1]
    return 1_048_576 if hard == resource.RLIM_INFINITY else hard


def _refusal(candidate: Engine) -> Unfit | None:
    """Return None if a privileged container starts, else the reason."""
    try:
        answer = candidate.run("info", check=False, timeout=INFO_SECONDS)
    except ToolMissing:
        return ABSENT
    except CommandFailed as problem:
        return Unfit(f"is installed, but does not answer ({problem.message})")
    if answer.code != 0:
        return Unfit(f"is installed, but does not answer ({_last(answer)})")
    image = f"localhost/task-gateway/probe:{os.getpid()}"
    try:
        _import_probe(candidate, image)
        privileged = ("--rm", "--privileged", "--network=none")
        answer = candidate.run("run", *privileged, image, check=False, timeout=PROBE_SECONDS)
    except CommandFailed as problem:
        return Unfit(f"cannot run a container ({problem.message})")
    finally:
        candidate.run("rmi", "--force", image, check=False)
    return None if answer.code == 0 else Unfit(f"refuses a privileged container ({_last(answer)})")


def _import_probe(candidate: Engine, image: str) -> None:
    """Import an image with one static program, which is built here without a registry or compiler."""
    settings.cache_dir().mkdir(parents=True, exist_ok=True)
    archive = settings.cache_dir() / f"probe-{os.getpid()}.tar"
    program = probe_program.program()
    with tarfile.open(archive, "w") as tar:
        entry = tarfile.TarInfo("probe")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    try:
        candidate.run("import", "--change", 'ENTRYPOINT ["/probe"]', archive, image)
    finally:
        archive.unlink()


def _last(answer: Completed) -> str:
    return (answer.stderr.strip() or answer.stdout.strip() or f"exit code {answer.code}").splitlines()[-1]
