"""CRDs: each channel whole, as the pinned module has it, and left in place when the release goes."""

from collections.abc import Callable

import pytest

from task_gateway.kube.process import Completed
from task_gateway.model import Manifest

NEEDED = ("gatewayclasses", "gateways", "listenersets", "tcproutes")


@pytest.mark.parametrize(("channel", "count"), [("standard", 10), ("experimental", 13)])
def test_channel(render: Callable[..., list[Manifest]], channel: str, count: int) -> None:
    crds = render({"channel": channel}, chart="gateway-api-crds")
    assert {each["kind"] for each in crds} == {"CustomResourceDefinition"}
    assert len({each["metadata"]["name"] for each in crds}) == len(crds) == count
    for each in crds:
        notes = each["metadata"]["annotations"]
        assert notes["helm.sh/resource-policy"] == "keep"
        assert notes["gateway.networking.k8s.io/channel"] == channel
        if each["spec"]["group"].endswith(".k8s.io"):
            assert notes["api-approved.kubernetes.io"]
    names = {each["metadata"]["name"] for each in crds}
    assert {f"{plural}.gateway.networking.k8s.io" for plural in NEEDED} <= names


def test_only_the_experimental_channel_serves_the_old_routes(render: Callable[..., list[Manifest]]) -> None:
    served = {}
    for channel in ("standard", "experimental"):
        crds = render({"channel": channel}, chart="gateway-api-crds")
        (routes,) = [each for each in crds if each["metadata"]["name"].startswith("tcproutes.")]
        served[channel] = {version["name"] for version in routes["spec"]["versions"] if version["served"]}
    assert served == {"standard": {"v1"}, "experimental": {"v1", "v1alpha2"}}


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"channel": "beta"}, "'/channel'"),
        ({"chanel": "standard"}, "'chanel'"),
        ({"standard": {"files": 1}}, "'/standard'"),
    ],
)
def test_schema_refuses(helm: Callable[..., Completed], values: Manifest, where: str) -> None:
    done = helm("template", "crds", chart="gateway-api-crds", values=values)
    assert done.code != 0
    assert where in done.stderr
