"""Provider `kind`: real Kubernetes nodes as containers, any number side by side, each with its own kubeconfig."""

import time
from pathlib import Path

import yaml

from task_gateway.clusters import images
from task_gateway.clusters.base import KUBECONFIG, PROVIDERS, Say, Wish, folder
from task_gateway.clusters.engine import Engine, engine, unified_cgroups
from task_gateway.errors import ApiError, CommandFailed, EngineError, ImageMissing
from task_gateway.kube.client import Kube
from task_gateway.kube.process import run, tool
from task_gateway.kube.wait import condition, wait_for
from task_gateway.model import Cluster, Manifest
from task_gateway.settings import NODE_READY

KERNEL_MODULES = Path("/lib/modules")  # kind mounts it; it may be empty


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

    def __init__(self) -> None:
        self._images = images.load()
        self._engine: Engine = engine(self._images.engine)

    def up(self, wish: Wish, *, say: Say) -> Cluster:
        """Bring up a one-node cluster and return it when the node is Ready."""
        self._prepare_host()
        name = wish.name
        kubeconfig = folder(name) / KUBECONFIG
        configuration = yaml.safe_dump(
            config(built_images=self._images.mode == "build", unified_cgroups=unified_cgroups())
        )
        argv = [
            "create",
            "cluster",
            "--name",
            name,
            "--image",
            self._images.node,
            "--kubeconfig",
            str(kubeconfig),
        ]
        if wish.keep_on_failure:
            argv.append("--retain")
        started = time.monotonic()
        say(f"cluster {name}: starting a node of {self._images.node} with {self._engine.name}")
        try:
            self._kind(*argv, "--config", "-", input=configuration)
        except CommandFailed as problem:
            raise self._explained(problem) from None
        kubeconfig.chmod(0o600)
        cluster = Cluster(name, self.name, kubeconfig, f"kind-{name}")
        say(f"cluster {name}: waiting until {NODE_READY.sentence}")
        wait_for(Kube(cluster), NODE_READY, "v1/Node", f"{name}-control-plane", None, condition("Ready"))
        say(f"cluster {name}: up after {time.monotonic() - started:.0f} s")
        return cluster

    def down(self, cluster: Cluster) -> None:
        """Remove the cluster's node and its volume."""
        self._kind("delete", "cluster", "--name", cluster.name, "--kubeconfig", str(cluster.kubeconfig))

    def _kind(self, *arguments: str, input: str | None = None) -> None:
        run([tool("kind"), "--quiet", *arguments], env=self._engine.env, input=input)

    def _prepare_host(self) -> None:
        try:
            KERNEL_MODULES.mkdir(exist_ok=True)
        except OSError:
            raise EngineError(f"kind needs the folder {KERNEL_MODULES}", hint=f"sudo mkdir {KERNEL_MODULES}") from None

    def _explained(self, problem: CommandFailed) -> CommandFailed | ImageMissing | EngineError:
        if "failed to pull image" in problem.tail or "not known" in problem.tail:
            return ImageMissing(
                f"the node image {self._images.node} is not in {self._engine.name}", hint="make toolchain"
            )
        return problem


def node_address(kube: Kube) -> str:
    """Return the address of a cluster's first node, which answers from the host and from other clusters' nodes."""
    for node in kube.list("v1/Node"):
        for address in node["status"]["addresses"]:
            if address["type"] == "InternalIP":
                return str(address["address"])
    raise ApiError("no node has an InternalIP", where=kube.server)
