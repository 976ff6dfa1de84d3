"""Reads which controller serves a gateway, and which ports its proxy's Service has, and keeps both for a while."""

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
    """The controller, and the ports of the proxy's Service where the controller adds none to it; None otherwise."""

    controller: Controller
    service_ports: frozenset[int] | None = None


class Serving:
    """What serves one gateway, as any identity can know it.

    `gateway_object` reads the Gateway, `chart` the data of the chart's ConfigMap: it has both for an identity that may
    read neither the class nor the Services of the proxy.
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
        """Return what serves the gateway; read again after Settings.controller_cache_seconds, or when forgotten."""
        known = self._known
        if known is not None and monotonic() - known[0] < self._settings.controller_cache_seconds:
            return known[1]
        began, found = monotonic(), self._read()
        self._known = (began, found)
        return found

    def forget(self) -> None:
        """Have the next `read` ask the API server: what is known may be why a call failed."""
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
        """Return the data of the chart's ConfigMap; nothing where it may not be read or is of another release."""
        try:
            return self._chart()
        except (Forbidden, TemplatesMismatch):
            return {}
