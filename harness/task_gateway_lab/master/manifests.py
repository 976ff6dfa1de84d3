"""The Kubernetes objects of a task and of the master. Pure."""

from pathlib import Path

from task_gateway.model import LABEL_PREFIX, TASK_LABEL, Manifest, Task
from task_gateway.routing.names import EXPOSE

USER = 1000
HOME = "/home/task"
HOME_SIZE = "1Gi"
SOURCE = Path(__file__).with_name("proxy.py")
TOKEN_KEY = "token"  # a key of a Secret, not a token
RESTRICTED, PRIVILEGED = "restricted", "privileged"  # levels of Pod Security


def namespace(name: str, level: str) -> Manifest:
    """Return a namespace that enforces a Pod Security Standard."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret(name: str, namespace: str, token: str) -> Manifest:
    """Return the Secret of one token."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {TOKEN_KEY: token}}


def base_url(task_id: str) -> str:
    """Return the base path of a notebook: its path at the master's proxy."""
    return f"/proxy/{task_id}/"


def notebook_pod(task: Task, image: str, resources: Manifest) -> Manifest:
    """Return the pod of a JupyterLab that serves /proxy/<task>/; its token is in the Secret of the same name."""
    base_path = base_url(task.id)
    container = {
        "name": "notebook",
        "image": image,
        "command": [
            *("jupyter", "lab", "--ip=0.0.0.0", f"--port={task.port}", "--no-browser"),
            f"--ServerApp.base_url={base_path}",
            f"--ServerApp.root_dir={HOME}",
            "--LabApp.extension_manager=readonly",
        ],
        "env": [{"name": "HOME", "value": HOME}, _token("JUPYTER_TOKEN", task.id)],
        "ports": [{"name": "http", "containerPort": task.port}],
        "readinessProbe": {"httpGet": {"path": f"{base_path}api", "port": task.port}, "periodSeconds": 1},
        "resources": resources,
        "volumeMounts": [{"name": "home", "mountPath": HOME}],
        "workingDir": HOME,
    }
    home = {"name": "home", "emptyDir": {"sizeLimit": HOME_SIZE}}
    return _pod(task.id, task.namespace, {TASK_LABEL: task.id}, container, home)


def labelled(pod: Manifest, port: int) -> Manifest:
    """Return the pod of a task that the operator exposes: with a label for the port."""
    return pod | {"metadata": pod["metadata"] | {"labels": {EXPOSE: str(port)}}}


def program_pod(task: Task, image: str, command: list[str], resources: Manifest) -> Manifest:
    """Return the pod of a program that gets its task and ports; it is Ready when the last port is open."""
    container = {
        "name": "task",
        "image": image,
        "command": command,
        "env": [
            {"name": "HOME", "value": HOME},
            {"name": "TASK", "value": task.id},
            {"name": "PORTS", "value": ",".join(map(str, task.ports))},
        ],
        "ports": [{"containerPort": port} for port in task.ports],
        "readinessProbe": {"tcpSocket": {"port": task.ports[-1]}, "periodSeconds": 1},
        "resources": resources,
        "volumeMounts": [{"name": "home", "mountPath": HOME}],
        "workingDir": HOME,
    }
    home = {"name": "home", "emptyDir": {"sizeLimit": HOME_SIZE}}
    return _pod(task.id, task.namespace, {TASK_LABEL: task.id}, container, home)


def master_pod(name: str, namespace: str, image: str, port: int, resources: Manifest) -> Manifest:
    """Return the pod of the master's proxy. It uses the host network, so it is reachable at the node's address."""
    container = {
        "name": "master",
        "image": image,
        "command": ["python3", f"/opt/master/{SOURCE.name}"],
        "env": [{"name": "MASTER_PORT", "value": str(port)}, _token("MASTER_TOKEN", name)],
        "ports": [{"name": "http", "containerPort": port, "hostPort": port}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 1},
        "resources": resources,
        "volumeMounts": [{"name": "source", "mountPath": "/opt/master", "readOnly": True}],
    }
    pod = _pod(
        name, namespace, {f"{LABEL_PREFIX}/master": name}, container, {"name": "source", "configMap": {"name": name}}
    )
    pod["spec"] |= {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    return pod


def master_source(name: str, namespace: str) -> Manifest:
    """Return the ConfigMap with the proxy's source."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {SOURCE.name: SOURCE.read_text()}}


def _pod(name: str, namespace: str, labels: dict[str, str], container: Manifest, volume: Manifest) -> Manifest:
    """Return a pod that meets the Pod Security Standard "restricted", except for what the caller adds."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container | {"imagePullPolicy": "IfNotPresent", "securityContext": security}],
            "volumes": [volume],
        },
    }


def _token(variable: str, secret: str) -> Manifest:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": TOKEN_KEY}}}
