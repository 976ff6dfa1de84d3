"""Scenario: the master restarts while tasks run; it finds them at the same ports."""

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import cell, end, start

EAST, HOME = "notebook-kept-east", "notebook-kept-home"


def restart_master(case: ScenarioCase) -> str:
    """Restart the master, and compare its tasks before and after."""
    platform = case.environment.platform
    before = {each.id: each.addresses for each in platform.tasks()}
    platform.restart()
    after = {each.id: each.addresses for each in platform.tasks()}
    lost = [id for id in (EAST, HOME) if after.get(id) != before[id]]
    if lost:
        raise ScenarioFailed(f"after the restart {', '.join(lost)} is elsewhere: {after}")
    return f"{EAST} at {after[EAST][0]}, {HOME} at {after[HOME][0]}, as before"


declare(
    Scenario(
        name="master_restarted",
        group="When something fails",
        sentence="The master restarts while tasks run: it finds them on the same ports, and they keep working.",
        tags=("restart",),
        alone=True,
        steps=(
            start("notebook", "east", EAST),
            start("notebook", "default", HOME),
            cell(EAST),
            Step(
                "master restarted",
                restart_master,
                "kubectl --kubeconfig $default_kubeconfig -n $master_namespace delete pod master",
            ),
            cell(EAST),
            cell(HOME),
            end(EAST),
            end(HOME),
        ),
    )
)
