"""Reads the objects of the whole cluster: its nodes, kube-proxy, and all Services."""

from functools import cached_property

from task_gateway.kube import pods
from task_gateway.kube.kinds import POD, SERVICE
from task_gateway.kube.reader import Reader
from task_gateway.model import Manifest


class ClusterObjects:
    """Objects of one cluster that belong to no gateway. Each kind is read on first use."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @cached_property
    def nodes(self) -> list[Manifest]:
        """The nodes of the cluster."""
        return self._reader.list("v1/Node")

    @cached_property
    def kube_proxies(self) -> list[Manifest]:
        """The pods of kube-proxy; none if another component replaces it, or if the provider hides it."""
        return self._reader.list(POD, pods.SYSTEM_NAMESPACE, pods.KUBE_PROXY)

    @cached_property
    def services(self) -> list[Manifest]:
        """All Services of the cluster."""
        return self._reader.list(SERVICE)
