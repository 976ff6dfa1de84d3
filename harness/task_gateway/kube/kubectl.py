"""Runs kubectl for operations that the API does not offer as a single request."""

import shlex

from task_gateway.kube.process import Word, run, tool
from task_gateway.model import Cluster


def kubectl(cluster: Cluster, *words: Word) -> str:
    """Run kubectl against a cluster and return what it printed; CommandFailed has its error output."""
    return run([tool("kubectl"), *options(cluster), *words]).stdout


def options(cluster: Cluster) -> list[str]:
    """Return the options of kubectl that name a cluster."""
    file = [] if cluster.default_rules else ["--kubeconfig", str(cluster.kubeconfig)]
    return [*file, *(["--context", cluster.context] if cluster.context else [])]


def command(cluster: Cluster, words: str) -> str:
    """Return a kubectl command line to copy, such as `kubectl --kubeconfig FILE get nodes`."""
    return " ".join(["kubectl", *map(shlex.quote, options(cluster)), words])
