"""The records of a probed gateway controller: frozen and typed, with the versions of all components."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RequirementRecord:
    """One requirement on a controller: `result` is met, failed, not supported or skipped; `detail` is what was seen.

    `seconds` has the measurements by name, empty if there are none.
    """

    name: str
    sentence: str
    required: bool
    result: str
    detail: str
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ControllerRecord:
    """The result of probing one controller. It is `suitable` if it meets all mandatory requirements.

    `controller` is the controllerName of its class, `gateway` the Gateway that was probed, `cluster` the number of
    nodes and cores.
    """

    gateway_class: str
    controller: str
    gateway: str
    suitable: bool
    versions: Mapping[str, str] = field(default_factory=dict)
    cluster: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[RequirementRecord, ...] = ()
