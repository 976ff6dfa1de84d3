"""Measures the time from a pod's address to a connection through the gateway, for a few pods at a time."""

import threading
import time

from task_gateway.errors import WaitTimeout
from task_gateway.model import Address
from task_gateway.operator.metrics import Histogram
from task_gateway.routing import reach
from task_gateway.settings import Wait

AT_ONCE = 4
"""The number of concurrent measurements. Other pods are not measured, which limits the cost of a burst."""
REACHED = Wait("operator-reached", "a connection through the gateway reaches the pod", 10)


class Reached:
    """Opens connections, sends nothing, and counts the seconds until one stays open."""

    def __init__(self, seconds: Histogram, *, tls: bool) -> None:
        self._seconds, self._tls = seconds, tls
        self._free = threading.Semaphore(AT_ONCE)

    def measure(self, address: str, since: float) -> None:
        """Measure one address in the background, from `since`, a time of `time.monotonic`; skip it if AT_ONCE run."""
        if self._free.acquire(blocking=False):
            dialled = Address.parse(address)
            threading.Thread(target=self._measure, args=(dialled, since), name="measures", daemon=True).start()

    def _measure(self, address: Address, since: float) -> None:
        try:
            reach.wait_until_open(address, REACHED, tls=self._tls)
            self._seconds.observe(time.monotonic() - since)
        except WaitTimeout:
            pass
        finally:
            self._free.release()
