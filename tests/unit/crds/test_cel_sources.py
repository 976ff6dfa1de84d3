"""CRDs are read from files, releases or a cluster; other objects are rejected before any request."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from tests.unit.crds.costly import crd, version

from task_gateway.crds import bundles, cel_sources, schema
from task_gateway.errors import NotFound, UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

LISTENERS = "spec.listeners"


def named(name: str, **spec: Any) -> Manifest:
    made = crd(version("v1"))
    made["metadata"]["name"] = name
    made["spec"].update(spec)
    return made


def write(folder: Path, *documents: object) -> Path:
    file = folder / "crds.yaml"
    file.write_text(yaml.safe_dump_all(documents), "utf-8")
    return file


def without_lists(name: str) -> Manifest:
    made = named(name)
    made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"] = {}
    return made


def test_of_many_documents_the_crds_with_the_list_count(tmp_path: Path) -> None:
    file = write(tmp_path, None, {"kind": "ConfigMap"}, without_lists("other"), named("one"), named("two"))
    assert [each["metadata"]["name"] for each in cel_sources.of_file(file, LISTENERS)] == ["one", "two"]


def test_what_kubectl_prints_as_a_list_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "crds.json"
    file.write_text(json.dumps({"kind": "List", "items": [named("one")]}))
    assert [each["metadata"]["name"] for each in cel_sources.of_file(file, LISTENERS)] == ["one"]


def test_a_single_crd_without_the_list_is_kept_for_the_error_that_names_its_lists(tmp_path: Path) -> None:
    assert len(cel_sources.of_file(write(tmp_path, named("one")), "spec.routes")) == 1
    with pytest.raises(UsageError, match=r"none of these CRDs has a list at spec\.routes"):
        cel_sources.of_file(write(tmp_path, named("one"), named("two")), "spec.routes")


def broken(change: dict[str, Any]) -> Manifest:
    return {**named("one"), **change}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "ConfigMap"}, "the file has no CustomResourceDefinition"),
        ("text", "the file has no CustomResourceDefinition"),
        (broken({"apiVersion": "apiextensions.k8s.io/v1beta1"}), "the CRD is of apiextensions.k8s.io/v1beta1"),
        (broken({"spec": {}}), "no readable CRD"),
        (broken({"spec": {**named("one")["spec"], "versions": None}}), "no readable CRD"),
        (broken({"metadata": {"name": 3}}), "lacks a name"),
        (
            broken({"spec": {**named("one")["spec"], "versions": [version("v1", max_items=cast(int, "64"))]}}),
            "a maxItems is not a number",
        ),
    ],
)
def test_what_is_no_crd_is_told(tmp_path: Path, document: object, message: str) -> None:
    file = write(tmp_path, document)
    with pytest.raises(UsageError, match=message) as caught:
        cel_sources.of_file(file, LISTENERS)
    assert caught.value.where == str(file)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        cel_sources.of_file(tmp_path / "absent.yaml", LISTENERS)
    (tmp_path / "bad.yaml").write_text("{")
    with pytest.raises(UsageError, match="cannot be read: while parsing"):
        cel_sources.of_file(tmp_path / "bad.yaml", LISTENERS)


def test_every_release_and_channel_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(release: str, channel: str) -> bundles.Bundle:
        return bundles.Bundle(release, channel, {"a": named(f"{release}-{channel}"), "b": without_lists("other")})

    monkeypatch.setattr(bundles, "fetch", fetch)
    found = cel_sources.of_bundles(["v1", "v2"], ["standard", "experimental"], LISTENERS)
    names = [each["metadata"]["name"] for each in found]
    assert names == ["v1-standard", "v1-experimental", "v2-standard", "v2-experimental"]
    with pytest.raises(UsageError, match=r"none of these CRDs has a list at spec\.routes") as caught:
        cel_sources.of_bundles(["v1", "v2"], ["standard"], "spec.routes")
    assert caught.value.where == "Gateway API v1, v2"


class FakeCluster:
    server = "https://192.0.2.1"

    def __init__(self, *crds: Manifest) -> None:
        self.crds = crds

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        for each in self.crds:
            if each["metadata"]["name"] == name:
                return each
        raise NotFound(f"{name} not found", status=404)

    def list(self, kind: str) -> list[Manifest]:
        assert kind == schema.KIND
        return [*self.crds]


def test_of_a_cluster_gateway_apis_crds_count() -> None:
    cluster = FakeCluster(
        named(schema.GATEWAYS),
        named("xlistenersets", group="gateway.networking.x-k8s.io"),
        named("theirs", group="example.com"),
        without_lists("gatewayclasses"),
    )
    found = cel_sources.live(cast(Kube, cluster), LISTENERS)
    assert [each["metadata"]["name"] for each in found] == [schema.GATEWAYS, "xlistenersets"]


def test_a_cluster_without_gateway_api_is_told() -> None:
    with pytest.raises(NotFound, match="Gateway API is not installed"):
        cel_sources.live(cast(Kube, FakeCluster()), LISTENERS)
