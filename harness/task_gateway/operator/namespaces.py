"""Watches the slots, Jobs and pods of one task namespace, and notes each change in its Space."""

import time
from collections.abc import Callable, Iterable

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD, SERVICE
from task_gateway.kube.mirror import Mirror
from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.operator import pods
from task_gateway.operator.actor import Actor, Told
from task_gateway.operator.metrics import Metrics
from task_gateway.operator.pods import Pod
from task_gateway.operator.request import Allowed
from task_gateway.operator.space import Space, parse_job
from task_gateway.routing import names, table

PAGE = 250
"""The number of objects per read: a pod of 10 KiB takes ten times as much memory while it is read."""

Key = tuple[str, str]
"""A namespace and a task."""


class Followed:
    """The watches of a task namespace. `wake` is called with the tasks to reconcile."""

    def __init__(
        self,
        kube: Kube,
        gateway: InternalTaskGateway,
        namespace: str,
        permitted: Allowed,
        metrics: Metrics,
        told: Told,
        wake: Callable[[Iterable[Key]], object],
    ) -> None:
        self.space = Space(gateway, namespace, permitted, gateway.gateway_ip)
        self._namespace, self._wake = namespace, wake
        selector = names.slots_selector(gateway.gateway_name, gateway.gateway_namespace)
        self._slots = Mirror(
            kube,
            SERVICE,
            namespace,
            table.parse,
            labels=selector,
            changed=lambda before, after: self.wake(self.space.note_slot(before, after)),
            page=PAGE,
        )
        self._jobs = Mirror(
            kube,
            JOB,
            namespace,
            parse_job,
            changed=lambda before, after: self.wake(self.space.note_job(before, after)),
            page=PAGE,
        )
        self._pods = Mirror(
            kube,
            POD,
            namespace,
            _labelled,
            labels=names.EXPOSE,
            changed=self._pod,
            listed=self._slots.read_again,
            page=PAGE,
        )
        self.actor = Actor(kube, self.space, self._slots, self._pods, metrics, told)

    @property
    def restarts(self) -> int:
        """The number of times that a watch was restarted after an error."""
        return sum(each.restarts for each in (self._slots, self._jobs, self._pods))

    def follow(self) -> None:
        """Read everything and start to watch it. Errors are raised.

        Jobs come first, because slots are kept for them. Slots come last, also whenever all pods are read again: a pod
        may have lost the operator's fields, and its claims must be known when that is noted.
        """
        for each in (self._jobs, self._pods, self._slots):
            each.follow()

    def close(self) -> None:
        """End the watches."""
        for each in (self._jobs, self._slots, self._pods):
            each.close()

    def wake(self, uids: Iterable[str]) -> None:
        """Queue tasks of this namespace."""
        self._wake([(self._namespace, uid) for uid in uids])

    def _pod(self, before: Pod | None, after: Pod | None) -> None:
        if before is not None and (after is None or after.ended or after.uid != before.uid):
            self.actor.addressed.pop(before.uid, None)
        if after is not None and after.address and not after.ended:
            self.actor.addressed.setdefault(after.uid, time.monotonic())
        self.wake(self.space.note_pod(before, after))


def _labelled(pod: Manifest) -> Pod | None:
    """Parse a pod with the label; the response of a write may be a pod without it."""
    found = pods.parse(pod)
    return None if found.label is None else found
