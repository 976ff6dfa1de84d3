"""Runs kubectl for what the API itself has no single request for."""

from task_gateway.kube.process import Word, run, tool
from task_gateway.model import Cluster


def kubectl(cluster: Cluster, *words: Word) -> str:
    """Run kubectl against a cluster and return what it printed; CommandFailed has what it said."""
    context = ["--context", cluster.context] if cluster.context else []
    return run([tool("kubectl"), "--kubeconfig", cluster.kubeconfig, *context, *words]).stdout
