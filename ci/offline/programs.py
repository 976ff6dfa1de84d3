"""The programs of the toolchain: the Go module of each, its folder, and the key of its build."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pins
from progress import BuildPart
from task_gateway import settings
from task_gateway.errors import ToolMissing
from task_gateway.kube.process import run

NO_SNAPSHOTTERS = "no_aufs no_btrfs no_zfs no_devmapper"  # containerd's, none of which a kind node uses
_CNI = "github.com/containernetworking/plugins/plugins"
_KUBERNETES_VERSION_VARIABLES = (
    "k8s.io/component-base/version.gitVersion",
    "k8s.io/client-go/pkg/version.gitVersion",
)


@dataclass(frozen=True)
class Program:
    """A Go main package; `expected` is its cold build in seconds on 2 cores, after the ones before it."""

    name: str
    module: str
    package: str
    expected: float
    tags: str = ""


def _kubernetes(name: str, expected: float, module: str | None = None) -> Program:
    return Program(name, module or pins.kubernetes_module(), f"k8s.io/kubernetes/cmd/{name}", expected)


# What a run needs on the host.
HOST_PROGRAMS = (
    _kubernetes("kube-apiserver", 225),
    Program("etcd", pins.kubernetes_module(), "go.etcd.io/etcd/server/v3", 10),
    _kubernetes("kubectl", 20, pins.KUBERNETES),  # the newest also with the oldest cluster, as in the chart's hooks
    Program("kind", "tools", "sigs.k8s.io/kind", 6),
    Program("helm", "tools", "helm.sh/helm/v4/cmd/helm", 60),
)
# What goes into images that could not be pulled.
IMAGE_PROGRAMS = (
    Program("pause", "tools", "./pause", 2),
    _kubernetes("kubelet", 45),
    _kubernetes("kube-controller-manager", 26),
    _kubernetes("kube-scheduler", 5),
    _kubernetes("kube-proxy", 8),
    _kubernetes("kubeadm", 19),
    Program("containerd", "tools", "github.com/containerd/containerd/v2/cmd/containerd", 52, NO_SNAPSHOTTERS),
    Program("containerd-shim-runc-v2", "tools",
            "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", 1, NO_SNAPSHOTTERS),
    Program("ctr", "tools", "github.com/containerd/containerd/v2/cmd/ctr", 3, NO_SNAPSHOTTERS),
    Program("bridge", "tools", f"{_CNI}/main/bridge", 1),
    Program("host-local", "tools", f"{_CNI}/ipam/host-local", 1),
    Program("loopback", "tools", f"{_CNI}/main/loopback", 1),
    Program("portmap", "tools", f"{_CNI}/meta/portmap", 1),
    Program("coredns", "tools", "./coredns", 30),
    Program("envoy-gateway", "tools", "github.com/envoyproxy/gateway/cmd/envoy-gateway", 135),
    # A separate module: with the others, all of them would get newer libraries than those of their releases.
    Program("contour", "contour", "github.com/projectcontour/contour/cmd/contour", 110),
)  # fmt: skip

# What `make check` checks charts and workflows with. Each has its own module, for the libraries it is released with.
LINTERS = (
    Program("kube-score", "kube-score", "github.com/zegl/kube-score/cmd/kube-score", 60),
    Program("kubeconform", "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", 10),
    Program("actionlint", "actionlint", "github.com/rhysd/actionlint/cmd/actionlint", 20),
    Program("helm-unittest", "helm-unittest", "github.com/helm-unittest/helm-unittest/cmd/helm-unittest", 60),
)
# The registry that `make rehearse` starts.
REGISTRY = Program("registry", "registry", "github.com/distribution/distribution/v3/cmd/registry", 60)
EVERY = (*HOST_PROGRAMS, *IMAGE_PROGRAMS)


def part(program: Program) -> BuildPart:
    """Return the step that builds `program`."""
    return BuildPart(program.name, program.expected, lambda: _linked(program), lambda: _make(program))


def path(program: Program) -> Path:
    """Return where the built program is kept: a folder keyed by all that decides its content."""
    return settings.cache_dir() / "programs" / key(program) / program.name


def key(program: Program) -> str:
    """Return twelve hex digits that change when the pins, the module's own sources or the flags change."""
    digest = hashlib.sha256(_module_digest(program.module).encode())
    digest.update("\0".join([program.package, program.tags, _ldflags(program.name, program.module)]).encode())
    return digest.hexdigest()[:12]


@cache
def _module_digest(module: str) -> str:
    folder, digest = pins.TOOLCHAIN / module, hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.name in ("go.mod", "go.sum") or p.suffix == ".go"):
        digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _ldflags(name: str, module: str) -> str:
    versions, flags = pins.read(), ["-s", "-w"]
    if module in pins.STAGING and name != "etcd":
        version = versions[pins.pin_of("k8s.io/kubernetes", module)]
        major, minor, _ = version.split(".")
        flags += [f"-X {variable}=v{version}" for variable in _KUBERNETES_VERSION_VARIABLES]
        flags += [f"-X k8s.io/component-base/version.gitMajor={major}"]
        flags += [f"-X k8s.io/component-base/version.gitMinor={minor}"]
    if name == "helm":
        flags += [f"-X helm.sh/helm/v4/internal/version.version=v{versions['HELM_VERSION']}"]
    if name == "envoy-gateway":
        version = versions["ENVOY_GATEWAY_VERSION"]
        flags += [f"-X github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion=v{version}"]
    return " ".join(flags)


def build(program: Program) -> Path:
    """Build a program unless it is there, and return where it is kept."""
    target = path(program)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        if shutil.which("go") is None:
            raise ToolMissing(f"{program.name} is built with Go", hint="install Go, or add its bin folder to PATH")
        run(
            ["go", "-C", pins.TOOLCHAIN / program.module, "build", "-trimpath", "-tags", program.tags,
             "-ldflags", _ldflags(program.name, program.module), "-o", partial, program.package],
            env={"CGO_ENABLED": "0", "GOWORK": "off"},
        )  # fmt: skip
        partial.rename(target)
    return target


def link(name: str, target: Path) -> None:
    """Make `target` the program that commands call by `name`."""
    place = settings.tools_dir() / name
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.rename(place)


def _make(program: Program) -> None:
    link(program.name, build(program))


def _linked(program: Program) -> bool:
    target, link = path(program), settings.tools_dir() / program.name
    return target.exists() and link.is_symlink() and link.readlink() == target
