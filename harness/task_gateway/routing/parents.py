"""Reads the objects with the listeners of a gateway: the Gateway and the ListenerSets attached to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from task_gateway.errors import Forbidden
from task_gateway.kube.client import Kube
from task_gateway.kube.mirror import Mirror
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import names
from task_gateway.routing.gateway_api import GATEWAY, LISTENER_SET, allowed_from, is_attached
from task_gateway.routing.gateway_listeners import DETERMINED_NOTE, FOREIGN, Listener
from task_gateway.routing.strategies.base import in_order
from task_gateway.settings import Settings

Listeners = tuple[Listener, ...]


def listeners_of(parent: Manifest, gateway: InternalTaskGateway) -> Listeners:
    """Return the listeners of a Gateway or of a ListenerSet that is attached to it."""
    strategies, found = in_order(), []
    meta, kind = parent["metadata"], "ListenerSet" if "parentRef" in parent["spec"] else "Gateway"
    ours = (meta.get("labels") or {}).get(names.GATEWAY_LABEL) == gateway.gateway_name
    for each in parent["spec"].get("listeners") or []:
        name, port = each["name"], each.get("port", 0)
        namespaces = (each.get("allowedRoutes") or {}).get("namespaces") or {}
        selected = ((namespaces.get("selector") or {}).get("matchLabels") or {}).get("kubernetes.io/metadata.name", "")
        notes = (meta.get("annotations") or {}) if kind == "Gateway" else {}
        allocation = notes.get(f"{DETERMINED_NOTE}{port}", "")
        read = Listener(name, port, kind, meta["namespace"], meta["name"], FOREIGN, selected, allocation)
        use = next((one.name for one in strategies if one.recognises(read, ours)), FOREIGN)
        found.append(replace(read, use=use))
    return tuple(found)


class Parents:
    """The listeners of one gateway: read on each call, or kept by watches; `changed` is called after changes."""

    def __init__(
        self,
        kube: Kube,
        gateway: InternalTaskGateway,
        settings: Settings | None = None,
        *,
        changed: Callable[[], object] | None = None,
    ) -> None:
        self._kube, self._gateway, self._settings, self._changed = kube, gateway, settings, changed
        self._mirrors: Sequence[Mirror[Listeners]] = ()

    def gateway_object(self) -> Manifest:
        """Return the Gateway as it is now; NotFound if there is none."""
        return self._kube.get(GATEWAY, self._gateway.gateway_name, self._gateway.gateway_namespace)

    def listeners(self) -> list[Listener]:
        """Return every listener, the Gateway's own first."""
        sources = self._mirrors or self._sources(self.gateway_object())
        return list(chain.from_iterable(chain.from_iterable(each.read() for each in sources)))

    @property
    def restarts(self) -> int:
        """The number of times that a watch was restarted after an error."""
        return sum(each.restarts for each in self._mirrors)

    def follow(self) -> None:
        """Keep the listeners by watches from now on."""
        mirrors = self._sources(self.gateway_object())
        for each in mirrors:
            each.follow()
        self._mirrors = mirrors

    def close(self) -> None:
        """End the watches."""
        for each in self._mirrors:
            each.close()
        self._mirrors = ()

    def _sources(self, gateway: Manifest) -> list[Mirror[Listeners]]:
        mine = self._gateway
        own: Mirror[Listeners] = Mirror(
            self._kube,
            GATEWAY,
            mine.gateway_namespace,
            self._of_gateway,
            name=mine.gateway_name,
            settings=self._settings,
            changed=self._told,
        )
        if not self._kube.served(LISTENER_SET):
            return [own]
        return [own, *(self._sets(namespace) for namespace in self._namespaces(gateway))]

    def _sets(self, namespace: str | None) -> Mirror[Listeners]:
        return Mirror(self._kube, LISTENER_SET, namespace, self._of_set, settings=self._settings, changed=self._told)

    def _told(self, _before: Listeners | None, _after: Listeners | None) -> None:
        if self._changed is not None:
            self._changed()

    def _namespaces(self, gateway: Manifest) -> list[str | None]:
        """Return the namespaces to read ListenerSets in: all, or only the Gateway's if no others are allowed."""
        home = self._gateway.gateway_namespace
        if allowed_from(gateway["spec"]) in ("None", "Same"):
            return [home]
        try:
            self._kube.list(LISTENER_SET)
        except Forbidden:
            return [home]
        return [None]

    def _of_gateway(self, gateway: Manifest) -> Listeners:
        return listeners_of(gateway, self._gateway)

    def _of_set(self, listener_set: Manifest) -> Listeners | None:
        return listeners_of(listener_set, self._gateway) if is_attached(listener_set, self._gateway) else None
