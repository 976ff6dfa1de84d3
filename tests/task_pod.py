"""The pod of a task in tests: a small server in the notebook image that knows its task."""

from task_gateway import images
from task_gateway.model import TASK_LABEL, Manifest


def task_pod(task: str, namespace: str, server: str, *ports: int) -> Manifest:
    """Return a pod that runs the Python text `server` with TASK and PORTS; it is Ready when the last port is open."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": task, "namespace": namespace, "labels": {TASK_LABEL: task}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "task",
                    "image": images.load().notebook,
                    "command": ["python3", "-c", server],
                    "env": [{"name": "TASK", "value": task}, {"name": "PORTS", "value": ",".join(map(str, ports))}],
                    "readinessProbe": {"tcpSocket": {"port": ports[-1]}, "periodSeconds": 1},
                }
            ],
        },
    }
