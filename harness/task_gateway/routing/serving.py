"""Reads and caches which controller serves a gateway, and the ports of its proxy's Service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from task_gateway.controllers.base import Controller, of_class, service_ports
from task_gateway.errors import Forbidden, TemplatesMismatch
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import SERVICE
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import templates
from task_gateway.routing.gateway_api import controller_of_class
from task_gateway.settings import DEFAULTS, Settings


@dataclass(frozen=True)
class Served:
    """The controller, and the ports of the proxy's Service if the controller adds none to it, otherwise None."""

    controller: Controller
    service_ports: frozenset[int] | None = None


class Serving:
    """The controller and the Service ports of one gateway, for a user with any permissions.

    `gateway_object` reads the Gateway, `chart` the data of the chart's ConfigMap. The latter has both for a user who
    can read neither the class nor the Services of the proxy.
    """

    def __init__(
        self,
        kube: Kube,
        gateway: InternalTaskGateway,
        gateway_object: Callable[[], Manifest],
        chart: Callable[[], Mapping[str, str]],
        settings: Settings = DEFAULTS,
    ) -> None:
        self._settings = settings
        self._kube, self._gateway = kube, gateway
        self._gateway_object, self._chart = gateway_object, chart
        self._known: tuple[float, Served] | None = None

    def read(self) -> Served:
        """Return the cached values; read again after Settings.controller_cache_seconds or `forget`."""
        known = self._known
        if known is not None and monotonic() - known[0] < self._settings.controller_cache_seconds:
            return known[1]
        began, found = monotonic(), self._read()
        self._known = (began, found)
        return found

    def forget(self) -> None:
        """Clear the cache, because an outdated value may be the reason why a call failed."""
        self._known = None

    def _read(self) -> Served:
        class_name = str(self._gateway_object()["spec"].get("gatewayClassName", ""))
        controller = of_class(self._controller_name(class_name))
        return Served(controller, None if controller.adds_ports else self._service_ports(controller, class_name))

    def _controller_name(self, class_name: str) -> str:
        try:
            return controller_of_class(self._kube, class_name)
        except Forbidden:
            return templates.controller_name(self._told())

    def _service_ports(self, controller: Controller, class_name: str) -> frozenset[int] | None:
        name, namespace = self._gateway.gateway_name, self._gateway.gateway_namespace
        try:
            for labels in controller.selectors(name, namespace, class_name):
                found = service_ports(self._kube.list(SERVICE, namespace, labels))
                if found is not None:
                    return found
        except Forbidden:
            return templates.service_ports(self._told())
        return None

    def _told(self) -> Mapping[str, str]:
        """Return the data of the chart's ConfigMap; empty if it may not be read or is from another version."""
        try:
            return self._chart()
        except (Forbidden, TemplatesMismatch):
            return {}
