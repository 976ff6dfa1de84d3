"""Provider `existing`: a cluster of the user, given by kubeconfig and context. It is never created or removed."""

from task_gateway.errors import ClusterUnreachable, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import current_context
from task_gateway.model import Cluster, Say
from task_gateway_lab.clusters.base import PROVIDERS, ClusterRequest


@PROVIDERS.register("existing")
class Existing:
    """Records an existing cluster under a name."""

    name = "existing"

    def up(self, request: ClusterRequest, *, say: Say) -> Cluster:
        """Check that the cluster answers and return it; the kubeconfig is not copied."""
        if request.kubeconfig is None:
            raise UsageError(
                "provider existing needs a kubeconfig",
                hint=f"task-gateway cluster up {request.name} --provider existing --kubeconfig FILE",
            )
        kubeconfig = request.kubeconfig.resolve()
        context = request.context or current_context(kubeconfig)  # recorded, so a later change has no effect
        cluster = Cluster(request.name, self.name, kubeconfig, context)
        kube = Kube(cluster)
        said = kube.ready()
        if said is not None:
            raise ClusterUnreachable(
                said, where=kube.server, hint=f"kubectl --kubeconfig {request.kubeconfig} get nodes"
            )
        say(f"cluster {request.name}: {kube.server} answers, Kubernetes {kube.version()}")
        return cluster

    def down(self, cluster: Cluster) -> None:
        """Do nothing, because the cluster belongs to the user."""
