"""Named waits that watch objects until they have the expected state, and otherwise report the last state."""

import time
from collections.abc import Callable, Sequence

from task_gateway.errors import NotFound
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest
from task_gateway.reasons import Condition
from task_gateway.settings import NAMESPACE_READY, Wait

State = str | Condition
"""What is still missing: the condition that is not met, or a sentence; `str` converts both to a sentence."""
Missing = Callable[[Manifest | None], State | None]
AnyMissing = Callable[[Sequence[Manifest]], State | None]
RETRY_SECONDS = 0.5  # between requests for a kind that is not served yet


def wait_for(kube: Kube, wait: Wait, kind: str, name: str, namespace: str | None, missing: Missing) -> Manifest:
    """Return the object when `missing` returns None for it.

    `missing` receives the object, or None if it does not exist, and returns what is still missing. It may raise to end
    the wait at once. WaitTimeout has its last result, a condition also as `seen`.
    """
    deadline = time.monotonic() + wait.seconds
    state: State = "it does not exist"
    while (left := deadline - time.monotonic()) > 0:
        try:
            state = missing(None) or state
            for event, obj in kube.watch(kind, namespace, name=name, seconds=left):
                said = missing(None if event == "DELETED" else obj)
                if said is None:
                    return obj
                state = said
        except NotFound as problem:  # the kind: its CRD is not installed yet
            state = problem.message
            time.sleep(min(RETRY_SECONDS, max(0.0, deadline - time.monotonic())))
    where = f"{kind} {'/'.join(part for part in (namespace, name) if part)}"
    raise wait.timed_out(state, where)


def wait_until_settled(
    kube: Kube, wait: Wait, kind: str, namespace: str | None, labels: str, missing: AnyMissing, *, seconds: float
) -> list[Manifest]:
    """Return all matching objects when nothing was missing and they did not change for `seconds`.

    `missing` receives all of them after each change, and returns what is missing. It may raise to end the wait at once.
    WaitTimeout has its last result, a condition also as `seen`.
    """
    deadline = time.monotonic() + wait.seconds
    state: State = "nothing is known yet"
    seen: set[tuple[str, str]] | None = None
    since = 0.0
    while (left := deadline - time.monotonic()) > 0:
        objects, version = kube.snapshot(kind, namespace, labels=labels)
        said = missing(objects)
        now = None if said else {(each["metadata"]["uid"], each["metadata"]["resourceVersion"]) for each in objects}
        if now is None or now != seen:
            seen, since = now, time.monotonic()
        quiet = time.monotonic() - since
        if now is not None and quiet >= seconds:
            return objects
        state = said or f"unchanged for {quiet:.0f} of {seconds:g} s"
        pause = left if said else min(left, seconds - quiet)
        for event, _ in kube.watch(kind, namespace, labels=labels, seconds=pause, version=version):
            if event != "BOOKMARK":
                break
    raise wait.timed_out(state, f"{kind} {namespace or ''} {labels}")


def wait_until_gone(kube: Kube, wait: Wait, kind: str, name: str, namespace: str | None) -> None:
    """Return when there is no such object; WaitTimeout if it stays."""
    deadline = time.monotonic() + wait.seconds
    while (left := deadline - time.monotonic()) > 0:
        found, version = kube.snapshot(kind, namespace, name=name)
        if not found:
            return
        for event, _ in kube.watch(kind, namespace, name=name, seconds=left, version=version):
            if event == "DELETED":
                return
    raise wait.timed_out("it still exists", f"{kind} {'/'.join(part for part in (namespace, name) if part)}")


def wait_until_usable(kube: Kube, namespace: str) -> None:
    """Return when pods can be created in a namespace: its ServiceAccount is created a moment after it."""
    wait_for(kube, NAMESPACE_READY, "v1/ServiceAccount", "default", namespace, _missing)


def _missing(obj: Manifest | None) -> State | None:
    return "it does not exist" if obj is None else None


def condition(type: str, status: str = "True") -> Missing:
    """Return the function for `wait_for` that checks a condition for its status at the current generation.

    It returns the Condition that the object has instead, or a sentence if there is no object.
    """

    def missing(obj: Manifest | None) -> State | None:
        if obj is None:
            return "it does not exist"
        generation = obj["metadata"].get("generation", 0)
        for each in (obj.get("status") or {}).get("conditions") or []:
            if each["type"] != type:
                continue
            stale = each.get("observedGeneration", generation) < generation
            if each["status"] == status and not stale:
                return None
            return Condition.read(each, stale=stale)
        return Condition(type)

    return missing
