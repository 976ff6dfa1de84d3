"""Scenario of `make e2e`: notebooks in another cluster, exposed by the master and by a label, and one in its own."""

from task_gateway_lab.scenarios import labels
from task_gateway_lab.scenarios.base import Scenario, Step, declare
from task_gateway_lab.scenarios.places import DEFAULT
from task_gateway_lab.scenarios.tasks import cell, end, out_of_reach, page, start

ADDITIONAL = "additional"
LABELLED = "notebook-labelled"
TAG = "e2e"


def steps_of(manager: str) -> tuple[Step, ...]:
    """Return the steps for a notebook of one resource manager, from its start to its end."""
    id = f"notebook-{manager}"
    apart = () if manager == DEFAULT else (out_of_reach(id),)
    return (start("notebook", manager, id), *apart, cell(id), page(id), end(id))


def by_label(manager: str) -> tuple[Step, ...]:
    """Return the steps for a notebook that the operator exposes in the cluster of a resource manager."""
    create, delete = labels.create(manager, LABELLED), labels.delete(manager, LABELLED)
    return (create, cell(LABELLED, "the gateway"), page(LABELLED), delete)


declare(
    Scenario(
        name="notebook_in_each_cluster",
        group="Notebooks",
        sentence="Notebooks open in another cluster, through its gateway, and in the master's own cluster; a third one "
        "is exposed by a label only. All end.",
        needs=("chromium", "operator"),
        tags=(TAG,),
        steps=(*steps_of(ADDITIONAL), *steps_of(DEFAULT), *by_label(ADDITIONAL)),
        managers=(ADDITIONAL,),
    )
)
