"""Rows that need a person: what no program can judge, or no machine here has."""

from task_gateway_lab.scenarios.declared import Scenario, declare

declare(
    Scenario(
        name="look_of_notebooks",
        group="For a person",
        sentence="JupyterLab through the gateway looks and feels as one in the master's own cluster.",
        look="""# keep the clusters of a run: task-gateway scenario run notebooks_everywhere --keep
# open two notebooks side by side; type, scroll, draw a plot, resize a terminal
# no lag, and no dialog about the connection""",
    )
)
declare(
    Scenario(
        name="cloud_load_balancer",
        group="For a person",
        sentence="A cloud's load balancer gives the gateway an address, and takes a listener for each slot.",
        look="""helm install task-gateway internal-task-gateway --namespace task-gateway --create-namespace
kubectl --namespace task-gateway get gateway task-gateway   # an address, Programmed
task-gateway check   # no error
task-gateway limits  # load-balancer-listeners is not what binds""",
    )
)
