"""Task kind `notebook`: JupyterLab below /proxy/<task>/, with its own token."""

from task_gateway.model import Manifest
from task_gateway_lab.master.kinds.base import KINDS, TaskKind
from task_gateway_lab.master.manifests import notebook_pod

RESOURCES: Manifest = {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"memory": "1Gi"}}

KINDS.register("notebook")(TaskKind("notebook", (8888,), lambda task, image: notebook_pod(task, image, RESOURCES)))
