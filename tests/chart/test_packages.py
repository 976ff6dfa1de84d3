"""Packages: their versions are the pins, and Helm can store a release of them."""

import base64
import gzip
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from task_gateway import __version__
from task_gateway.model import Manifest

ROOT = Path(__file__).resolve().parents[2]
SECRET_LIMIT = 1024 * 1024


def pins() -> dict[str, str]:
    lines = (ROOT / "ci" / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / "charts" / path).read_text())


def test_charts_carry_the_pinned_versions() -> None:
    gateway_api = f"v{pins()['GATEWAY_API_VERSION']}"
    envoy_gateway, contour = read("internal-task-gateway/Chart.yaml")["dependencies"]
    (contour_crds,) = read("contour/Chart.yaml")["dependencies"]
    assert contour["version"] == read("contour/Chart.yaml")["version"]
    assert {contour_crds["version"], read("contour/Chart.yaml")["appVersion"]} == {f"v{pins()['CONTOUR_VERSION']}"}
    assert envoy_gateway["version"] == f"v{pins()['ENVOY_GATEWAY_VERSION']}"
    crds = read("gateway-api-crds/Chart.yaml")
    assert {crds["appVersion"], *(channel["version"] for channel in crds["dependencies"])} == {gateway_api}


def test_the_gateways_chart_brings_no_crd_of_gateway_api() -> None:
    (package,) = (ROOT / "dist").glob("internal-task-gateway-*.tgz")
    with tarfile.open(package) as found:
        crds = [each for each in found.getmembers() if "/crds/" in each.name and each.isfile()]
        groups = {yaml.safe_load(text)["spec"]["group"] for each in crds for text in _documents(found, each)}
    assert groups == {"gateway.envoyproxy.io", "projectcontour.io"}, "Helm 4 applies them over those of the cluster"


def _documents(package: tarfile.TarFile, member: tarfile.TarInfo) -> list[str]:
    file = package.extractfile(member)
    assert file is not None
    texts = file.read().decode().split("\n---\n")
    return [text for text in texts if "\nkind: CustomResourceDefinition" in f"\n{text}"]


def test_images_have_the_pinned_versions(render: Callable[..., list[Manifest]]) -> None:
    values = read("internal-task-gateway/values.yaml")
    assert values["envoy"]["image"] == f"docker.io/envoyproxy/envoy:distroless-v{pins()['ENVOY_VERSION']}"
    assert read("contour/values.yaml")["image"] == f"ghcr.io/projectcontour/contour:v{pins()['CONTOUR_VERSION']}"
    assert values["hooks"]["image"] == f"registry.k8s.io/kubectl:v{pins()['KUBERNETES_VERSION']}"
    controller = f"docker.io/envoyproxy/gateway:v{pins()['ENVOY_GATEWAY_VERSION']}"
    objects = render()
    (deployment,) = [each for each in objects if each["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == controller
    (config,) = [each for each in objects if each["metadata"]["name"] == "envoy-gateway-config"]
    kubernetes = yaml.safe_load(config["data"]["envoy-gateway.yaml"])["provider"]["kubernetes"]
    assert kubernetes["shutdownManager"]["image"] == controller


@pytest.mark.parametrize(
    ("chart", "values"),
    [
        ("internal-task-gateway", {"slots": [{"namespace": "tasks", "start": 20000, "count": 1000}]}),
        ("gateway-api-crds", {"channel": "standard"}),
        ("gateway-api-crds", {"channel": "experimental"}),
    ],
)
def test_release_fits_into_a_secret(release: Callable[..., Manifest], chart: str, values: Manifest) -> None:
    kept = json.dumps(release(values, chart=chart)).encode()
    assert len(base64.b64encode(gzip.compress(kept, 9))) < SECRET_LIMIT


def test_charts_and_command_are_of_one_version() -> None:
    versions = {yaml.safe_load(file.read_text())["version"] for file in (ROOT / "charts").glob("*/Chart.yaml")}
    assert versions == {__version__}
