"""JSON schemas of the kinds that the charts render, from a release of Kubernetes and the pinned CRDs.

Made from the OpenAPI document in Kubernetes' own module and from the CRDs in those of Gateway API and Envoy Gateway.
They are strict: a field that a kind does not have is an error, where the API server would drop it without a word.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import pins
from sources import module_dir
from task_gateway.model import Manifest

KUBERNETES = "k8s.io/kubernetes"
REF = "#/definitions/"
GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
NUMBER_OR_TEXT = {"type": ["string", "number"]}
WRITTEN_EITHER_WAY = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": NUMBER_OR_TEXT,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": NUMBER_OR_TEXT,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": ["string", "null"]},
}
"""The document only allows text. The API server also accepts a number, and null for a time, as in generated objects."""
Kind = tuple[str, str]
"""apiVersion and kind."""


def releases() -> tuple[str, str]:
    """Return the oldest release of Kubernetes that is supported, and the newest."""
    versions = pins.read()
    return versions["OLDEST_KUBERNETES_VERSION"], versions["KUBERNETES_VERSION"]


def of_kubernetes(release: str) -> dict[Kind, Manifest]:
    """Return the schema of each kind that a release serves by itself, whole: with the definitions that it uses."""
    text = (_kubernetes(release) / "api" / "openapi-spec" / "swagger.json").read_text("utf-8")
    raw: dict[str, Manifest] = json.loads(text)["definitions"]
    definitions = {name: closed(each) for name, each in raw.items()} | WRITTEN_EITHER_WAY
    found = {}
    for name, definition in raw.items():
        for each in definition.get(GROUP_VERSION_KIND, ()):
            used = {other: definitions[other] for other in _used(name, definitions)}
            version = f"{each['group']}/{each['version']}" if each["group"] else each["version"]
            found[version, each["kind"]] = {"$ref": f"{REF}{name}", "definitions": used}
    return found


def of_custom_kinds() -> dict[Kind, Manifest]:
    """Return the schemas of the pinned CRDs: Gateway API's of the wider channel, and Envoy Gateway's."""
    versions = pins.read()
    gateway_api = module_dir("sigs.k8s.io/gateway-api", f"v{versions['GATEWAY_API_VERSION']}")
    envoy_gateway = module_dir("github.com/envoyproxy/gateway", f"v{versions['ENVOY_GATEWAY_VERSION']}")
    own = envoy_gateway / "charts" / "gateway-helm" / "charts" / "crds" / "crds" / "generated"
    folders = (gateway_api / "config" / "crd" / "experimental", own)
    found = {}
    for file in sorted(file for folder in folders for file in folder.glob("*.yaml")):
        for crd in yaml.load_all(file.read_text("utf-8"), yaml.CSafeLoader):
            if crd and crd.get("kind") == "CustomResourceDefinition":
                group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
                for version in crd["spec"]["versions"]:
                    found[f"{group}/{version['name']}", kind] = closed(version["schema"]["openAPIV3Schema"])
    return found


def closed(schema: Mapping[str, Any]) -> Manifest:
    """Return a schema that takes no fields but its own.

    What stands under allOf, anyOf, oneOf and not is a part of a kind, and stays as it is.
    """
    found = {name: value for name, value in schema.items() if name != "description"}
    if "properties" in found:
        found["properties"] = {name: closed(each) for name, each in found["properties"].items()}
        if not found.get("x-kubernetes-preserve-unknown-fields"):
            found.setdefault("additionalProperties", False)
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = closed(found[name])
    return found


def write(kinds: Mapping[Kind, Manifest], folder: Path) -> str:
    """Write a file for each kind, and return the pattern by which kubeconform finds them."""
    for (version, kind), schema in kinds.items():
        group, _, name = version.rpartition("/")
        file = folder / (group or version) / f"{kind.lower()}_{name}.json"  # kubeconform's group of v1 is v1
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema), "utf-8")
    return f"{folder}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"


def _used(name: str, definitions: Mapping[str, Manifest]) -> set[str]:
    """Return the definitions that one leads to, itself among them."""
    found, new = {name}, [name]
    while new:
        for other in _refs(definitions[new.pop()]):
            if other not in found:
                found.add(other)
                new.append(other)
    return found


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(ref := schema.get("$ref"), str):
            yield ref.removeprefix(REF)
        for each in schema.values():
            yield from _refs(each)


def _kubernetes(release: str) -> Path:
    """Return where Kubernetes' module of a release is, as the tool module that builds this release pins it."""
    oldest = release == pins.read()["OLDEST_KUBERNETES_VERSION"]
    return module_dir(KUBERNETES, f"v{release}", pins.KUBERNETES_OLDEST if oldest else pins.KUBERNETES)
