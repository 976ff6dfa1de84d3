"""The list of images: one entry for each purpose and release, nodes by digest, and an alternative list."""

import json
from collections import Counter
from pathlib import Path

import pytest

import image_list
import pins
from offline import images
from online import pulled
from task_gateway.errors import UsageError


def test_every_purpose_has_one_image_for_each_release() -> None:
    listed = image_list.read()
    for release in ("newest", "oldest"):
        counted = Counter(each.purpose for each in listed if each.kubernetes in ("any", release))
        assert set(counted) == set(pins.IMAGE_TAGS)
        assert set(counted.values()) == {1}
    assert all(each.used_for for each in listed)


def test_nodes_are_pinned_by_digest() -> None:
    nodes = [each for each in image_list.read() if each.purpose == "node"]
    assert all(each.digest and each.digest.startswith("sha256:") for each in nodes)


def test_the_release_in_use_decides_tags_and_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = pins.read()
    monkeypatch.setenv("TASK_GATEWAY_KUBERNETES", "oldest")
    chosen = image_list.chosen()
    assert chosen["node"].tag == f"v{versions['OLDEST_KUBERNETES_VERSION']}"
    assert chosen["kubectl"].tag == f"v{versions['KUBERNETES_VERSION']}"
    assert pins.chosen()["ETCD_VERSION"] == versions["OLDEST_ETCD_VERSION"]
    assert pins.kubernetes_module() == pins.KUBERNETES_OLDEST
    monkeypatch.setenv("TASK_GATEWAY_KUBERNETES", "1.30")
    with pytest.raises(UsageError, match=r"no Kubernetes release is called '1\.30'"):
        image_list.chosen()


def test_what_nodes_load_is_pulled() -> None:
    chosen = image_list.chosen()
    assert all(chosen[purpose].pulled for purpose in (*pulled.IN_NODES, "node", "notebook", "python"))
    assert "python" not in image_list.names()
    assert set(images.SCRATCH) <= set(image_list.names())


def test_another_list_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry | {"digest": "sha256:cd"} for entry in json.loads(pins.IMAGES.read_text())]
    file = tmp_path / "images.json"
    file.write_text(json.dumps(entries))
    before = pulled.key()
    monkeypatch.setenv(image_list.OVERRIDE, str(file))
    assert image_list.chosen()["envoy"].digest == "sha256:cd"
    assert pulled.key() != before
