"""Scenarios: users of JupyterHub log in, open JupyterLab in another cluster, and use cells, terminals and servers."""

from dataclasses import replace

from task_gateway.errors import ScenarioFailed
from task_gateway.model import OPERATOR
from task_gateway_lab.scenarios import own_hub, runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.places import HUB_MANAGER
from task_gateway_lab.scenarios.tasks import cell, end, opened, start

GROUP, NEEDS = "JupyterHub", ("temporary clusters", "jupyterhub", OPERATOR)
NEW_USER, ADA, BOB = "grace", "ada", "bob"
NOTEBOOK, TERMINAL = "hub-notebook", "hub-terminal"
FIRST, SECOND, OTHER = "hub-first", "hub-second", "hub-other"
FORBIDDEN = 403
TYPED, SHOWN = "echo $((6 * 7)) from a terminal", "42 from a terminal"


def hub_of(case: ScenarioCase) -> "own_hub.OwnHub":
    """Return the hub of a scenario that uses it as its platform."""
    if not isinstance(case.other_platform, own_hub.OwnHub):
        raise ScenarioFailed("the scenario has no JupyterHub", hint="begin it with the step HUB")
    return case.other_platform


def use_hub(case: ScenarioCase) -> str:
    """Use the run's hub as the platform, so the tasks of this scenario are its servers."""
    case.other_platform = hub = own_hub.hub_for(case.environment)
    case.facts["hub"] = hub.site.url
    return f"{hub.site.url}, notebooks on {HUB_MANAGER}"


KUBECTL = "kubectl --kubeconfig $default_kubeconfig -n $hub_namespace"
SHOW_PASSWORD = f"{KUBECTL} get secret hub -o 'go-template={{{{.data.password | base64decode}}}}'"
HUB = Step("JupyterHub runs in the default cluster", use_hub, f"{KUBECTL} get pods\n{SHOW_PASSWORD}")


def spawn_notebook(id: str, owner: str = ADA) -> Step:
    """Spawn a named server."""
    by_hand = (
        f"# log in at $hub as {owner}, start the server {id}\ntask-gateway ls --kubeconfig ${HUB_MANAGER}_kubeconfig"
    )
    return replace(start("notebook", HUB_MANAGER, id, owner=owner), by_hand=by_hand)


def stop_server(id: str) -> Step:
    """Stop a server."""
    return replace(end(id), by_hand=f"# open ${{hub}}hub/home, stop the server {id}")


def log_in(case: ScenarioCase) -> str:
    """Log in as a user that is new to the hub: it starts a server, and JupyterLab opens."""
    hub, lab = hub_of(case), case.picture("lab")
    case.cleanup.callback(hub.forget, NEW_USER)
    form = case.picture("login")
    case.environment.versions["chromium"] = own_hub.page.first_visit(hub.site.url, NEW_USER, hub.password, form, lab)
    return f"JupyterLab of {NEW_USER} opens"


def open_page(case: ScenarioCase) -> str:
    """Open a notebook in Chromium through the hub's login, and run its cell."""
    hub, running, server = hub_of(case), case.state[NOTEBOOK], opened(case, NOTEBOOK)
    server.decline_news()
    url, output = server.save("cell.ipynb", runtime.data()["cell"]), f"{running.host} {runtime.data()['output']}"
    own_hub.page.run_cell(url, ADA, hub.password, output, case.picture("notebook"))
    return f"the page shows {output!r}"


def open_terminal(case: ScenarioCase) -> str:
    """Open a terminal in Chromium through the hub's login."""
    hub, server = hub_of(case), opened(case, TERMINAL)
    server.decline_news()
    picture = case.picture("terminal")
    own_hub.page.run_in_terminal(f"{server.url}lab", ADA, hub.password, TYPED, SHOWN, picture)
    return f"the terminal shows {SHOWN!r}"


def open_with_tokens(case: ScenarioCase) -> str:
    """Open each server with a token of one user."""
    hub, wanted = hub_of(case), {FIRST: 200, SECOND: 200, OTHER: FORBIDDEN}
    authorization = hub.token_of(ADA)
    found = {id: runtime.call("GET", f"{hub.url(id)}api/status", authorization=authorization).status for id in wanted}
    if found != wanted:
        raise ScenarioFailed(f"a token of {ADA} got {found}, not {wanted}", where=hub.site.url)
    return f"a token of {ADA} opens {FIRST} and {SECOND}, not {OTHER} of {BOB}"


def compare_ports(case: ScenarioCase) -> str:
    """Check that each server has its own port."""
    addresses = {id: str(case.state[id].address) for id in (FIRST, SECOND, OTHER)}
    if len(set(addresses.values())) != len(addresses):
        raise ScenarioFailed(f"two servers have one address: {addresses}")
    return ", ".join(f"{id} at {address}" for id, address in addresses.items())


declare(
    Scenario(
        name="jupyterhub_login",
        group=GROUP,
        sentence="A user logs in to JupyterHub; a notebook starts in another cluster, and JupyterLab opens.",
        needs=(*NEEDS, "chromium"),
        tags=("jupyterhub",),
        steps=(HUB, Step(f"{NEW_USER} logs in with Chromium", log_in, f"# open $hub, log in as {NEW_USER}")),
    )
)
declare(
    Scenario(
        name="jupyterhub_notebook",
        group=GROUP,
        sentence="A cell runs in a notebook that JupyterHub spawned into another cluster.",
        needs=(*NEEDS, "chromium"),
        tags=("jupyterhub",),
        steps=(
            HUB,
            spawn_notebook(NOTEBOOK),
            cell(NOTEBOOK),
            Step("cell executed in Chromium", open_page, f"# open ${{hub}}user/{ADA}/{NOTEBOOK}/lab, run a cell"),
            stop_server(NOTEBOOK),
        ),
    )
)
declare(
    Scenario(
        name="jupyterhub_terminal",
        group=GROUP,
        sentence="A terminal works in a notebook that JupyterHub spawned into another cluster.",
        needs=(*NEEDS, "chromium"),
        tags=("jupyterhub",),
        steps=(
            HUB,
            spawn_notebook(TERMINAL),
            Step(
                "terminal opened in Chromium",
                open_terminal,
                f"# open ${{hub}}user/{ADA}/{TERMINAL}/lab, File, New, Terminal",
            ),
            stop_server(TERMINAL),
        ),
    )
)
declare(
    Scenario(
        name="jupyterhub_users",
        group=GROUP,
        sentence="Two users have three servers, two of one user: each has its own port and only opens for its user.",
        needs=NEEDS,
        tags=("jupyterhub", "security"),
        steps=(
            HUB,
            spawn_notebook(FIRST),
            spawn_notebook(SECOND),
            spawn_notebook(OTHER, BOB),
            Step(
                "each server has its own port", compare_ports, f"task-gateway ls --kubeconfig ${HUB_MANAGER}_kubeconfig"
            ),
            Step("a user's token tried at each server", open_with_tokens),
            stop_server(FIRST),
            cell(SECOND),
            cell(OTHER),
            stop_server(SECOND),
            stop_server(OTHER),
        ),
    )
)
