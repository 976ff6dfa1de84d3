"""A listener of a gateway, in the Gateway or a ListenerSet, and the names of those that serve tasks."""

from collections.abc import Iterable
from dataclasses import dataclass

SLOT, TASK, DETERMINED = "slot-", "task-", "det-"
"""Prefixes of the names of listeners that serve tasks: of this project, and of a Determined master."""
DETERMINED_NOTE = "determined.ai/det-gateway-port-"
"""Prefix, before the port, of the annotation by which a Determined master recognises its listeners."""
FOREIGN = "foreign"


@dataclass(frozen=True)
class Listener:
    """One listener of a gateway. `kind` is Gateway or ListenerSet, `parent` the name of the object that it is in.

    `use` is the name of the strategy that recognises it, "foreign" if none does. `task_namespace` is the namespace
    that it allows routes from, if it names one. `allocation` is that of a Determined master's task, empty for every
    other listener.
    """

    name: str
    port: int
    kind: str
    namespace: str
    parent: str
    use: str
    task_namespace: str = ""
    allocation: str = ""

    @property
    def is_determined(self) -> bool:
        """Whether a Determined master created it."""
        return bool(self.allocation) or (self.kind == "Gateway" and self.name.startswith(DETERMINED))

    def __str__(self) -> str:
        return f"listener {self.name} of {self.kind} {self.namespace}/{self.parent}"


def ports_of(listeners: Iterable[Listener]) -> set[int]:
    """Return the ports that the listeners hold."""
    return {listener.port for listener in listeners}
