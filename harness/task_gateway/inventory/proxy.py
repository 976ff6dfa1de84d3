"""Reads the proxy of a gateway, which its controller starts: its workloads, pods and Services."""

from functools import cached_property

from task_gateway.controllers.base import service_ports
from task_gateway.errors import Forbidden
from task_gateway.inventory.gateway import GatewayObjects
from task_gateway.kube.kinds import DAEMON_SET, DEPLOYMENT, POD, SERVICE
from task_gateway.kube.reader import Reader, list_readable
from task_gateway.model import Manifest
from task_gateway.routing import templates


class Proxy:
    """The objects of one gateway's proxy. Each kind is read on first use.

    They are found by labels that the controller sets, even if several Gateways share a proxy.
    """

    def __init__(self, reader: Reader, objects: GatewayObjects) -> None:
        self._reader = reader
        self._gateway_objects = objects

    @property
    def _objects(self) -> GatewayObjects:
        """The objects of the Gateway that the controller serves."""
        return self._gateway_objects.serving

    @cached_property
    def services(self) -> list[Manifest]:
        """The Services of the proxy."""
        return self._found(SERVICE)

    @cached_property
    def ports(self) -> frozenset[int] | None:
        """The ports of its Services; those in the chart's ConfigMap if the Services may not be read."""
        try:
            return service_ports(self.services)
        except Forbidden:
            return templates.service_ports(self._objects.chart)

    @cached_property
    def workloads(self) -> list[Manifest]:
        """Its Deployments, or its DaemonSets."""
        return self._found(DEPLOYMENT) or self._found(DAEMON_SET)

    @cached_property
    def pods(self) -> list[Manifest]:
        """Its pods; none if they may not be read."""
        try:
            return self._found(POD)
        except Forbidden:
            return []

    @cached_property
    def labels(self) -> str:
        """The labels of its Deployment; those of the Gateway if there is none, or if it may not be read."""
        own, *others = self._selectors
        try:
            return next((each for each in others if self._labelled(DEPLOYMENT, each)), own)
        except Forbidden:
            return own

    @property
    def _selectors(self) -> tuple[str, ...]:
        """The labels that the controller sets on the proxy, in the order to try them."""
        gateway, class_ = self._objects.named, self._objects.spec.get("gatewayClassName", "")
        return self._objects.controller.selectors(gateway.gateway_name, gateway.gateway_namespace, class_)

    def _found(self, kind: str) -> list[Manifest]:
        return next((found for each in self._selectors if (found := self._labelled(kind, each))), [])

    def _labelled(self, kind: str, labels: str) -> list[Manifest]:
        return list_readable(self._reader, kind, self._objects.named.gateway_namespace, labels)
