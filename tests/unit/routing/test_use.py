"""The use of ports, combined from the reports of several task namespaces for one range."""

from task_gateway.model import PortUse
from task_gateway.routing.use import Use, counted, merged


def test_a_port_that_has_no_slot_in_one_namespace_may_have_one_in_another() -> None:
    ours = {1: Use.TASK, 2: Use.FREE, 3: Use.ABSENT, 4: Use.ABSENT, 5: Use.FOREIGN, 6: Use.ABSENT}
    theirs = {1: Use.ABSENT, 2: Use.ABSENT, 3: Use.TASK, 4: Use.RESTING, 5: Use.FOREIGN, 6: Use.ABSENT}
    expected = PortUse(total=6, free=2, resting=1, tasks=2, foreign=1, reserved=0, absent=1)
    assert counted(merged([ours, theirs])) == expected


def test_a_listener_of_another_namespaces_task_is_not_foreign() -> None:
    assert merged([{1: Use.FOREIGN, 2: Use.FREE}, {1: Use.TASK, 2: Use.FREE}]) == {1: Use.TASK, 2: Use.FREE}
