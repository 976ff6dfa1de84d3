"""Exposes tasks like a user of the operator: writes a label to the pod, and waits for the operator's result."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType

from task_gateway.kube.kinds import POD
from task_gateway.kube.mirror import Mirror
from task_gateway.model import Address, InternalTaskGateway, Task
from task_gateway.operator import pods
from task_gateway.operator.pods import Pod
from task_gateway.operator.request import ExposeReason
from task_gateway.polling import attempts
from task_gateway.routing import names
from task_gateway.settings import Wait
from task_gateway_lab.bench.fake_pods import POD_LABEL
from task_gateway_lab.bench.meters import Count, MeteredKube

EXPOSED = Wait("exposed", "the condition of the pod shows that the operator has exposed it", 60)
CLEARED = Wait("cleared", "the operator has removed its result from the pods without the label", 600)
QUIET = Wait("operator-quiet", "the operator sends no more requests", 10)
OPERATORS = "app.kubernetes.io/component=operator"
QUIET_SECONDS = 0.25
"""How long the operator sends no requests when it is done: its Event follows the result after some milliseconds."""


class LabelExposer:
    """Labels pods, and watches them. At the end it removes all labels, and waits until the results are gone."""

    counted_apart = True

    def __init__(self, kube: MeteredKube, gateway: InternalTaskGateway, namespace: str) -> None:
        self.gateway = gateway
        self._kube, self._namespace = kube, namespace
        self._pods = Mirror(kube, POD, namespace, pods.parse, labels=POD_LABEL, changed=self._changed)
        self._seen = threading.Condition()
        self._waiting: dict[str, Future[Address]] = {}
        self._labelled: set[str] = set()
        self._marked: set[str] = set()
        """Pods with fields of the operator."""

    def __enter__(self) -> "LabelExposer":
        self._pods.follow()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                for name in sorted(self._labelled):
                    self._label(name, None)
                self._labelled.clear()
                self.settle()
        finally:
            self._pods.close()

    def expose(self, task: Task) -> Address:
        """Label a pod, and return when its condition reports that it is exposed."""
        self._waiting[task.id] = answer = Future[Address]()
        self._labelled.add(task.id)
        self._label(task.id, str(task.port))
        try:
            return answer.result(EXPOSED.seconds)
        except TimeoutError:
            said = next((each.condition for each in self._pods.read() if each.name == task.id), None)
            state = f"{said.reason}: {said.message}" if said and said.reason else "it has no such condition"
            raise EXPOSED.timed_out(state, f"{POD} {self._namespace}/{task.id}") from None

    def release(self, task: Task) -> None:
        """Remove the label; the operator frees the slot, and then removes its result."""
        self._labelled.discard(task.id)
        self._label(task.id, None)

    def settle(self) -> None:
        """Return when only pods with the label have a result."""
        with self._seen:
            if not self._seen.wait_for(lambda: self._marked <= self._labelled, CLEARED.seconds):
                left = sorted(self._marked - self._labelled)
                raise CLEARED.timed_out(f"{len(left)} pods have one, {left[0]} is the first", self._namespace)

    @contextmanager
    def counted(self) -> Iterator[Count]:
        """Count the requests of this thread, and those of the operator until it sends no more."""
        found, before = Count(), self._quiet()
        with self._kube.counted() as mine:
            yield found
        after = self._quiet()
        found.writes = mine.writes + after.writes - before.writes
        found.requests = mine.requests + after.requests - before.requests

    def _label(self, name: str, value: str | None) -> None:
        self._kube.patch(POD, name, self._namespace, {"metadata": {"labels": {names.EXPOSE: value}}})

    def _changed(self, _before: Pod | None, after: Pod | None) -> None:
        if after is None:
            return
        with self._seen:
            (self._marked.add if after.marked else self._marked.discard)(after.name)
            self._seen.notify_all()
        if after.label is not None and after.published and after.condition.reason == ExposeReason.EXPOSED:
            waiting = self._waiting.pop(after.name, None)
            if waiting is not None:
                waiting.set_result(Address.parse(dict(after.published)[after.label]))

    def _quiet(self) -> Count:
        """Wait until the operator sends no more requests, and return their number."""
        last: Count | None = None
        for _ in attempts(QUIET, QUIET_SECONDS):
            now = self._requests()
            if now == last:
                return now
            last = now
        raise QUIET.timed_out(f"it has sent {last.requests if last else 0}", self._namespace)

    def _requests(self) -> Count:
        """Return the number of requests of all replicas; a replica that is about to end sends none."""
        found = Count()
        for pod in self._kube.list(POD, self._namespace, OPERATORS):
            if "deletionTimestamp" not in pod["metadata"]:
                sent = self._kube.operator_requests(pod["metadata"]["name"], self._namespace)
                found.requests += sent.requests
                found.writes += sent.writes
        return found
