"""Finds the exposed tasks that a user names, by the names that `expose` accepts and `ls` shows."""

from collections.abc import Callable, Sequence

from task_gateway.errors import Forbidden, NotExposed, UsageError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import JOB, POD
from task_gateway.model import Exposure
from task_gateway.routing import names
from task_gateway.routing.objects import PODS_OF_JOB, label_of
from task_gateway.routing.references import Reference, parse

Key = tuple[str, str]
"""A task: its namespace and its id."""
Labels = Callable[[Reference, str], set[str]]
"""Returns the tasks that the object of a reference, in a namespace, and its pods belong to by their labels."""


def meant(reference: str, found: Sequence[Exposure], namespaces: Sequence[str], labels: Labels) -> Key:
    """Return the exposed task that a reference names: by its id, or by the pod or Job that it was exposed with.

    The object may be gone, because an annotation of the port has its kind and name. NotExposed if there is no such
    exposed task, UsageError if there are several, or if the reference is invalid.
    """
    by_id: set[Key] = set()
    if "/" not in reference:
        by_id = {(each.namespace, each.task_id) for each in found if each.task_id == reference}
    by_object = _by_object(reference, found, namespaces, labels) if not by_id or _is_reference(reference) else set()
    keys = by_id | by_object
    if len(keys) > 1:
        raise _several(reference, sorted(keys), found)
    if not keys:
        raise NotExposed(f"{reference} is not exposed", hint="task-gateway ls")
    return keys.pop()


def labels_of(kube: Kube) -> Labels:
    """Return a function that reads the tasks of an object: none if it is gone or may not be read."""

    def read(reference: Reference, namespace: str) -> set[str]:
        try:
            obj = kube.find(reference.kind, reference.name, namespace)
            pods = kube.list(POD, namespace, f"{PODS_OF_JOB}={reference.name}") if reference.kind == JOB else []
        except Forbidden:
            return set()
        return {task for each in [obj, *pods] if each is not None and (task := label_of(each)) is not None}

    return read


def _by_object(reference: str, found: Sequence[Exposure], namespaces: Sequence[str], labels: Labels) -> set[Key]:
    if "/" not in reference and not _is_reference(reference):
        names.check_task_id(reference)  # it can only be an id
        return set()
    named = parse(reference)
    noted = {
        (each.namespace, each.task_id) for each in found if (each.kind, each.object_name) == (named.word, named.name)
    }
    exposed = {(each.namespace, each.task_id) for each in found}
    return noted | {
        key for namespace in namespaces for task in labels(named, namespace) if (key := (namespace, task)) in exposed
    }


def _is_reference(text: str) -> bool:
    try:
        parse(text)
    except UsageError:
        return False
    return True


def _several(reference: str, keys: Sequence[Key], found: Sequence[Exposure]) -> UsageError:
    spaces = sorted({namespace for namespace, _ in keys})
    if len(spaces) > 1:
        return UsageError(
            f"{reference} is exposed in several namespaces: {', '.join(spaces)}",
            hint=f"--namespace {' | '.join(spaces)}",
        )
    objects = sorted(
        {
            f"{each.kind.lower()}/{each.object_name}"
            for each in found
            if (each.namespace, each.task_id) in keys and each.kind
        }
    )
    return UsageError(
        f"{reference} means several tasks: {', '.join(task for _, task in keys)}",
        hint=f"name one by its object: {' | '.join(objects)}" if objects else "task-gateway ls",
    )
