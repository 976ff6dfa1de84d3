"""Scenario: the chart, and with it the controller, is upgraded while notebooks are open."""

from task_gateway_lab.scenarios.declared import Move, Scenario, Scene, declare
from task_gateway_lab.scenarios.tasks import cell, end, page, run_cell, start

NOTE = {"example.com/upgraded": "yes"}
MANAGER, FIRST, SECOND = "east", "notebook-upgrade-1", "notebook-upgrade-2"


def upgrade(scene: Scene) -> str:
    """Upgrade the release with a value of the controller's changed, so that its pod is replaced."""
    managed = scene.world.sides[MANAGER]
    return scene.world.install(managed, scene.world.given.controller.annotated(NOTE))


def both(scene: Scene) -> str:
    """Run a cell in both notebooks."""
    return f"{run_cell(scene, FIRST)}; {run_cell(scene, SECOND)}"


declare(
    Scenario(
        name="chart_upgraded",
        group="Operations",
        sentence="The chart is upgraded and the controller replaced: open notebooks keep working on their ports.",
        needs=("chromium", "temporary clusters", "a controller of the chart"),
        tags=("operations",),
        alone=True,
        moves=(
            start("notebook", MANAGER, FIRST),
            start("notebook", MANAGER, SECOND),
            cell(FIRST),
            Move(
                "chart upgraded",
                upgrade,
                "helm upgrade $release internal-task-gateway -n $gateway_namespace --reuse-values",
            ),
            Move("both notebooks keep working", both),
            page(FIRST),
            end(FIRST),
            end(SECOND),
        ),
    )
)
