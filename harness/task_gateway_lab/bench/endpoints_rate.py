"""Sets how fast a cluster's own controllers write endpoints: 20 requests per second by default.

The controller manager is a static pod. Its manifest on the node is changed, and the kubelet restarts it.
"""

from task_gateway import images
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import wait_for
from task_gateway.model import Cluster, Manifest, Say
from task_gateway.settings import Wait
from task_gateway_lab.clusters.engine import engine

DEFAULT, RAISED = (20, 30), (500, 1000)
"""QPS and burst: the defaults of the controller manager, and the raised values for comparison."""

MANAGER = "kube-controller-manager"
FILE = f"/etc/kubernetes/manifests/{MANAGER}.yaml"
LEADS = Wait("controllers-lead", "the controller manager leads again, with its new limit", 180)


def tell(cluster: Cluster, rate: tuple[int, int], *, say: Say) -> None:
    """Set the rate limit of the controller manager of a kind cluster, and return when it leads again."""
    kube, node = Kube(cluster), f"{cluster.name}-control-plane"
    flags = [f"--kube-api-qps={rate[0]}", f"--kube-api-burst={rate[1]}"]
    before = _holder(kube.get("coordination.k8s.io/v1/Lease", MANAGER, "kube-system"))
    say(f"waiting until {LEADS.sentence}: {rate[0]} requests a second, {rate[1]} at once")
    lines = "".join(f"\\n    - {flag}" for flag in flags).removeprefix("\\n    ")
    engine(images.load().engine).run("exec", node, "sed", "-i", f"/- {MANAGER}$/a\\    {lines}", FILE)

    def missing(lease: Manifest | None) -> str | None:
        holder = _holder(lease or {})
        return None if holder and holder != before else f"the lease is held by {holder or 'nobody'}"

    wait_for(kube, LEADS, "coordination.k8s.io/v1/Lease", MANAGER, "kube-system", missing)
    pod = kube.get("v1/Pod", f"{MANAGER}-{node}", "kube-system")
    absent = set(flags).difference(pod["spec"]["containers"][0]["command"])
    if absent:
        raise LEADS.timed_out(f"it runs without {', '.join(sorted(absent))}", f"v1/Pod kube-system/{MANAGER}-{node}")


def _holder(lease: Manifest) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")
