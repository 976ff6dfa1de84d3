"""The components between a client and a task that are restarted while connections are open."""

from collections.abc import Callable, Sequence
from functools import partial

from task_gateway import settings
from task_gateway.kube.kinds import POD
from task_gateway.kube.kubectl import kubectl
from task_gateway.kube.pods import KUBE_PROXY, SYSTEM_NAMESPACE, not_running
from task_gateway.kube.wait import wait_until_settled
from task_gateway.model import Manifest
from task_gateway.polling import attempts
from task_gateway.settings import SETTLED_SECONDS, Wait
from task_gateway_lab.bench.bench_cluster import NAMESPACE, RELEASE
from task_gateway_lab.bench.peers.base import PeerComponent, PeerContext
from task_gateway_lab.clusters import node

REPLACED = Wait("replaced", "the pods were replaced and are Ready", 180)
GRACE_SECONDS = 1
"""The shortest grace period with a notice to the pod: a restart, not a drain."""


def restart_api_server(context: PeerContext) -> None:
    """Kill the API server. The kubelet starts it again."""
    kube = context.bench.kube
    node.Node.running(context.bench.cluster).kill(node.API_SERVER)
    state = None
    for _ in attempts(settings.API_READY):
        state = kube.ready()
        if state is None:
            return
    raise settings.API_READY.timed_out(str(state), kube.server)


def replace_pods(context: PeerContext, namespace: str, labels: str) -> None:
    """Delete pods and return when their replacements are Ready."""
    kube = context.bench.kube
    old = {each["metadata"]["uid"] for each in kube.list(POD, namespace, labels)}
    where = ["--namespace", namespace, "--selector", labels]
    kubectl(context.bench.cluster, "delete", "pods", *where, f"--grace-period={GRACE_SECONDS}", "--wait=false")
    wait_until_settled(
        kube, REPLACED, POD, namespace, labels, partial(_missing, old), seconds=SETTLED_SECONDS
    )  # fmt: skip


def pods(name: str, namespace: str, labels: Callable[[PeerContext], str]) -> PeerComponent:
    """Return a part that consists of pods."""
    return PeerComponent(name, lambda context: replace_pods(context, namespace, labels(context)))


def _missing(old: set[str], found: Sequence[Manifest]) -> str | None:
    if not found:
        return "there is none"
    left = [each["metadata"]["name"] for each in found if each["metadata"]["uid"] in old]
    if left:
        return f"{', '.join(left)} still exists"
    return next((state for each in found if (state := not_running(each))), None)


API_SERVER = PeerComponent("API server", restart_api_server)
PROXY = pods("Envoy", NAMESPACE, lambda context: context.bench.controller.proxies(RELEASE, NAMESPACE))
CONTROLLER = pods("gateway controller", NAMESPACE, lambda context: context.bench.controller.labels)
NODE_PROXY = pods("kube-proxy", SYSTEM_NAMESPACE, lambda _context: KUBE_PROXY)
