"""Reads the objects in one namespace of tasks: Services, routes, pods, Jobs, endpoints and quotas."""

from functools import cached_property

from task_gateway.inventory.crds import InstalledCrds
from task_gateway.kube.kinds import ENDPOINT_SLICE, JOB, POD, SERVICE
from task_gateway.kube.reader import Reader
from task_gateway.model import Manifest
from task_gateway.routing import endpoints


class TaskObjects:
    """The objects of one task namespace, of all its gateways. Each kind is read on first use."""

    def __init__(self, reader: Reader, namespace: str, crds: InstalledCrds) -> None:
        self._reader = reader
        self._namespace = namespace
        self._crds = crds

    @cached_property
    def services(self) -> list[Manifest]:
        """All Services."""
        return self._reader.list(SERVICE, self._namespace)

    @cached_property
    def routes(self) -> list[Manifest]:
        """The TCPRoutes; none if no version of them is served."""
        kind = self._crds.route_kind
        return self._reader.list(kind, self._namespace) if kind else []

    @cached_property
    def pods(self) -> list[Manifest]:
        """The pods."""
        return self._reader.list(POD, self._namespace)

    @cached_property
    def jobs(self) -> list[Manifest]:
        """The Jobs of the namespace."""
        return self._reader.list(JOB, self._namespace)

    @cached_property
    def endpoints(self) -> endpoints.Endpoints:
        """The endpoints, by Service."""
        return endpoints.by_service(self._reader.list(ENDPOINT_SLICE, self._namespace, endpoints.SERVICE_OF))

    @cached_property
    def quotas(self) -> list[Manifest]:
        """The ResourceQuotas."""
        return self._reader.list("v1/ResourceQuota", self._namespace)
