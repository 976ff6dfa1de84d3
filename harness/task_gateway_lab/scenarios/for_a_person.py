"""Scenarios for a person: a program cannot judge them, or they require other equipment."""

from task_gateway_lab.scenarios.base import Scenario, declare

declare(
    Scenario(
        name="look_of_notebooks",
        group="Manual",
        sentence="JupyterLab through the gateway behaves as in the master's own cluster.",
        instructions="""# keep the clusters of a run: task-gateway scenario run notebooks_everywhere --keep
# open two notebooks side by side; type, scroll, draw a plot, resize a terminal
# no lag, and no dialog about the connection""",
    )
)
declare(
    Scenario(
        name="cloud_load_balancer",
        group="Manual",
        sentence="A cloud load balancer assigns an address to the gateway and supports a listener for each slot.",
        instructions="""helm install task-gateway internal-task-gateway --namespace task-gateway --create-namespace
kubectl --namespace task-gateway get gateway task-gateway   # an address, Programmed
task-gateway check   # no error
task-gateway limits  # load-balancer-listeners is not the lowest limit""",
    )
)
