"""Scenario: two users' notebooks on one gateway; each token opens its own notebook and not the other."""

from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import cell, end, start

ADA, BOB = "notebook-of-ada", "notebook-of-bob"
FORBIDDEN = 403


def open_with_tokens(case: ScenarioCase) -> str:
    """Open each notebook with each token, through the gateway and through the master."""
    seen = []
    for target in (ADA, BOB):
        running: runtime.RunningTask = case.state[target]
        for owner in (ADA, BOB):
            authorization = case.state[owner].authorization
            for base in (f"http://{running.address}/proxy/{target}/", case.environment.platform.url(target)):
                reply = runtime.call("GET", f"{base}api/status", authorization=authorization)
                wanted = 200 if owner == target else FORBIDDEN
                if reply.status != wanted:
                    raise ScenarioFailed(f"the token of {owner} got {reply}, not {wanted}", where=base)
        seen.append(f"{target} only opens with its own token")
    return "; ".join(seen)


declare(
    Scenario(
        name="two_users",
        group="Notebooks",
        sentence="Two users have notebooks on one gateway; each token opens only its owner's notebook.",
        tags=("notebook", "security"),
        steps=(
            start("notebook", "east", ADA, owner="ada"),
            start("notebook", "east", BOB, owner="bob"),
            cell(ADA),
            cell(BOB),
            Step(
                "each token tried at each notebook",
                open_with_tokens,
                f"curl -H 'Authorization: token …' http://$notebook_of_ada/proxy/{ADA}/api/status",
            ),
            end(ADA),
            end(BOB),
        ),
    )
)
