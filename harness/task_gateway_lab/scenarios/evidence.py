"""Collects evidence of a failed run, to find the cause after its clusters are removed. Secrets are not read."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ParamSpec

from task_gateway.deferred import yaml
from task_gateway.errors import TaskGatewayError, WaitTimeout
from task_gateway.kube import pods
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.model import Manifest
from task_gateway_lab.scenarios.steps import why

ROUTING = "gateway.networking.k8s.io"
OBJECTS = (
    f"{ROUTING}/v1/GatewayClass",
    f"{ROUTING}/v1/Gateway",
    f"{ROUTING}/v1/ListenerSet",
    f"{ROUTING}/v1/TCPRoute",
    SERVICE,
    "discovery.k8s.io/v1/EndpointSlice",
    POD,
    "v1/Node",
)
SYSTEM = "kube-system"
LOG_LINES = 1000
P = ParamSpec("P")


def collect(
    folder: Path, error: Exception, clusters: Iterable[tuple[str, Kube]], namespaces: Sequence[str]
) -> list[Path]:
    """Write the error, and for each cluster the Events, objects with their conditions, and logs; return the files.

    Logs are those of `namespaces` and of kube-system, including the previous log of restarted containers.

    If data is not available, its file has the reason. A failure here must not hide the error itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write(folder / "error.txt", describe, error)]
    for name, kube in clusters:
        place = folder / name
        place.mkdir(exist_ok=True)
        written.append(_write(place / "events.txt", _events, kube))
        for kind in OBJECTS:
            written.append(_write(place / f"{kind.rpartition('/')[2].lower()}.yaml", _objects, kube, kind))
        for namespace in dict.fromkeys((*namespaces, SYSTEM)):
            written.append(_write(place / f"{namespace}.log", _logs, kube, namespace))
    return written


def describe(error: Exception) -> str:
    """Return an error as text; for a wait that timed out, also the last state."""
    lines = [f"{type(error).__name__}: {why(error)}" if isinstance(error, TaskGatewayError) else why(error)]
    if isinstance(error, WaitTimeout):
        lines += [f"wait: {error.name}, {error.seconds:g} s", f"last state: {error.last_state}"]
    return "\n".join(lines) + "\n"


def events(found: Iterable[Manifest]) -> str:
    """Return Events as lines, the oldest first."""
    lines = []
    for event in found:
        about = event.get("involvedObject") or {}
        time = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or ""
        target = f"{about.get('kind')} {about.get('namespace', '')}/{about.get('name')}"
        lines.append(f"{time} {event.get('type')} {target} {event.get('reason')}: {event.get('message')}")
    return "\n".join(sorted(lines)) + "\n"


def objects(found: Iterable[Manifest]) -> str:
    """Return objects as YAML without managedFields."""
    plain = []
    for each in found:
        metadata = {key: value for key, value in each["metadata"].items() if key != "managedFields"}
        plain.append(each | {"metadata": metadata})
    return yaml.safe_dump_all(plain, sort_keys=False)


def _events(kube: Kube) -> str:
    return events(kube.list("v1/Event"))


def _objects(kube: Kube, kind: str) -> str:
    return objects(kube.list(kind))


def _logs(kube: Kube, namespace: str) -> str:
    """Return the logs of all containers of a namespace; a container that never ran does not prevent other logs."""
    parts = []
    for pod in kube.list(POD, namespace):
        name, before = pod["metadata"]["name"], pods.restarted(pod)
        for container in (each["name"] for each in pod["spec"]["containers"]):
            for previous in (True, False) if container in before else (False,):
                heading = f"==> {name} {container}{' before its last restart' if previous else ''} <=="
                parts.append(f"{heading}\n{_log(kube, name, namespace, container, previous=previous)}")
    return "\n".join(parts)


def _log(kube: Kube, pod: str, namespace: str, container: str, *, previous: bool) -> str:
    try:
        return kube.logs(pod, namespace, container=container, lines=LOG_LINES, previous=previous)
    except TaskGatewayError as problem:
        return f"no log: {why(problem)}\n"


def _write(file: Path, text: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> Path:
    try:
        found = text(*args, **kwargs)
    except Exception as problem:
        found = f"could not be collected: {why(problem)}\n"
    file.write_text(found, encoding="utf-8", errors="replace")
    return file
