"""How the ports of a range are used, each by one word, to combine what several task namespaces report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import IntEnum

from task_gateway.model import PortUse


class Use(IntEnum):
    """What a port of the range is used for. Of two namespaces that differ, the smaller one is right.

    A task's port is foreign, or has no slot, as seen from another namespace.
    """

    TASK = 1
    RESTING = 2
    FREE = 3
    FOREIGN = 4
    RESERVED = 5
    ABSENT = 6


Uses = Mapping[int, Use]


def merged(each: Iterable[Uses]) -> dict[int, Use]:
    """Return the use of every port, from what each task namespace reports for the same range."""
    found: dict[int, Use] = {}
    for uses in each:
        for port, use in uses.items():
            found[port] = min(use, found.get(port, use))
    return found


def counted(uses: Uses) -> PortUse:
    """Return how many ports there are of each use; resting ones are free too."""
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
