"""Checks of the cluster itself: does it answer, is its version supported, can it run a pod?"""

from task_gateway.checks.base import Finding, check, minor, some
from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.kube import pods
from task_gateway.kube.kubectl import command
from task_gateway.kube.wait import condition
from task_gateway.model import Manifest

OLDEST = (1, 34)
"""The oldest minor release that the tests run on: OLDEST_KUBERNETES_VERSION in ci/versions.env."""


@check("ITG0101", "the API server answers", "kubectl get --raw /readyz")
def answers(snapshot: GatewaySnapshot) -> Finding | None:
    """The server of the kubeconfig is down, not ready, not reachable from this machine, or rejects the credentials.
    Other causes: the login command (`exec`) failed, the proxy does not answer, or the certificate of the server is not
    trusted, has another name, or is expired. All other checks depend on this one."""
    said = snapshot.kube.unready()
    fix = command(snapshot.kube.cluster, "get --raw /readyz")
    return Finding(f"{said} at {snapshot.kube.server}", fix=fix) if said else None


@check(
    "ITG0102",
    "the Kubernetes version is supported",
    "none here: upgrade the cluster as its provider documents",
    ("ITG0101",),
)
def version(snapshot: GatewaySnapshot) -> Finding | None:
    """The project is tested with Kubernetes 1.34 and later. Releases before 1.33 neither report the IP ranges of
    Services nor support the admission policy on ports."""
    found = snapshot.kube.version()
    oldest = ".".join(map(str, OLDEST))
    return None if minor(found) >= OLDEST else Finding(f"{found} is older than {oldest}", warning=True)


@check("ITG0103", "nodes are Ready", "kubectl describe nodes", ("ITG0101",))
def nodes(snapshot: GatewaySnapshot) -> Finding | None:
    """Neither the proxy nor a task can run without a Ready node. If only some nodes are not Ready, fewer tasks fit."""
    states = {each["metadata"]["name"]: condition("Ready")(each) for each in snapshot.cluster.nodes}
    troubled = sorted(name for name, said in states.items() if said is not None)
    if not troubled and states:
        return None
    some = len(troubled) < len(states)
    return Finding(f"not Ready: {', '.join(troubled)}" if troubled else "there are no nodes", warning=some)


@check(
    "ITG0104",
    "every kube-proxy pod is running",
    "kubectl describe pods --namespace kube-system --selector k8s-app=kube-proxy",
    ("ITG0101",),
)
def kube_proxy(snapshot: GatewaySnapshot) -> Finding | None:
    """Pods on a node without kube-proxy cannot reach Services. An installation there fails with misleading errors, for
    example about a certificate. On a machine with several kind clusters kube-proxy exits with "too many open files"
    when the inotify limits of the machine are reached. A cluster without kube-proxy pods passes: its network plugin
    replaces them, or its provider hides them."""
    running = {_node(pod) for pod in snapshot.cluster.kube_proxies if pods.not_running(pod) is None}
    wrong = sorted((pod for pod in snapshot.cluster.kube_proxies if _node(pod) not in running), key=_node)
    if not wrong:
        return None
    name = wrong[0]["metadata"]["name"]
    logs = f"kubectl logs --namespace {pods.SYSTEM_NAMESPACE} {name} --previous"
    said = [f"node {_node(pod)}: Pod {pod['metadata']['name']}: {pods.not_running(pod)}" for pod in wrong]
    return Finding(some(said), warning=bool(running), fix=logs if pods.restarts(wrong[0]) else "")


def _node(pod: Manifest) -> str:
    return pod["spec"].get("nodeName") or "(none)"
