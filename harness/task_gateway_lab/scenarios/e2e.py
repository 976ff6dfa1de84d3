"""The main job, as `make e2e` plays it: a notebook of another cluster through its gateway, and one at home."""

from task_gateway_lab.scenarios.declared import Move, Scenario, declare
from task_gateway_lab.scenarios.places import DEFAULT
from task_gateway_lab.scenarios.tasks import cell, end, out_of_reach, page, start

ADDITIONAL = "additional"
TAG = "e2e"


def moves(manager: str) -> tuple[Move, ...]:
    """Return what is done with the notebook of one resource manager, from its start to its end."""
    id = f"notebook-{manager}"
    apart = () if manager == DEFAULT else (out_of_reach(id),)
    return (start("notebook", manager, id), *apart, cell(id), page(id), end(id))


declare(
    Scenario(
        name="notebook_in_each_cluster",
        group="Notebooks",
        sentence="Notebooks open in another cluster, through its gateway, and in the master's own cluster; both end.",
        needs=("chromium",),
        tags=(TAG,),
        moves=(*moves(ADDITIONAL), *moves(DEFAULT)),
        managers=(ADDITIONAL,),
    )
)
