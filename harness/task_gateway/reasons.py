"""The reasons of problems, refusals and missing states, as types for code. Sentences are only for people."""

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
    """The reasons of refusals by an API server that code uses; kube/refusals.py reads them from the response."""

    TOO_MANY_ITEMS = auto()
    """A list has more items than its schema allows."""
    RULE_COST = auto()
    """The CEL rules exceed their cost limit when they run on an object."""
    TOO_LARGE = auto()
    """The object is larger than etcd accepts."""
    QUOTA = auto()
    """A ResourceQuota of the namespace is used up."""
    NO_SERVICE_ADDRESS = auto()
    """Every address or node port for Services is taken."""
    DENIED = auto()
    """An admission policy or webhook denies it, or does not support a dry run."""
    NOT_APPROVED = auto()
    """A CRD of a protected group lacks the annotation that approves it."""


@dataclass(frozen=True)
class OverBudget:
    """The estimated cost of a CEL rule, or of all rules of a schema, is `factor` times the limit; None: over 100."""

    factor: float | None


@dataclass(frozen=True)
class Condition:
    """The last state of a condition: `status` is True, False or Unknown, empty if no controller reports it.

    `stale` means that it was reported for an older generation of the object.
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
