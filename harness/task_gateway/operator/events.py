"""Sends the Events of pods in the background, after the writes that they report. No claim waits for an Event."""

import queue
import threading
from datetime import UTC, datetime

from task_gateway.errors import AlreadyExists, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.operator import result
from task_gateway.operator.log import say
from task_gateway.operator.pods import Pod
from task_gateway.operator.result import ExposeResult

COMPONENT = "task-gateway-operator"
WAITING = 10_000
"""The number of Events that may wait to be sent; further ones are dropped."""


class Events:
    """A thread that creates Events. If an Event cannot be created, that is logged, and it is dropped."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._waiting: queue.Queue[tuple[Pod, ExposeResult]] = queue.Queue(WAITING)
        threading.Thread(target=self._run, name="sends Events", daemon=True).start()

    def tell(self, pod: Pod, wanted: ExposeResult) -> None:
        """Send an Event if the result differs from the previous state of the pod."""
        if result.is_news(pod.condition, wanted):
            try:
                self._waiting.put_nowait((pod, wanted))
            except queue.Full:
                say("event left out", "warning", namespace=pod.namespace, pod=pod.name)

    def _run(self) -> None:
        while True:
            pod, wanted = self._waiting.get()
            try:
                self._kube.create(result.event(pod, str(wanted.reason), wanted.message, datetime.now(UTC), COMPONENT))
            except AlreadyExists:
                pass
            except TaskGatewayError as problem:
                say("event", "warning", namespace=pod.namespace, pod=pod.name, message=problem.message)
