"""The bill of materials of a release, in CycloneDX: the released files, and all fetched parts with digests."""

import base64
import json
import uuid
from collections.abc import Mapping

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

import fetched
from task_gateway import __version__

NAME = "internal-task-gateway"
LICENSE = "Apache-2.0"
PINNED_IN = "task-gateway.dev/pinned-in"
DIRHASH = "task-gateway.dev/go-sum"


def document(released: Mapping[str, str]) -> str:
    """Return the document for files with these SHA-256 digests; the same input gives the same text."""
    license_ = DisjunctiveLicense(id=LICENSE)
    root = Component(name=NAME, version=__version__, type=ComponentType.APPLICATION, bom_ref=NAME, licenses=[license_])
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(f"{released[name]} {name}" for name in released)))
    bom.metadata.component = root
    files = [_released(name, digest) for name, digest in released.items()]
    parts = [_component(part) for part in fetched.parts()]
    for component in (*files, *parts):
        bom.components.add(component)
    bom.register_dependency(root, files)
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    del content["metadata"]["timestamp"]
    return json.dumps(content, indent=2) + "\n"


def problem(text: str) -> str | None:
    """Return what CycloneDX's schema has against a document; a few seconds of work."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return str(found) if found else None


def _released(name: str, digest: str) -> Component:
    return Component(name=name, version=__version__, type=ComponentType.FILE, bom_ref=name,
                     hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)])  # fmt: skip


def _component(part: fetched.ReleasedPart) -> Component:
    purl = _purl(part)
    properties = [Property(name=PINNED_IN, value=file) for file in part.pinned_in]
    hashes: list[HashType] = []
    references: list[ExternalReference] = []
    if part.kind == fetched.PYTHON:  # one digest for each archive that may be taken
        archives = [HashType(alg=HashAlgorithm.SHA_256, content=each.removeprefix("sha256:")) for each in part.digests]
        url = XsUri(str(purl))  # the registry is the one that each machine is configured with
        references = [ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=url, hashes=archives)]
    elif part.kind == fetched.IMAGE:  # the digest of an index of several platforms, which its purl has too
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=each.removeprefix("sha256:")) for each in part.digests]
    elif part.digests:
        (digest,) = part.digests
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=base64.b64decode(digest.removeprefix("h1:")).hex())]
        properties.append(Property(name=DIRHASH, value=digest))
    kind = ComponentType.CONTAINER if part.kind == fetched.IMAGE else ComponentType.LIBRARY
    return Component(name=part.name, version=part.version, type=kind, purl=purl, bom_ref=str(purl), hashes=hashes,
                     external_references=references, properties=properties)  # fmt: skip


def _purl(part: fetched.ReleasedPart) -> PackageURL:
    if part.kind == fetched.IMAGE:
        where = {"repository_url": part.name, "tag": part.version}
        return PackageURL("oci", None, part.name.rpartition("/")[2], next(iter(part.digests), None), where)
    namespace, _, name = part.name.rpartition("/")
    return PackageURL(part.kind, namespace or None, name, part.version)
