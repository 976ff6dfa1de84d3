"""Scenario: notebooks on the default and on both additional resource managers at the same time."""

from task_gateway_lab.scenarios.base import Scenario, declare
from task_gateway_lab.scenarios.tasks import cell, end, page, start

MANAGERS = ("default", "east", "west")
IDS = [f"everywhere-{manager}" for manager in MANAGERS]

declare(
    Scenario(
        name="notebooks_everywhere",
        group="Notebooks",
        sentence="Three notebooks are open at once, one on each resource manager; cells run in all of them.",
        needs=("two gateways", "chromium"),
        tags=("notebook", "smoke"),
        steps=(
            *(start("notebook", manager, id) for manager, id in zip(MANAGERS, IDS, strict=True)),
            *map(cell, IDS),
            *map(page, IDS),
            *map(end, IDS),
        ),
    )
)
