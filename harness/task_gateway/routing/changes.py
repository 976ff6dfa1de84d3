"""Reports changes of a gateway's tasks to a program that shows them: of their Services, and of their endpoints."""

import itertools
import queue
import threading
from collections.abc import Iterator, Sequence

from task_gateway.errors import TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import ENDPOINT_SLICE, SERVICE
from task_gateway.model import InternalTaskGateway
from task_gateway.routing import determined, names
from task_gateway.settings import DEFAULTS

SETTLED_SECONDS = 0.1
"""Changes that follow each other within this time are reported once."""


def changes(kube: Kube, gateway: InternalTaskGateway, namespaces: Sequence[str]) -> Iterator[None]:
    """Yield whenever a Service of the gateway in these namespaces, or an endpoint of one, changes; never ends.

    EndpointSlices have the labels of their Service, so one selector matches both. Objects of a Determined master have
    another label. Errors of a watch are raised.
    """
    seen: queue.Queue[TaskGatewayError | None] = queue.Queue()
    selectors = (names.gateway_selector(gateway.gateway_name, gateway.gateway_namespace), determined.LABEL)

    def follow(kind: str, namespace: str, selector: str) -> None:
        try:
            _, version = kube.snapshot(kind, namespace, labels=selector)
            while True:
                seconds = DEFAULTS.watch_seconds
                for event, obj in kube.watch(kind, namespace, labels=selector, seconds=seconds, version=version):
                    version = obj["metadata"]["resourceVersion"]
                    if event != "BOOKMARK":
                        seen.put(None)
        except TaskGatewayError as problem:
            seen.put(problem)

    for each in itertools.product((SERVICE, ENDPOINT_SLICE), namespaces, selectors):
        threading.Thread(target=follow, args=each, daemon=True).start()
    while True:
        told = [seen.get()]
        try:
            while True:
                told.append(seen.get(timeout=SETTLED_SECONDS))
        except queue.Empty:
            pass
        for problem in told:
            if problem is not None:
                raise problem
        yield
