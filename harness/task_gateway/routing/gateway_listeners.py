"""One listener of a gateway, wherever it is, and how those are called that serve tasks."""

from collections.abc import Iterable
from dataclasses import dataclass

SLOT, TASK, DETERMINED = "slot-", "task-", "det-"
"""How the listeners are called that serve tasks: this project's, and those of a Determined master."""
DETERMINED_NOTE = "determined.ai/det-gateway-port-"
"""With a port behind it: the annotation of the Gateway by which a Determined master knows a listener for its own."""
FOREIGN = "foreign"


@dataclass(frozen=True)
class Listener:
    """One listener of a gateway. `kind` is Gateway or ListenerSet, `parent` the name of the object that it is in.

    `use` is the name of the strategy that recognises it, and foreign if none does. `task_namespace` is the namespace
    whose routes it lets in, if it names one. `allocation` is the one that a Determined master took the port for, empty
    for every other listener.
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
        """Whether a Determined master made it."""
        return bool(self.allocation) or (self.kind == "Gateway" and self.name.startswith(DETERMINED))

    def __str__(self) -> str:
        return f"listener {self.name} of {self.kind} {self.namespace}/{self.parent}"


def ports_of(listeners: Iterable[Listener]) -> set[int]:
    """Return the ports that the listeners hold."""
    return {listener.port for listener in listeners}
