"""Released programs and sources: downloaded from a server, and only used with the expected checksum."""

import hashlib
import http.server
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import archives
import pins
import sources
from task_gateway.errors import DownloadFailed

PROGRAM = b"#!/bin/sh\necho v1.2.3\n"


class ArchiveHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder in the place of every host, and have caches of this test; yield the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(ArchiveHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(archives.MIRROR, f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield folder
    server.shutdown()
    server.server_close()


def release(served: Path, monkeypatch: pytest.MonkeyPatch, *, pinned: str | None, published: str | None) -> None:
    """Serve the program `tool` in an archive, with a pinned and a published checksum."""
    place = archives.platform_name()
    monkeypatch.setattr(archives, "FILE", served / "archives.json")
    entry = {
        "pin": "KIND_VERSION", "url": "https://example.com/v{version}/tool-{platform}.tar.gz",
        "member": "{platform}/tool", "checksums": ".sha256sum", "sha256": {place: pinned} if pinned else {},
    }  # fmt: skip
    archives.FILE.write_text(json.dumps({"tool": entry}))
    folder = served / "example.com" / f"v{pins.read()['KIND_VERSION']}"
    folder.mkdir(parents=True)
    (served / "tool").write_bytes(PROGRAM)
    archive = folder / f"tool-{place}.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(served / "tool", f"{place}/tool")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if pinned == "right":
        archives.FILE.write_text(json.dumps({"tool": entry | {"sha256": {place: digest}}}))
    if published is not None:
        text = f"{digest if published == 'right' else published}  {archive.name}\n"
        archive.with_name(f"{archive.name}.sha256sum").write_text(text)


@pytest.mark.parametrize(("pinned", "published"), [("right", None), (None, "right"), ("right", "wrong")])
def test_a_program_comes_out_of_its_archive(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: str | None, published: str | None
) -> None:
    release(served, monkeypatch, pinned=pinned, published=published)
    program = archives.program("tool", tmp_path / "programs" / "tool")
    assert program.read_bytes() == PROGRAM
    assert os.access(program, os.X_OK)
    assert [each.name for each in program.parent.iterdir()] == ["tool"]


@pytest.mark.parametrize(("pinned", "published"), [("wrong", "right"), (None, "wrong")])
def test_a_wrong_checksum_leaves_nothing(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: str | None, published: str
) -> None:
    release(served, monkeypatch, pinned=pinned, published=published)
    with pytest.raises(DownloadFailed, match="has checksum"):
        archives.program("tool", tmp_path / "programs" / "tool")
    assert list((tmp_path / "programs").iterdir()) == []


def test_what_cannot_be_downloaded_names_the_address(served: Path, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"cannot download https://example\.com/absent: ") as failed:
        archives.fetch("https://example.com/absent", tmp_path / "file")
    assert archives.MIRROR in str(failed.value.hint)


def test_sources_without_go_are_those_that_go_sum_has(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, version = "sigs.k8s.io/gateway-api", f"v{pins.read()['GATEWAY_API_VERSION']}"
    original = sources.module_dir(module, version)
    tags = served / "github.com/kubernetes-sigs/gateway-api/archive/refs/tags"
    tags.mkdir(parents=True)
    with tarfile.open(tags / f"{version}.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(original, "gateway-api")
        for extra in ("docs/go.mod", "docs/page.go", "tools/vendor/x/y.go"):  # no part of the module
            (tmp_path / "extra").write_text("module x\n")
            archive.add(tmp_path / "extra", f"gateway-api/{extra}")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = sources.module_dir(module, version)
    crds = Path("config/crd/standard/gateway.networking.k8s.io_gateways.yaml")
    assert (found / crds).read_bytes() == (original / crds).read_bytes()


def test_other_sources_than_go_sum_has_are_refused(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, version = "sigs.k8s.io/gateway-api", f"v{pins.read()['GATEWAY_API_VERSION']}"
    tags = served / "github.com/kubernetes-sigs/gateway-api/archive/refs/tags"
    tags.mkdir(parents=True)
    (tmp_path / "file").write_text("else")
    with tarfile.open(tags / f"{version}.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "file", "gateway-api/file")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DownloadFailed, match="has checksum h1:"):
        sources.module_dir(module, version)
    assert [each.name for each in (tmp_path / "cache/task-gateway/sources").iterdir()] == []
