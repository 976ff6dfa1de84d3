"""Why something is wrong, refused or not there yet, as types that code decides on; sentences are for people only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class ConfigRule(Enum):
    """The rule of a master configuration that a problem breaks; each has a check code in checks/config.py."""

    READABLE = auto()
    KNOWN_KEYS = auto()
    PORT_ORDER = auto()
    PORT_OVERLAP = auto()
    PORT = auto()
    GATEWAY_NAME = auto()
    GATEWAY_NAMESPACE = auto()
    GATEWAY_IP = auto()
    WELL_FORMED = auto()


class Refusal(Enum):
    """Why an API server refuses a request, as far as code decides on it; kube/refusals.py reads it from the answer."""

    TOO_MANY_ITEMS = auto()
    """A list has more items than its schema allows."""
    RULE_COST = auto()
    """The CEL rules cost more than they may while they run on an object."""
    TOO_LARGE = auto()
    """The object is larger than etcd takes."""
    QUOTA = auto()
    """A ResourceQuota of the namespace is used up."""
    NO_SERVICE_ADDRESS = auto()
    """Every address or node port for Services is taken."""
    DENIED = auto()
    """An admission policy or webhook denies it, or cannot judge a dry run."""
    NOT_APPROVED = auto()
    """A CRD of a protected group lacks the annotation that approves it."""


@dataclass(frozen=True)
class OverBudget:
    """A CEL rule, or all rules of a schema, are estimated to cost `factor` times what they may; None: over 100."""

    factor: float | None


@dataclass(frozen=True)
class Condition:
    """A condition of an object as it was last seen: `status` is True, False or Unknown, empty if nobody reports it.

    `stale`: it was reported for an older generation of the object.
    """

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    stale: bool = False

    @classmethod
    def read(cls, reported: Mapping[str, Any], *, stale: bool = False) -> "Condition":
        """Return an entry of `status.conditions`."""
        reason, message = reported.get("reason", ""), reported.get("message", "")
        return cls(reported["type"], reported["status"], reason, message, stale)

    @property
    def is_reported(self) -> bool:
        """Whether a controller has written it."""
        return bool(self.status)

    @property
    def is_refusal(self) -> bool:
        """Whether a controller refuses the object in its current state."""
        return self.status == "False" and not self.stale

    def __str__(self) -> str:
        if not self.is_reported:
            return f"it has no condition {self.type}"
        if self.stale:
            return f"{self.type} is of an older generation of the object"
        return f"{self.type} is {self.status} ({self.reason}): {self.message}"
