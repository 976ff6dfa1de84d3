"""Provider `kind`: real Kubernetes nodes as containers. Any number of clusters can run, each with its kubeconfig."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from task_gateway import images, settings
from task_gateway.deferred import yaml
from task_gateway.errors import ApiError, ClusterExists, CommandFailed, DiskFull, EngineError, ImageMissing
from task_gateway.kube.client import Kube
from task_gateway.kube.process import Completed, Word, run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster, Say
from task_gateway.settings import NODE_READY, SERVICES_READY
from task_gateway_lab.clusters import inotify, system_pods
from task_gateway_lab.clusters.base import KUBECONFIG, PROVIDERS, ClusterRequest, folder
from task_gateway_lab.clusters.engine import Engine, engine, unified_cgroups
from task_gateway_lab.clusters.kind_config import IMAGES_FOLDER, IpFamily, NodeFiles, bridge, config

KERNEL_MODULES = Path("/lib/modules")  # kind mounts it; it may be empty
NETWORK = "kind"
NODE_REGISTRIES = "TASK_GATEWAY_NODE_REGISTRIES"
"""Names a folder with a hosts.toml for each registry, which nodes pull through: containerd's certs.d."""
ENGINE = "engine"  # in a cluster's folder: the engine of its node; written before kind starts


@PROVIDERS.register("kind")
class KindProvider:
    """Clusters that the program kind creates in the engine that the toolchain selected."""

    name = "kind"

    def up(self, request: ClusterRequest, *, say: Say) -> Cluster:
        """Bring up a one-node cluster and return it when the node is Ready and its pods reach Services.

        HostLimit if the kernel's inotify limits are too low for it.
        """
        there, name = images.load(), request.name
        chosen = engine(there.engine)
        _prepare_host()
        others = _kind(chosen, "get", "clusters").stdout.splitlines()
        if name in others:
            raise ClusterExists(
                f"kind already has a cluster {name}, which was not created here",
                where=chosen.name,
                hint=f"choose another name, or: kind delete cluster --name {name}",
            )
        with inotify.room(name, chosen, len(others), say=say):
            return self._create(request, there, chosen, say)

    def _create(self, request: ClusterRequest, there: images.Images, chosen: Engine, say: Say) -> Cluster:
        name = request.name
        (folder(name) / ENGINE).write_text(chosen.name)
        kubeconfig = folder(name) / KUBECONFIG
        node = _node(name, there, request.ip_family)
        configuration = yaml.safe_dump(
            config(unified_cgroups=unified_cgroups(), ip_family=request.ip_family, node=node)
        )
        retain = ["--retain"] if request.keep_on_failure else []
        started, image = time.monotonic(), request.node or there.node
        say(f"cluster {name}: starting a node of {image} with {chosen.name}")
        try:
            with _alone_without_a_network(chosen):
                _kind(
                    chosen, "create", "cluster", "--name", name, "--image", image,
                    "--kubeconfig", kubeconfig, "--config", "-", *retain, input=configuration,
                )  # fmt: skip
        except CommandFailed as problem:
            if isinstance(problem, DiskFull) or "failed to pull image" not in problem.tail:
                raise
            hint = None if request.node else f"rm {images.file()} && make toolchain"
            raise ImageMissing(f"{chosen.name} does not have the node image {image}", hint=hint) from None
        kubeconfig.chmod(0o600)
        cluster = Cluster(name, self.name, kubeconfig, f"kind-{name}")
        say(f"cluster {name}: waiting until {NODE_READY.sentence}")
        kube = Kube(cluster)
        wait_for(kube, NODE_READY, "v1/Node", f"{name}-control-plane", None, condition("Ready"))
        _load_images(chosen, f"{name}-control-plane", there, say)
        say(f"cluster {name}: waiting until {SERVICES_READY.sentence}")
        system_pods.wait_until_running(kube)
        say(f"cluster {name}: up after {time.monotonic() - started:.0f} s")
        return cluster

    def load(self, cluster: Cluster, archive: Path) -> None:
        """Load the images of an archive into the cluster's node."""
        used, node = engine((folder(cluster.name) / ENGINE).read_text()), f"{cluster.name}-control-plane"
        inside = f"/var/tmp/{archive.name}"
        used.run("cp", archive, f"{node}:{inside}")
        try:
            _import(used, node, inside)
        finally:
            used.run("exec", node, "rm", "-f", inside)

    def down(self, cluster: Cluster) -> None:
        """Remove the cluster's node and its volume, if `up` has created them."""
        place = folder(cluster.name)
        if not (place / ENGINE).exists():
            return  # kind was never started
        used = engine((place / ENGINE).read_text())
        # The node needs no graceful shutdown, which takes systemd more than ten seconds.
        used.run("stop", "-t", "0", f"{cluster.name}-control-plane", check=False)
        _kind(used, "delete", "cluster", "--name", cluster.name, "--kubeconfig", cluster.kubeconfig)


def _node(name: str, there: images.Images, ip_family: IpFamily) -> NodeFiles:
    """Return the files that the node of a cluster mounts; a node image that was built needs a CNI file for IPv6."""
    registries = os.environ.get(NODE_REGISTRIES)
    cni = None
    if there.mode == "build" and ip_family is not IpFamily.ipv4:
        cni = folder(name) / "cni.conflist"
        cni.write_text(json.dumps(bridge(ip_family)))
    return NodeFiles(
        images=Path(there.archive).parent if there.archive else None,
        registries=Path(registries).resolve() if registries else None,
        cni=cni,
    )


def _load_images(used: Engine, node: str, there: images.Images, say: Say) -> None:
    """Load the archive of images into a node; without it, a node image that was built has them."""
    if there.archive is None:
        return
    say(f"{node}: loading images")
    _import(used, node, f"{IMAGES_FOLDER}/{Path(there.archive).name}")


def _import(used: Engine, node: str, archive: str) -> None:
    """Import images from a file in the node.

    Unlike `kind load` it only imports the node's own platform: an engine with containerd's image store saves an index
    of all platforms with the content of one (https://github.com/kubernetes-sigs/kind/issues/3795).
    """
    used.run("exec", node, "ctr", "--namespace", "k8s.io", "images", "import", "--no-unpack", archive)


def _kind(used: Engine, *arguments: Word, input: str | None = None) -> Completed:
    return run([tool("kind"), *arguments, "--quiet"], env=used.env, input=input)


@contextmanager
def _alone_without_a_network(used: Engine) -> Iterator[None]:
    """Bring up one cluster at a time until kind's network exists, because two clusters cannot create it at once."""
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
    """Return the address of a cluster's first node, which the host and the nodes of other clusters can reach."""
    for node in kube.list("v1/Node"):
        for address in node["status"]["addresses"]:
            if address["type"] == "InternalIP":
                return str(address["address"])
    raise ApiError("no node has an InternalIP", where=kube.server)
