"""Provider `existing`: a cluster the user has, named by kubeconfig and context; nothing is made or removed there."""

from task_gateway.errors import ClusterUnreachable, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import current_context
from task_gateway.model import Cluster, Say
from task_gateway_lab.clusters.base import PROVIDERS, ClusterRequest


@PROVIDERS.register("existing")
class Existing:
    """Remembers a cluster under a name."""

    name = "existing"

    def up(self, request: ClusterRequest, *, say: Say) -> Cluster:
        """Check that the cluster answers and return it; the kubeconfig itself stays where it is."""
        if request.kubeconfig is None:
            raise UsageError(
                "provider existing needs a kubeconfig",
                hint=f"task-gateway cluster up {request.name} --provider existing --kubeconfig FILE",
            )
        kubeconfig = request.kubeconfig.resolve()
        context = request.context or current_context(kubeconfig)  # kept, so that a later switch leads nowhere else
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
        """Touch nothing: the cluster is the user's."""
