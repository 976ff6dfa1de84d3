"""Provider `kind`: real Kubernetes nodes as containers, any number side by side, each with its own kubeconfig."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from task_gateway import settings
from task_gateway.clusters import images
from task_gateway.clusters.base import KUBECONFIG, PROVIDERS, Say, Wish, folder
from task_gateway.clusters.engine import Engine, engine, unified_cgroups
from task_gateway.deferred import yaml
from task_gateway.errors import ApiError, ClusterExists, CommandFailed, DiskFull, EngineError, ImageMissing
from task_gateway.kube.client import Kube
from task_gateway.kube.process import Completed, Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster, Manifest
from task_gateway.settings import NODE_READY, SERVICES_READY

KERNEL_MODULES = Path("/lib/modules")  # kind mounts it; it may be empty
NETWORK = "kind"
ENGINE = "engine"  # in a cluster's folder: what its node runs in; written before kind makes anything


def config(*, built_images: bool, unified_cgroups: bool) -> Manifest:
    """Return kind's configuration of a one-node cluster.

    A built node image carries its own bridge CNI, for kindnet cannot be built from a Go module; the kubelet must be
    told to start on cgroup v1.
    """
    made: Manifest = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}
    if built_images:
        made["networking"] = {"disableDefaultCNI": True}
    if not unified_cgroups:
        kubelet = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
        }
        made["kubeadmConfigPatches"] = [yaml.safe_dump(kubelet)]
    return made


@PROVIDERS.register("kind")
class Kind:
    """Clusters made by the kind program in the engine that the toolchain chose."""

    name = "kind"

    def up(self, wish: Wish, *, say: Say) -> Cluster:
        """Bring up a one-node cluster and return it when the node is Ready and its pods reach Services."""
        there, name = images.load(), wish.name
        chosen = engine(there.engine)
        _prepare_host()
        if name in _kind(chosen, "get", "clusters").stdout.splitlines():
            raise ClusterExists(
                f"kind has a cluster called {name} already, which was not made here",
                where=chosen.name,
                hint=f"choose another name, or: kind delete cluster --name {name}",
            )
        (folder(name) / ENGINE).write_text(chosen.name)
        kubeconfig = folder(name) / KUBECONFIG
        configuration = yaml.safe_dump(config(built_images=there.mode == "build", unified_cgroups=unified_cgroups()))
        retain = ["--retain"] if wish.keep_on_failure else []
        started, node = time.monotonic(), wish.node or there.node
        say(f"cluster {name}: starting a node of {node} with {chosen.name}")
        try:
            with _alone_without_a_network(chosen):
                _kind(
                    chosen, "create", "cluster", "--name", name, "--image", node,
                    "--kubeconfig", kubeconfig, "--config", "-", *retain, input=configuration,
                )  # fmt: skip
        except CommandFailed as problem:
            if isinstance(problem, DiskFull) or "failed to pull image" not in problem.tail:
                raise
            hint = None if wish.node else f"rm {images.file()} && make toolchain"
            raise ImageMissing(f"{chosen.name} does not have the node image {node}", hint=hint) from None
        kubeconfig.chmod(0o600)
        cluster = Cluster(name, self.name, kubeconfig, f"kind-{name}")
        say(f"cluster {name}: waiting until {NODE_READY.sentence}")
        kube = Kube(cluster)
        wait_for(kube, NODE_READY, "v1/Node", f"{name}-control-plane", None, condition("Ready"))
        wait_for(kube, SERVICES_READY, "apps/v1/DaemonSet", "kube-proxy", "kube-system", not_everywhere)
        say(f"cluster {name}: up after {time.monotonic() - started:.0f} s")
        return cluster

    def down(self, cluster: Cluster) -> None:
        """Remove the cluster's node and its volume; fine if `up` never got as far as to make them."""
        place = folder(cluster.name)
        if not (place / ENGINE).exists():
            return  # kind was never asked to make anything
        used = engine((place / ENGINE).read_text())
        # Nothing in the node is worth an orderly end, which takes systemd more than ten seconds.
        used.run("stop", "-t", "0", f"{cluster.name}-control-plane", check=False)
        _kind(used, "delete", "cluster", "--name", cluster.name, "--kubeconfig", cluster.kubeconfig)


def not_everywhere(daemon_set: Manifest | None) -> str | None:
    """Say what a DaemonSet still waits for, None once its pod is available on every node."""
    status = (daemon_set or {}).get("status") or {}
    wanted, there = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    return None if 0 < wanted == there else f"its pod is available on {there} of {wanted or 'no'} nodes"


def _kind(used: Engine, *arguments: Word, input: str | None = None) -> Completed:
    return run([tool("kind"), *arguments, "--quiet"], env=used.env, input=input)


@contextmanager
def _alone_without_a_network(used: Engine) -> Iterator[None]:
    """Let one cluster come up at a time until kind's network is there: two that both make it fail over it."""
    if used.run("network", "inspect", NETWORK, check=False).code == 0:
        yield
        return
    with (settings.cache_dir() / "kind-network.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prepare_host() -> None:
    try:
        KERNEL_MODULES.mkdir(exist_ok=True)
    except OSError:
        raise EngineError(f"kind needs the folder {KERNEL_MODULES}", hint=f"sudo mkdir {KERNEL_MODULES}") from None


def node_address(kube: Kube) -> str:
    """Return the address of a cluster's first node, which answers from the host and from other clusters' nodes."""
    for node in kube.list("v1/Node"):
        for address in node["status"]["addresses"]:
            if address["type"] == "InternalIP":
                return str(address["address"])
    raise ApiError("no node has an InternalIP", where=kube.server)
