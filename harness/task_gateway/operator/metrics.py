"""The operator's metrics in the text format of Prometheus. The names are stable and documented in docs/operator.md."""

import threading
from bisect import bisect_left
from collections.abc import Mapping

PREFIX = "task_gateway_operator_"
REQUESTS = "requests_total"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds of the histograms, from a single write to the API server up to an overloaded gateway."""


class Histogram:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(SECONDS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        with self._lock:
            self._counts[bisect_left(SECONDS, seconds)] += 1
            self._sum += seconds

    def lines(self, name: str) -> list[str]:
        """Return the lines of the text format."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        below, lines = 0, [f"# TYPE {PREFIX}{name} histogram"]
        for bound, count in zip((*map(str, SECONDS), "+Inf"), counts, strict=True):
            below += count
            lines.append(f'{PREFIX}{name}_bucket{{le="{bound}"}} {below}')
        return [*lines, f"{PREFIX}{name}_sum {total:.6f}", f"{PREFIX}{name}_count {below}"]


class Counter:
    """A number that only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = 0

    def add(self, count: int = 1) -> None:
        """Increase the number."""
        with self._lock:
            self.value += count


class Requests:
    """Requests to the API server, by method and resource."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, method: str, resource: str) -> None:
        """Count one request."""
        with self._lock:
            self._counts[method, resource] = self._counts.get((method, resource), 0) + 1

    def lines(self, name: str) -> list[str]:
        """Return the lines of the text format."""
        with self._lock:
            counts = sorted(self._counts.items())
        head = f"# TYPE {PREFIX}{name} counter"
        return [head, *(f'{PREFIX}{name}{{method="{each[0]}",resource="{each[1]}"}} {count}' for each, count in counts)]


class Metrics:
    """The metrics of a running operator."""

    def __init__(self) -> None:
        self.claim_seconds = Histogram()
        self.reached_seconds = Histogram()
        self.requests = Requests()
        self.retries = Counter()

    def text(self, gauges: Mapping[str, Mapping[str, int]], *, leader: bool, watch_restarts: int) -> str:
        """Return all metrics; `gauges` has a number for each task namespace, by the name of the metric."""
        lines: list[str] = []
        for name, values in gauges.items():
            lines.append(f"# TYPE {PREFIX}{name} gauge")
            lines += [f'{PREFIX}{name}{{namespace="{namespace}"}} {value}' for namespace, value in values.items()]
        lines += [f"# TYPE {PREFIX}leader gauge", f"{PREFIX}leader {int(leader)}"]
        for name, value in (("retries_total", self.retries.value), ("watch_restarts_total", watch_restarts)):
            lines += [f"# TYPE {PREFIX}{name} counter", f"{PREFIX}{name} {value}"]
        lines += self.requests.lines(REQUESTS)
        lines += self.claim_seconds.lines("claim_seconds")
        lines += self.reached_seconds.lines("reached_seconds")
        return "\n".join(lines) + "\n"
