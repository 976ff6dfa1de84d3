"""The records of what a gateway controller was seen to do: frozen, typed, with the versions that it was seen with."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RequirementRecord:
    """One requirement on a controller: `result` is met, failed, not supported or skipped; `detail` is what was seen.

    `seconds` has what was measured, by name, empty where a requirement has no figure.
    """

    name: str
    sentence: str
    required: bool
    result: str
    detail: str
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ControllerRecord:
    """What one controller was seen to do: `suitable` if it meets all that is required.

    `controller` is the name by which it serves the class, `gateway` the Gateway that was probed, `cluster` the number
    of its nodes and of their cores.
    """

    gateway_class: str
    controller: str
    gateway: str
    suitable: bool
    versions: Mapping[str, str] = field(default_factory=dict)
    cluster: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[RequirementRecord, ...] = ()
