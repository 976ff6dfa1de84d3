"""The client on a real API server: objects, conditions, and all errors that users can see."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from task_gateway.errors import (
    AlreadyExists,
    ClusterUnreachable,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    UsageError,
    WaitTimeout,
)
from task_gateway.kube.client import Kube
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster, Manifest
from task_gateway.settings import Wait

SOON = Wait("soon", "the object is as wanted", 10)
NOW = Wait("now", "the object is as wanted", 1)


@pytest.fixture
def namespace(control_plane: Kube) -> Iterator[str]:
    name = f"client-{uuid.uuid4().hex[:8]}"
    control_plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    control_plane.delete("v1/Namespace", name)


def config_map(namespace: str, name: str = "one", **data: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"colour": data.get("colour", "none")}},
        "data": data,
    }


def test_an_object_can_be_made_read_listed_changed_and_removed(control_plane: Kube, namespace: str) -> None:
    control_plane.create(config_map(namespace, colour="red"))
    control_plane.create(config_map(namespace, "two", colour="blue"))
    assert control_plane.get("v1/ConfigMap", "one", namespace)["data"] == {"colour": "red"}
    (listed,) = control_plane.list("v1/ConfigMap", namespace, "colour=blue")
    assert (listed["apiVersion"], listed["kind"], listed["metadata"]["name"]) == ("v1", "ConfigMap", "two")
    assert control_plane.patch("v1/ConfigMap", "one", namespace, {"data": {"more": "1"}})["data"] == {
        "colour": "red",
        "more": "1",
    }
    control_plane.delete("v1/ConfigMap", "one", namespace)
    control_plane.delete("v1/ConfigMap", "one", namespace)
    with pytest.raises(NotFound, match="one"):
        control_plane.delete("v1/ConfigMap", "one", namespace, missing_ok=False)


def test_apply_takes_over_fields_and_a_dry_run_changes_nothing(control_plane: Kube, namespace: str) -> None:
    control_plane.apply(config_map(namespace, size="1"), field_manager="somebody")
    shown = control_plane.apply(config_map(namespace, size="2"), dry_run=True)
    assert shown["data"] == {"size": "2"}
    assert control_plane.get("v1/ConfigMap", "one", namespace)["data"] == {"size": "1"}
    assert control_plane.apply(config_map(namespace, size="3"))["data"] == {"size": "3"}


def test_each_refusal_is_its_own_error(control_plane: Kube, namespace: str) -> None:
    made = control_plane.create(config_map(namespace))
    with pytest.raises(AlreadyExists) as exists:
        control_plane.create(config_map(namespace))
    assert (exists.value.status, exists.value.where) == (409, f"v1/ConfigMap {namespace}/one")
    control_plane.patch("v1/ConfigMap", "one", namespace, {"data": {"a": "1"}})
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "2"}}
    with pytest.raises(Conflict):
        control_plane.patch("v1/ConfigMap", "one", namespace, stale)
    with pytest.raises(Invalid, match="Not_A_Name"):
        control_plane.create(config_map(namespace, "Not_A_Name"))
    with pytest.raises(NotFound, match="does not serve v1/Teapot"):
        control_plane.get("v1/Teapot", "one", namespace)
    with pytest.raises(NotFound, match=r"nowhere\.dev/v1"):
        control_plane.list("nowhere.dev/v1/Thing")
    assert not control_plane.served("nowhere.dev/v1/Thing")
    assert control_plane.served("apps/v1/Deployment")


def test_rights_that_are_missing_are_named(control_plane: Kube, namespace: str, tmp_path: Path) -> None:
    content = yaml.safe_load(control_plane.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": "nobody-knows-this-token"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    stranger = Kube(replace(control_plane.cluster, kubeconfig=kubeconfig))
    with pytest.raises(Forbidden) as refused:
        stranger.list("v1/ConfigMap", namespace)
    assert refused.value.status == 401
    assert "nobody-knows-this-token" not in str(refused.value)


def test_a_watch_tells_what_is_there_and_each_change(control_plane: Kube, namespace: str) -> None:
    control_plane.create(config_map(namespace))
    seen = []
    for event, obj in control_plane.watch("v1/ConfigMap", namespace, name="one", seconds=10):
        seen.append((event, obj.get("data", {})))
        if event == "ADDED":
            control_plane.patch("v1/ConfigMap", "one", namespace, {"data": {"a": "1"}})
        elif event == "MODIFIED":
            control_plane.delete("v1/ConfigMap", "one", namespace)
        else:
            break
    assert [event for event, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert seen[1][1] == {"a": "1"}


def test_a_wait_ends_as_soon_as_the_object_is_as_wanted(control_plane: Kube, namespace: str) -> None:
    def missing(obj: Manifest | None) -> str | None:
        return None if obj and obj.get("data") == {"a": "1"} else "no data yet"

    later = threading.Timer(0.3, lambda: control_plane.create(config_map(namespace, a="1")))
    later.start()
    assert wait_for(control_plane, SOON, "v1/ConfigMap", "one", namespace, missing)["data"] == {"a": "1"}
    later.join()


def test_a_wait_that_ends_in_vain_tells_the_last_state(control_plane: Kube, namespace: str) -> None:
    control_plane.create(config_map(namespace))
    with pytest.raises(WaitTimeout) as ended:
        wait_for(control_plane, NOW, "v1/ConfigMap", "one", namespace, condition("Ready"))
    assert (ended.value.name, ended.value.last_state) == ("now", "it has no condition Ready")
    with pytest.raises(WaitTimeout, match="it does not exist"):
        wait_for(control_plane, NOW, "v1/ConfigMap", "none", namespace, condition("Ready"))
    with pytest.raises(WaitTimeout, match=r"nowhere\.dev"):
        wait_for(control_plane, NOW, "nowhere.dev/v1/Thing", "none", namespace, condition("Ready"))


def test_a_server_that_is_away_is_told_apart(tmp_path: Path, control_plane: Kube) -> None:
    content = yaml.safe_load(control_plane.cluster.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    away = Kube(Cluster("away", "existing", kubeconfig))
    with pytest.raises(ClusterUnreachable, match="Connection refused") as unreachable:
        away.version()
    assert unreachable.value.exit_code == 3
    assert unreachable.value.where == "https://127.0.0.1:1"
    with pytest.raises(UsageError, match="kubeconfig"):
        Kube(Cluster("none", "existing", tmp_path / "none"))
