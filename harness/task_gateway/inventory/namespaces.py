"""Finds the namespaces of a gateway's tasks, and the Services of the slots in them."""

from collections.abc import Sequence
from functools import cached_property

from task_gateway.errors import Forbidden
from task_gateway.inventory.gateway import GatewayObjects
from task_gateway.kube.kinds import SERVICE
from task_gateway.kube.reader import Reader
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import names, templates


class TaskNamespaces:
    """The task namespaces of one gateway: `configured` by the master, listed by the chart, or with slots.

    `chosen` is the only one whose slots are read if the whole cluster may not be listed.
    """

    def __init__(
        self,
        reader: Reader,
        gateway: InternalTaskGateway,
        objects: GatewayObjects,
        *,
        configured: str | None = None,
        chosen: str | None = None,
    ) -> None:
        self._reader = reader
        self._gateway = gateway
        self._objects = objects
        self._configured = configured
        self._chosen = chosen

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All namespaces: the configured one, those that the chart lists, and those with slots; at least one.

        If there are none, or none can be read, it is the Gateway's namespace.
        """
        try:
            slots = sorted({service["metadata"]["namespace"] for service in self.slot_services})
        except Forbidden:
            slots = []
        return tuple(dict.fromkeys([*self._known, *slots])) or (self._gateway.gateway_namespace,)

    @cached_property
    def slot_services(self) -> list[Manifest]:
        """The Services of all slots; only of the known namespaces if the whole cluster may not be listed.

        Forbidden if none of these may be read either.
        """
        selector = names.slots_selector(self._gateway.gateway_name, self._gateway.gateway_namespace)
        try:
            return self._reader.list(SERVICE, labels=selector)
        except Forbidden:
            known = [self._chosen] if self._chosen else self._known or [self._gateway.gateway_namespace]
            return self._readable(known, selector)

    @cached_property
    def _known(self) -> list[str]:
        """The configured namespace and those that the chart lists; empty if neither exists or can be read."""
        try:
            listed = templates.task_namespaces(self._objects.templates)
        except Forbidden:
            listed = ()
        configured = [self._configured] if self._configured else []
        return list(dict.fromkeys([*configured, *listed]))

    def _readable(self, namespaces: Sequence[str], labels: str) -> list[Manifest]:
        """Return the Services of those namespaces that may be read; Forbidden if none may be."""
        found, refused = [], []
        for each in namespaces:
            try:
                found += self._reader.list(SERVICE, each, labels)
            except Forbidden as problem:
                refused.append(problem)
        if len(refused) == len(namespaces):
            raise refused[0]
        return found
