"""Why an image cannot be pulled: reasons are recognised from the output of engines, and each has its own fix."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import image_list
from online import pulling
from online.pulling import PullFailed, PullRefusal
from task_gateway.errors import DiskFull
from task_gateway_lab.clusters.engine import Engine

IMAGE = image_list.Image("envoy", "docker.io/envoyproxy/envoy", "v1", "sha256:ab", "any", True, "the proxy")
# What podman and docker print, by what was wrong.
PRINTED = [
    ("Error: initializing source docker://x/y:z: reading manifest z in x/y: manifest unknown", PullRefusal.unknown),
    (
        "Error response from daemon: manifest for x/y:z not found: manifest unknown: manifest unknown",
        PullRefusal.unknown,
    ),
    ("Error: reading manifest: toomanyrequests: You have reached your pull rate limit", PullRefusal.limited),
    ("Error response from daemon: Too Many Requests (HAP429)", PullRefusal.limited),
    ("Error: requesting bearer token: invalid status code from registry 401 (Unauthorized)", PullRefusal.login),
    ("denied: requested access to the resource is denied", PullRefusal.login),
    ("Error: pinging container registry x: Get https://x/v2/: dial tcp: lookup x: no such host", PullRefusal.network),
    ("Error response from daemon: Get https://x/v2/: net/http: request canceled while waiting", PullRefusal.network),
    ("x509: certificate signed by unknown authority", PullRefusal.network),
]


@pytest.fixture
def pulls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Engine]:
    """Return an engine whose `pull` ends with a text and code 125."""

    def engine(text: str) -> Engine:
        program = tmp_path / "engine-x"
        program.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 125\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
        return Engine("engine-x")

    return engine


REGISTRY = """#!/bin/sh
case "$1" in
  pull) echo "$3" >> "{folder}/pulls"; sleep 0.2; touch "{folder}/there" ;;
  image) test -e "{folder}/there" && echo an-id ;;
esac
"""
"""An engine without images, whose pull takes long enough for concurrent requests."""


@pytest.mark.parametrize(("text", "why"), PRINTED)
def test_the_reason_of_a_failed_pull(text: str, why: PullRefusal) -> None:
    assert pulling.refusal(text) is why


@pytest.mark.parametrize("why", list(PullRefusal))
def test_each_reason_names_image_use_and_remedy(pulls: Callable[[str], Engine], why: PullRefusal) -> None:
    text = next(text for text, expected in PRINTED if expected is why)
    with pytest.raises(PullFailed) as failed:
        pulling.pull(pulls(text), IMAGE)
    assert (failed.value.why, failed.value.where) == (why, IMAGE.pinned)
    assert IMAGE.tagged in failed.value.message
    assert IMAGE.used_for in failed.value.message
    assert "engine-x" in str(failed.value.hint)


def test_a_full_disk_is_no_fault_of_the_registry(pulls: Callable[[str], Engine]) -> None:
    with pytest.raises(DiskFull) as full:
        pulling.pull(pulls("writing blob: write /var/x: no space left on device"), IMAGE)
    assert "df -h" in str(full.value.hint)


def test_images_are_pulled_by_digest_where_one_is_known() -> None:
    assert IMAGE.pinned == "docker.io/envoyproxy/envoy@sha256:ab"
    assert image_list.Image("envoy", "e", "v1", None, "any", True, "").pinned == "e:v1"


def test_an_image_that_several_threads_need_is_pulled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "engine-x"
    program.write_text(REGISTRY.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with ThreadPoolExecutor(4) as lanes:
        for done in [lanes.submit(pulling.ensure, Engine("engine-x"), IMAGE) for _ in range(4)]:
            done.result()
    assert (tmp_path / "pulls").read_text().splitlines() == [IMAGE.pinned]
