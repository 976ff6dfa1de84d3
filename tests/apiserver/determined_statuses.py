"""A simulated controller that only writes a Gateway's status, with the timing and content of Envoy Gateway 1.9.

After each change of a listener or a route it processes everything. This takes longer with more listeners, and changes
during it are processed together. It writes the status if it has changed, with the number of routes of each listener,
and retries with growing pauses after a conflict.
"""

import threading
import time
from collections import Counter
from contextlib import suppress
from types import TracebackType

from tests.apiserver.broken import parent_status

from task_gateway.checks.determined import ROUTE
from task_gateway.errors import Conflict
from task_gateway.kube.client import Kube
from task_gateway.kube.mirror import Mirror
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing.gateway_api import GATEWAY

SECONDS, SECONDS_PER_LISTENER = 0.01, 0.0007
"""The duration of processing everything; the second figure was measured with Envoy Gateway 1.9.1."""
PAUSES = (0.01, 0.05, 0.25)
"""Its pauses after a refused write: four attempts, with pauses that grow by a factor of five."""


class Statuses:
    """As a context manager it watches the Gateway and the routes of a namespace."""

    def __init__(self, kube: Kube, gateway: InternalTaskGateway, namespace: str) -> None:
        self._kube, self._gateway = kube, gateway
        self._woken, self._over = threading.Event(), False
        self._gateways = Mirror(
            kube, GATEWAY, gateway.gateway_namespace, lambda obj: obj, name=gateway.gateway_name, changed=self._changed
        )
        self._routes = Mirror(kube, ROUTE, namespace, _port, changed=self._changed)
        self._thread = threading.Thread(target=self._run, name="writes statuses")

    def __enter__(self) -> "Statuses":
        self._gateways.follow()
        self._routes.follow()
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over = True
        self._woken.set()
        self._thread.join()
        self._gateways.close()
        self._routes.close()

    def _changed(self, *_: object) -> None:
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            if self._over:
                return
            gateway, routes = next(iter(self._gateways.read())), Counter(self._routes.read())
            time.sleep(SECONDS + SECONDS_PER_LISTENER * len(gateway["spec"]["listeners"]))
            self._write(gateway, routes)

    def _write(self, processed: Manifest, routes: Counter[int]) -> None:
        """Write the status for the processed Gateway to its last known version."""
        status = parent_status(processed)
        ports = {each["name"]: each["port"] for each in processed["spec"]["listeners"]}
        for each in status["listeners"]:
            each["attachedRoutes"] = routes[ports[each["name"]]]
        for pause in (*PAUSES, 0.0):
            gateway = next(iter(self._gateways.read()))
            if status == gateway.get("status"):
                return
            with suppress(Conflict):
                self._gateways.keep(self._kube.replace(gateway | {"status": status}, subresource="status"))
                return
            time.sleep(pause)


def _port(route: Manifest) -> int:
    return int(route["spec"]["parentRefs"][0].get("port", 0))
