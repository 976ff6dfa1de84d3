"""Where scenarios are run: the resource managers and the ports, also for a list of scenarios that runs none."""

DEFAULT, ADDITIONAL = "default", ("east", "west")
MASTER_PORT, FIRST_PORT, PORTS = 8080, 20000, 16
HUB_MANAGER = "east"
"""The resource manager whose cluster has the notebooks of JupyterHub."""
OWN_LISTENERS = 23000, 100
"""The first port of tasks that bring listeners of their own, and how many; beyond what upstream's CRD allows."""
