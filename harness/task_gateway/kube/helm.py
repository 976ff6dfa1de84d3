"""Runs Helm as a user does, but always against a given cluster, never the user's current context."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from task_gateway.deferred import tempfile
from task_gateway.kube.process import Word, run, tool
from task_gateway.model import Cluster

SECONDS = 300


def install(
    cluster: Cluster,
    release: str,
    chart: Path,
    namespace: str,
    values: Mapping[str, Any] | None = None,
    *,
    wait: bool = True,
    timeout_seconds: int = SECONDS,
    arguments: Sequence[Word] = (),
) -> str:
    """Install a chart, or upgrade its release if it exists, which makes a retry safe; return helm's output.

    `arguments` are further options of `helm upgrade`.
    """
    waiting = ["--wait", "--timeout", f"{timeout_seconds}s"] if wait else []
    with _values_file(values) as file:
        return _helm(
            cluster, "upgrade", "--install", release, chart, "--namespace", namespace, "--create-namespace",
            "--values", file, *waiting, *arguments,
        )  # fmt: skip


def uninstall(cluster: Cluster, release: str, namespace: str) -> None:
    """Remove a release, if it exists."""
    _helm(cluster, "uninstall", release, "--namespace", namespace, "--ignore-not-found", "--wait")


def test(cluster: Cluster, release: str, namespace: str) -> str:
    """Run the chart's tests and return their output."""
    return _helm(cluster, "test", release, "--namespace", namespace, "--logs", "--timeout", f"{SECONDS}s")


def template(
    chart: Path,
    values: Mapping[str, Any] | None = None,
    *,
    release: str = "task-gateway",
    namespace: str = "task-gateway",
    arguments: Sequence[Word] = (),
) -> str:
    """Render a chart without a cluster."""
    with _values_file(values) as file:
        argv = [
            tool("helm"),
            "template",
            release,
            chart,
            "--namespace",
            namespace,
            "--values",
            file,
            *arguments,
        ]
        return run(argv).stdout


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge values like Helm: later layers take precedence, maps are merged, other values are replaced."""
    found: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
            found[key] = merged(found[key], value) if both else value
    return found


def _helm(cluster: Cluster, *arguments: Word) -> str:
    file: list[Word] = [] if cluster.default_rules else ["--kubeconfig", cluster.kubeconfig]
    context = ["--kube-context", cluster.context] if cluster.context else []
    return run([tool("helm"), *arguments, *file, *context]).stdout


@contextmanager
def _values_file(values: Mapping[str, Any] | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="task-gateway-") as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(json.dumps(values or {}))  # JSON is YAML
        yield file
