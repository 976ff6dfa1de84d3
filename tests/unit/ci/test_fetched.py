"""Fetched parts: none is left out, each has the digest of the file that pins it, and the SBOM has the same."""

import base64
import json
from typing import Any

import pytest

import fetched
import pins
import sbom
from task_gateway import __version__

RELEASED = {"internal-task-gateway-9.9.9.tgz": "ab" * 32}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    text = sbom.document(RELEASED)
    assert sbom.document(RELEASED) == text
    found: dict[str, Any] = json.loads(text)
    return found


def component(document: dict[str, Any], name: str, version: str) -> dict[str, Any]:
    (found,) = [each for each in document["components"] if (each["name"], each.get("version")) == (name, version)]
    return dict(found)


def test_every_module_of_every_go_sum_is_a_part_with_its_digest() -> None:
    parts = {(part.name, part.version): part for part in fetched.go_modules()}
    for file in pins.TOOLCHAIN.glob("*/go.sum"):
        for name, version, digest in (line.split() for line in file.read_text().splitlines()):
            if not version.endswith("/go.mod"):
                assert parts[name, version].digests == (digest,)
                assert file.relative_to(pins.ROOT).as_posix() in parts[name, version].pinned_in
    assert {f"v{pins.read()[pin]}" for *_, pin in pins.GO_PINS} <= {part.version for part in parts.values()}


def test_every_locked_package_is_a_part_with_all_its_digests() -> None:
    parts = {(part.name, part.version): part for part in fetched.python_packages()}
    for lock in pins.CI.rglob("*.lock"):
        digests: dict[tuple[str, str], set[str]] = {}
        name = version = ""
        for line in lock.read_text().splitlines():
            if line.startswith("    --hash="):
                digests[name, version].add(line.strip(" \\").removeprefix("--hash="))
            elif not line.startswith("#"):
                name, _, version = line.split(" ")[0].partition("==")
                digests[name, version] = set()
        here = lock.relative_to(pins.ROOT).as_posix()
        assert set(digests) == {key for key, part in parts.items() if here in part.pinned_in}
        assert all(found and found <= set(parts[key].digests) for key, found in digests.items())


def test_a_chart_inside_ours_has_the_digest_of_the_module_that_it_is_made_from() -> None:
    modules = {(part.name, part.version): part.digests for part in fetched.go_modules()}
    for chart in fetched.charts():
        assert chart.digests == modules[fetched.CHART_SOURCES[chart.name], chart.version]


def test_only_images_have_no_digest() -> None:
    assert {part.kind for part in fetched.parts() if not part.digests} == {fetched.IMAGE}


def test_the_bill_of_materials_names_every_part_and_what_is_released(document: dict[str, Any]) -> None:
    parts = fetched.parts()
    assert len(document["components"]) == len(parts) + len(RELEASED)
    for part in parts:
        component(document, part.name, part.version)
    for name, digest in RELEASED.items():
        assert component(document, name, __version__)["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert document["metadata"]["component"]["version"] == __version__


def test_the_bill_of_materials_has_the_digests(document: dict[str, Any]) -> None:
    module = next(part for part in fetched.go_modules() if part.name == "helm.sh/helm/v4")
    (digest,) = component(document, module.name, module.version)["hashes"]
    assert base64.b64encode(bytes.fromhex(digest["content"])).decode() == module.digests[0].removeprefix("h1:")
    image = next(part for part in fetched.container_images() if part.name.endswith("kindest/node"))
    node = component(document, image.name, image.version)
    assert [f"sha256:{each['content']}" for each in node["hashes"]] == list(image.digests)
    assert image.digests[0].replace(":", "%3A") in node["purl"].replace("sha256:", "sha256%3A")
    package = next(part for part in fetched.python_packages() if part.name == "jinja2")
    (reference,) = component(document, package.name, package.version)["externalReferences"]
    assert sorted(f"sha256:{each['content']}" for each in reference["hashes"]) == sorted(package.digests)


def test_an_archive_of_a_package_is_referred_to_by_its_purl_not_by_a_registry(document: dict[str, Any]) -> None:
    referring = [each for each in document["components"] if each.get("externalReferences")]
    assert {each["purl"].partition("/")[0] for each in referring} == {"pkg:pypi"}
    for each in referring:
        assert {reference["url"] for reference in each["externalReferences"]} == {each["purl"]}
