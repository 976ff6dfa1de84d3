"""kind's configuration of a one-node cluster: IP family, the kubelet on hosts with cgroup v1, mounts of the node."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from task_gateway.deferred import yaml
from task_gateway.model import Manifest

IMAGES_FOLDER = "/task-gateway/images"
"""The path in a node of the folder with the archive of images that it loads."""
REGISTRIES_FOLDER = "/etc/containerd/certs.d"
CNI_FILE = "/etc/cni/net.d/10-bridge.conflist"
SUBNETS = {"ipv4": "10.244.0.0/24", "ipv6": "fd00:10:244::/64"}
"""The pod subnets of a one-node cluster: the first node's part of kind's default subnets."""
ANYWHERE = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}


class IpFamily(StrEnum):
    """The IP family of nodes, pods and Services."""

    ipv4 = "ipv4"
    ipv6 = "ipv6"
    dual = "dual"

    @property
    def versions(self) -> tuple[str, ...]:
        """The families of its addresses, the primary one first."""
        return ("ipv4", "ipv6") if self is IpFamily.dual else (self.value,)


@dataclass(frozen=True)
class NodeFiles:
    """Files that a node mounts from its host: folders with its archive of images and its registries, a CNI file."""

    images: Path | None = None
    registries: Path | None = None
    cni: Path | None = None

    def mounts(self) -> list[Manifest]:
        """Return kind's mounts, all read-only."""
        places = {IMAGES_FOLDER: self.images, REGISTRIES_FOLDER: self.registries, CNI_FILE: self.cni}
        return [
            {"hostPath": str(host), "containerPath": inside, "readOnly": True}
            for inside, host in places.items()
            if host is not None
        ]


def config(*, unified_cgroups: bool, ip_family: IpFamily = IpFamily.ipv4, node: NodeFiles | None = None) -> Manifest:
    """Return the configuration. On hosts with cgroup v1, the kubelet only starts with `failCgroupV1: false`."""
    made: Manifest = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}
    if ip_family is not IpFamily.ipv4:
        made["networking"] = {"ipFamily": ip_family.value}
    if not unified_cgroups:
        kubelet = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
        }
        made["kubeadmConfigPatches"] = [yaml.safe_dump(kubelet)]
    if mounts := (node or NodeFiles()).mounts():
        made["nodes"] = [{"role": "control-plane", "extraMounts": mounts}]
    if node is not None and node.registries is not None:
        section = '[plugins."io.containerd.grpc.v1.cri".registry]'
        made["containerdConfigPatches"] = [f'{section}\n  config_path = "{REGISTRIES_FOLDER}"\n']
    return made


def bridge(ip_family: IpFamily) -> Manifest:
    """Return the CNI configuration for a node image that was built here, with pod addresses of these families."""
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": SUBNETS[each]}] for each in ip_family.versions],
        "routes": [{"dst": ANYWHERE[each]} for each in ip_family.versions],
    }
    plugin = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True, "ipam": ipam}
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    return {"cniVersion": "1.0.0", "name": "bridge", "plugins": [plugin, portmap]}
