"""Reads the installed CRDs of Gateway API, and the version of TCPRoute that they serve."""

from functools import cached_property

from task_gateway.crds import schema
from task_gateway.kube.reader import Reader
from task_gateway.model import Manifest
from task_gateway.routing.gateway_api import route_kind


class InstalledCrds:
    """The CRDs of one cluster. Each is read on first use."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @cached_property
    def gateways(self) -> Manifest | None:
        """The CRD of Gateways, None if it is not installed."""
        return self._reader.find(schema.KIND, schema.GATEWAYS)

    @cached_property
    def listener_sets(self) -> Manifest | None:
        """The CRD of ListenerSets, None if it is not installed."""
        return self._reader.find(schema.KIND, schema.LISTENER_SETS)

    @cached_property
    def route_kind(self) -> str | None:
        """The newest served version of TCPRoute, None if none is served."""
        return route_kind(self._reader)
