"""Scenario: the chart, including the controller, is upgraded while notebooks are open."""

from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import cell, end, page, run_cell, start

NOTE = {"example.com/upgraded": "yes"}
MANAGER, FIRST, SECOND = "east", "notebook-upgrade-1", "notebook-upgrade-2"


def upgrade_release(case: ScenarioCase) -> str:
    """Upgrade the release with a changed value of the controller, which replaces its pod."""
    managed = case.environment.clusters[MANAGER]
    return case.environment.install(managed, case.environment.spec.controller.annotated(NOTE))


def run_both_cells(case: ScenarioCase) -> str:
    """Run a cell in both notebooks."""
    return f"{run_cell(case, FIRST)}; {run_cell(case, SECOND)}"


declare(
    Scenario(
        name="chart_upgraded",
        group="Operations",
        sentence="The chart is upgraded and the controller replaced: open notebooks keep working on their ports.",
        needs=("chromium", "temporary clusters", "a controller of the chart"),
        tags=("operations",),
        alone=True,
        steps=(
            start("notebook", MANAGER, FIRST),
            start("notebook", MANAGER, SECOND),
            cell(FIRST),
            Step(
                "chart upgraded",
                upgrade_release,
                "helm upgrade $release internal-task-gateway -n $gateway_namespace --reuse-values",
            ),
            Step("both notebooks keep working", run_both_cells),
            page(FIRST),
            end(FIRST),
            end(SECOND),
        ),
    )
)
