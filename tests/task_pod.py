"""The pod of a task as the tests run it: a small server in the notebook image that knows whose it is."""

from task_gateway import images
from task_gateway.model import TASK_LABEL, Manifest


def task_pod(task: str, namespace: str, server: str, *ports: int) -> Manifest:
    """Return a pod that runs `server`, a Python text, with TASK and PORTS in its environment; Ready with the last."""
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
