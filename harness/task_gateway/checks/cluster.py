"""The cluster itself: does it answer, is it of a version that is known to work, can it run a pod?"""

from task_gateway.checks.base import Trouble, check, minor
from task_gateway.kube.kubectl import command
from task_gateway.kube.wait import condition
from task_gateway.limits.site import Site

OLDEST = (1, 33)
"""From here on Kubernetes tells the ranges of Services, and has what the admission policy on ports needs."""


@check("ITG0101", "the API server answers", "kubectl get --raw /readyz")
def answers(site: Site) -> Trouble | None:
    """The server in the kubeconfig is down, unreachable from here or not ready, or rejects its credentials. The login
    command (`exec`) failed, the proxy does not answer, or the server's certificate is not trusted, not for this name,
    or out of date. Everything else depends on it."""
    said = site.kube.unready()
    fix = command(site.kube.cluster, "get --raw /readyz")
    return Trouble(f"{said} at {site.kube.server}", fix=fix) if said else None


@check("ITG0102", "Kubernetes is of a supported version", "upgrade the cluster", ("ITG0101",))
def version(site: Site) -> Trouble | None:
    """Kubernetes before 1.33 has no way to tell the ranges of Services, and cannot run the admission policy on
    ports."""
    found = site.kube.version()
    oldest = ".".join(map(str, OLDEST))
    return None if minor(found) >= OLDEST else Trouble(f"{found} is older than {oldest}", warning=True)


@check("ITG0103", "nodes are Ready", "kubectl describe nodes", ("ITG0101",))
def nodes(site: Site) -> Trouble | None:
    """Without a Ready node neither the proxy nor a task can run; with some not Ready, less fits."""
    states = {each["metadata"]["name"]: condition("Ready")(each) for each in site.nodes}
    troubled = sorted(name for name, said in states.items() if said is not None)
    if not troubled and states:
        return None
    some = len(troubled) < len(states)
    return Trouble(f"not Ready: {', '.join(troubled)}" if troubled else "there are no nodes", warning=some)
