"""Evidence is readable, as complete as possible, and never hides the error itself."""

import json
from pathlib import Path

import yaml
from tornado.testing import bind_unused_port

from task_gateway.errors import WaitTimeout
from task_gateway.kube.client import Kube
from task_gateway.model import Cluster
from task_gateway_lab.scenarios import evidence

TIMEOUT = WaitTimeout("waited", name="pod-ready", seconds=180, last_state="Ready is False", where="v1/Pod tasks/nb")


def test_a_wait_that_ended_tells_its_last_state() -> None:
    text = evidence.describe(TIMEOUT)
    assert text == "WaitTimeout: waited (v1/Pod tasks/nb)\nwait: pod-ready, 180 s\nlast state: Ready is False\n"
    assert evidence.describe(ValueError("odd")) == "ValueError: odd\n"


def test_events_are_lines_in_the_order_of_time() -> None:
    about = {"kind": "Pod", "namespace": "tasks", "name": "nb"}
    common = {"metadata": {}, "involvedObject": about, "type": "Warning", "reason": "Failed"}
    text = evidence.events(
        [
            common | {"lastTimestamp": "2026-01-02T00:00:02Z", "message": "second"},
            common | {"lastTimestamp": None, "eventTime": "2026-01-02T00:00:01Z", "message": "first"},
        ]
    )
    assert text.splitlines() == [
        "2026-01-02T00:00:01Z Warning Pod tasks/nb Failed: first",
        "2026-01-02T00:00:02Z Warning Pod tasks/nb Failed: second",
    ]


def test_objects_keep_conditions_and_lose_field_managers() -> None:
    gateway = {"kind": "Gateway", "metadata": {"name": "g", "managedFields": [{}]}, "status": {"conditions": ["c"]}}
    assert (
        list(yaml.safe_load_all(evidence.objects([gateway, gateway])))
        == [{"kind": "Gateway", "metadata": {"name": "g"}, "status": {"conditions": ["c"]}}] * 2
    )


def test_secrets_are_not_read() -> None:
    assert not [kind for kind in evidence.OBJECTS if "Secret" in kind]


def test_a_cluster_that_is_gone_leaves_notes_and_the_error(tmp_path: Path) -> None:
    listener, port = bind_unused_port()
    listener.close()
    kubeconfig = tmp_path / "kubeconfig"
    entry = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    users = [{"name": "c", "user": {}}]
    kubeconfig.write_text(
        json.dumps({"clusters": [entry], "contexts": [context], "users": users, "current-context": "c"})
    )
    kube = Kube(Cluster("c", "existing", kubeconfig))
    written = evidence.collect(tmp_path / "evidence", TIMEOUT, [("c", kube)], ["tasks"])
    assert "last state: Ready is False" in (tmp_path / "evidence" / "error.txt").read_text()
    names = {str(path.relative_to(tmp_path / "evidence")) for path in written}
    assert {
        "error.txt",
        "c/events.txt",
        "c/gateway.yaml",
        "c/listenerset.yaml",
        "c/tcproute.yaml",
        "c/tasks.log",
        "c/kube-system.log",
    } <= names
    for path in written[1:]:
        assert path.read_text().startswith("could not be collected: no answer from the API server"), path
