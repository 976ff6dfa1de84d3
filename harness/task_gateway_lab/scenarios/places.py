"""The resource managers and the ports of scenarios, also for a list of scenarios that runs none."""

DEFAULT, ADDITIONAL = "default", ("east", "west")
MASTER_PORT, FIRST_PORT, PORTS = 8080, 20000, 16
HUB_MANAGER = "east"
"""The resource manager whose cluster has the notebooks of JupyterHub."""
OWN_LISTENERS = 23000, 100
"""The first port of tasks with their own listeners, and the number of ports, above the limit of Gateway API's CRD."""
