"""The protocol for reading objects, from an API server or any other source."""

from typing import Protocol

from task_gateway.errors import Forbidden, NotFound
from task_gateway.model import Manifest


class Reader(Protocol):
    """Reads objects. Kinds are written as in `Kube`: `v1/Service`, `apps/v1/Deployment`."""

    def served(self, kind: str) -> bool:
        """Return whether this version of this kind is served."""
        ...

    def find(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """Return one object, None if there is none, or no such kind; Forbidden if it may not be read."""
        ...

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        """Return all objects of a kind, of one namespace or of all, that match the label selector.

        NotFound if the kind is not served, Forbidden if it may not be listed.
        """
        ...


def list_readable(reader: Reader, kind: str, namespace: str, labels: str = "") -> list[Manifest]:
    """Return the objects of all namespaces, or of `namespace` if only that may be read; none if the kind is not served.

    Forbidden if the namespace may not be read either.
    """
    try:
        try:
            return reader.list(kind, labels=labels)
        except Forbidden:
            return reader.list(kind, namespace, labels)
    except NotFound:
        return []
