"""The listeners of a gateway, wherever they are, and whose each one is."""

from collections.abc import Iterable
from dataclasses import dataclass

from task_gateway.model import InternalTaskGateway, Manifest
from task_gateway.routing import names

SLOT, TASK, DETERMINED = "slot-", "task-", "det-"
"""How the listeners are called that serve tasks: this project's, and those of a Determined master."""
DETERMINED_NOTE = "determined.ai/det-gateway-port-"
"""With a port behind it: the annotation of the Gateway by which a Determined master knows a listener for its own."""
FOREIGN = "foreign"


@dataclass(frozen=True)
class Listener:
    """One listener of a gateway. `kind` is Gateway or ListenerSet, `parent` the name of the object that it is in.

    `use` is slots or listeners, and foreign for one that serves no task of this project's or of a
    Determined master's. `task_namespace` is where the routes come from that it lets in, if it names one.
    `allocation` is the one that a Determined master took the port for, empty for every other listener.
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


def listeners_of(parent: Manifest, gateway: InternalTaskGateway) -> tuple[Listener, ...]:
    """Return the listeners of a Gateway or of a ListenerSet that is attached to it."""
    return tuple(_listener(each, parent, gateway) for each in parent["spec"].get("listeners") or [])


def ports_of(listeners: Iterable[Listener]) -> set[int]:
    """Return the ports that the listeners hold."""
    return {listener.port for listener in listeners}


def _listener(listener: Manifest, parent: Manifest, gateway: InternalTaskGateway) -> Listener:
    meta, name, port = parent["metadata"], listener["name"], listener.get("port", 0)
    kind = "ListenerSet" if "parentRef" in parent["spec"] else "Gateway"
    labels = meta.get("labels") or {}
    ours = labels.get(names.GATEWAY_LABEL) == gateway.gateway_name
    namespaces = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    selected = ((namespaces.get("selector") or {}).get("matchLabels") or {}).get("kubernetes.io/metadata.name", "")
    allocation = (meta.get("annotations") or {}).get(f"{DETERMINED_NOTE}{port}", "") if kind == "Gateway" else ""
    if ours and name == f"{SLOT}{port}":
        use = "slots"
    elif kind == "Gateway":
        use = "listeners" if allocation or name.startswith((TASK, DETERMINED)) else FOREIGN
    else:
        use = FOREIGN
    return Listener(name, port, kind, meta["namespace"], meta["name"], use, selected, allocation)
