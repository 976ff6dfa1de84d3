"""The use of each port of a range, and how to combine those that several task namespaces report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import IntEnum

from task_gateway.model import PortUse


class Use(IntEnum):
    """The use of a port of the range. If two namespaces report different uses, the smaller value is correct.

    From another namespace, the port of a task is foreign or has no slot.
    """

    TASK = 1
    RESTING = 2
    FREE = 3
    FOREIGN = 4
    RESERVED = 5
    ABSENT = 6


Uses = Mapping[int, Use]


def merged(each: Iterable[Uses]) -> dict[int, Use]:
    """Return the use of every port, combined from the reports of all task namespaces for the same range."""
    found: dict[int, Use] = {}
    for uses in each:
        for port, use in uses.items():
            found[port] = min(use, found.get(port, use))
    return found


def counted(uses: Uses) -> PortUse:
    """Return the number of ports of each use. Resting ports also count as free."""
    count = Counter(uses.values())
    return PortUse(
        total=len(uses),
        free=count[Use.FREE] + count[Use.RESTING],
        resting=count[Use.RESTING],
        tasks=count[Use.TASK],
        foreign=count[Use.FOREIGN],
        reserved=count[Use.RESERVED],
        absent=count[Use.ABSENT],
    )
