"""Reads a Gateway and its objects: its class and controller, its listeners, and the ConfigMap of its chart."""

from dataclasses import replace
from functools import cached_property

from task_gateway.controllers.base import Controller, of_class
from task_gateway.errors import Forbidden
from task_gateway.kube.reader import Reader, list_readable
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import names, templates
from task_gateway.routing.gateway_api import GATEWAY, GATEWAY_CLASS, LISTENER_SET, is_attached
from task_gateway.routing.gateway_listeners import Listener
from task_gateway.routing.parents import listeners_of


class GatewayObjects:
    """The objects of one Gateway, each read on first use. `use` of a listener is a strategy, or "foreign".

    Forbidden if an object may not be read, unless documented otherwise.
    """

    def __init__(self, reader: Reader, gateway: InternalTaskGateway) -> None:
        self._reader = reader
        self._gateway = gateway

    @property
    def named(self) -> InternalTaskGateway:
        """The Gateway as it is named in the master's configuration."""
        return self._gateway

    @cached_property
    def serving(self) -> "GatewayObjects":
        """The objects of the Gateway that serves the ports: another one if only a Determined master writes this one."""
        notes = ((self.gateway or {}).get("metadata") or {}).get("annotations") or {}
        name = notes.get(names.SERVED_BY)
        return GatewayObjects(self._reader, replace(self._gateway, gateway_name=name)) if name else self

    @property
    def is_lane(self) -> bool:
        """Whether no controller serves it: the operator routes its ports to pods through slots of another Gateway."""
        return self.serving is not self

    @cached_property
    def gateway(self) -> Manifest | None:
        """The Gateway, None if there is none or its kind is not served."""
        return self._reader.find(GATEWAY, self._gateway.gateway_name, self._gateway.gateway_namespace)

    @property
    def spec(self) -> Manifest:
        """The Gateway's spec, empty if there is no Gateway."""
        return (self.gateway or {}).get("spec") or {}

    @property
    def status(self) -> Manifest:
        """The Gateway's status, empty if there is none."""
        return (self.gateway or {}).get("status") or {}

    @property
    def gateway_for_conditions(self) -> Manifest | None:
        """The Gateway for checks of conditions: without a generation if no condition has one."""
        found = self.gateway
        if found is None or self.controller.reports_generation:
            return found
        return found | {"metadata": {key: value for key, value in found["metadata"].items() if key != "generation"}}

    @cached_property
    def gateway_class(self) -> Manifest | None:
        """The Gateway's class, None if there is none."""
        name = self.spec.get("gatewayClassName")
        return self._reader.find(GATEWAY_CLASS, name) if name else None

    @property
    def controller(self) -> Controller:
        """The controller of the class; the fallback if this project does not know it. Of a lane, that of its slots."""
        return of_class(self.serving.controller_name)

    @cached_property
    def controller_name(self) -> str:
        """The controllerName of the class; the one in the chart's ConfigMap if the class may not be read."""
        try:
            return str(((self.gateway_class or {}).get("spec") or {}).get("controllerName", ""))
        except Forbidden:
            return templates.controller_name(self.chart)

    @cached_property
    def listener_sets(self) -> list[Manifest]:
        """The ListenerSets of the Gateway, in all namespaces, or in its own if only that may be read."""
        found = list_readable(self._reader, LISTENER_SET, self._gateway.gateway_namespace)
        return [each for each in found if is_attached(each, self._gateway)]

    @cached_property
    def listeners(self) -> list[Listener]:
        """Every listener of the gateway, the Gateway's own first."""
        parents = [*([self.gateway] if self.gateway else []), *self.listener_sets]
        return [each for parent in parents for each in listeners_of(parent, self._gateway)]

    @cached_property
    def templates(self) -> Manifest | None:
        """The ConfigMap of task routing templates, None if there is none."""
        name = names.templates(self._gateway.gateway_name)
        return self._reader.find("v1/ConfigMap", name, self._gateway.gateway_namespace)

    @property
    def chart(self) -> Manifest:
        """The data of that ConfigMap; empty if there is none or it may not be read."""
        try:
            return (self.templates or {}).get("data") or {}
        except Forbidden:
            return {}
