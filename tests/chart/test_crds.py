"""CRDs: each channel is complete as in the pinned module, kept after an uninstall, with the configured listeners."""

import difflib
import re
from collections.abc import Callable

import pytest

import pins
from sources import module_dir
from task_gateway.crds import edit, ports_policy, schema
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
        ({"gateways": {"maxListeners": 0}}, "'/gateways/maxListeners'"),
        ({"gateways": {"maxListeners": 100_001, "dropQuadraticRules": True}}, "'/gateways/maxListeners'"),
        ({"gateways": {"maxListeners": 214}}, "at most 213"),
    ],
)
def test_schema_refuses(helm: Callable[..., Completed], values: Manifest, where: str) -> None:
    done = helm("template", "crds", chart="gateway-api-crds", values=values)
    assert done.code != 0
    assert where in done.stderr


def text_of(helm: Callable[..., Completed], channel: str, **gateways: object) -> str:
    """Return the rendered text of the CRD of Gateway."""
    values = {"channel": channel, "gateways": gateways}
    done = helm("template", "crds", chart="gateway-api-crds", values=values)
    assert done.code == 0, done.stderr
    (text,) = [part for part in done.stdout.split("\n---\n") if f"\n  name: {schema.GATEWAYS}\n" in part]
    return text[text.index("\napiVersion:") + 1 :].rstrip("\n")


def changes(before: str, after: str) -> list[str]:
    """Return the lines that differ, each with - or + before it and without its indentation."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "-+"]
    return [f"{line[0]} {line[1:].strip()}" for line in lines]


@pytest.mark.parametrize("channel", ["standard", "experimental"])
def test_without_values_every_crd_is_upstream_s_but_for_the_annotation_that_keeps_it(
    helm: Callable[..., Completed], channel: str
) -> None:
    done = helm("template", "crds", chart="gateway-api-crds", values={"channel": channel})
    source = (
        module_dir("sigs.k8s.io/gateway-api", f"v{pins.read()['GATEWAY_API_VERSION']}") / "config" / "crd" / channel
    )
    files = [file for file in source.glob("gateway.networking.*.yaml") if "vap" not in file.name]
    assert len(files) == done.stdout.count("kind: CustomResourceDefinition\n")
    kept = done.stdout.replace("    helm.sh/resource-policy: keep\n", "")
    for file in files:
        assert file.read_text().rstrip("\n") in kept, file.name


@pytest.mark.parametrize("channel", ["standard", "experimental"])
def test_raised_listeners_change_four_lines_and_no_other(helm: Callable[..., Completed], channel: str) -> None:
    raised = changes(text_of(helm, channel), text_of(helm, channel, maxListeners=213))
    assert sorted(raised) == ["+ maxItems: 213"] * 4 + ["- maxItems: 64"] * 4


def test_raised_listeners_are_what_the_command_would_make_of_them(render: Callable[..., list[Manifest]]) -> None:
    def crd(**gateways: object) -> Manifest:
        objects = render({"gateways": gateways}, chart="gateway-api-crds")
        return next(each for each in objects if each["metadata"]["name"] == schema.GATEWAYS)

    assert crd(maxListeners=213) == edit.raised(crd(), 213, drop=False)
    assert crd(maxListeners=1000, dropQuadraticRules=True) == edit.raised(crd(), 1000, drop=True)
    assert schema.versions(crd()) == ["v1", "v1beta1"]


@pytest.mark.parametrize("channel", ["standard", "experimental"])
def test_dropped_rules_are_the_two_quadratic_ones(helm: Callable[..., Completed], channel: str) -> None:
    dropped = changes(text_of(helm, channel), text_of(helm, channel, dropQuadraticRules=True))
    assert not [line for line in dropped if line[0] == "+"]
    messages = [line for line in dropped if "message:" in line]
    assert len(messages) == 4
    assert {re.sub(r".*message: ", "", line) for line in messages} == {
        "Listener name must be unique within the Gateway",
        "Combination of port, protocol and hostname must be unique",
    }


def test_the_policy_comes_with_dropped_rules_alone_and_is_the_command_s(render: Callable[..., list[Manifest]]) -> None:
    def policies(**gateways: object) -> list[Manifest]:
        objects = render({"gateways": gateways}, chart="gateway-api-crds")
        return [each for each in objects if each["kind"].startswith("ValidatingAdmissionPolicy")]

    assert policies(maxListeners=213) == []
    found = policies(dropQuadraticRules=True)
    assert [each["metadata"].pop("annotations") for each in found] == [{"helm.sh/resource-policy": "keep"}] * 2
    assert found == ports_policy.manifests()


def test_no_mark_of_ours_is_left_in_what_is_rendered(helm: Callable[..., Completed]) -> None:
    for gateways in ({}, {"maxListeners": 100}, {"dropQuadraticRules": True}):
        text = text_of(helm, "standard", **gateways)
        assert not re.search(r"# (maxListeners|quadratic rule|end)", text)
