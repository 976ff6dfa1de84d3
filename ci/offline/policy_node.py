"""Builds the kind node that enforces NetworkPolicies: the toolchain's, with Calico instead of the bridge plugin.

PYTHONPATH=ci python -m offline.policy_node   make it if it is not there, after the toolchain

Where images are pulled, nothing is built: the network of kind enforces NetworkPolicies.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import engine_images
import pins
from offline import programs
from offline.images import statements
from progress import BuildPart, Progress, attended
from task_gateway import images
from task_gateway.kube.process import run
from task_gateway_lab.clusters.engine import Engine, engine

IMAGE = "localhost/task-gateway/policy-node"
RECIPES = Path(__file__).parent / "policies"
CALICO = "github.com/projectcalico/calico"
FELIX = programs.Program("calico-felix", "calico", f"{CALICO}/felix/cmd/calico-felix", 240)
CNI_PLUGIN = programs.Program("calico", "calico", f"{CALICO}/cni-plugin/cmd/calico", 10)
PLACES = {
    "opt/cni/bin": programs.path(CNI_PLUGIN),
    "usr/local/bin": programs.path(FELIX),
    "etc/cni/net.d": RECIPES / "10-calico.conflist",
    "etc/systemd/system": RECIPES / "felix.service",
    "etc/calico": RECIPES / "cluster.yaml",
}
EXPECTED_SECONDS = 15


def image() -> str | None:
    """Return the image of a node that enforces NetworkPolicies, None if that of the toolchain does."""
    return IMAGE if images.load().mode == "build" else None


def main(progress: Progress) -> int:
    """Make the node's image; return the exit code."""
    if image() is None:
        progress.note("NetworkPolicies: the network of kind enforces them")
        return 0
    used = engine(images.load().engine)
    there = partial(engine_images.present, used, IMAGE, key())
    node = BuildPart("policy node image", EXPECTED_SECONDS, there, partial(_build, used))
    progress.make_missing([programs.part(FELIX), programs.part(CNI_PLUGIN), node])
    return 0


def key() -> str:
    """Return twelve hex digits that change when anything that goes into the image does."""
    digest = hashlib.sha256(images.load().key.encode())
    for program in (FELIX, CNI_PLUGIN):
        digest.update(programs.key(program).encode())
    for file in sorted(RECIPES.iterdir()):
        digest.update(file.read_bytes())
    digest.update(statements(Path(__file__)))
    return digest.hexdigest()[:12]


def _build(used: Engine) -> None:
    with tempfile.TemporaryDirectory(prefix="task-gateway-image-") as name:
        root = Path(name) / "root"
        for place, file in PLACES.items():
            (root / place).mkdir(parents=True)
            shutil.copy(file, root / place)
        answer = run(["go", "-C", pins.TOOLCHAIN / FELIX.module, "mod", "download", "-json", CALICO])
        definitions = Path(json.loads(answer.stdout)["Dir"]) / "libcalico-go/config/crd"
        shutil.copytree(definitions, root / "etc/calico/crds", copy_function=shutil.copyfile)
        (root / "etc/calico/crds").chmod(0o755)  # a module cache is read-only
        used.run(
            "build", "-q", "-t", IMAGE, "--label", f"{engine_images.KEY_LABEL}={key()}",
            "--build-arg", f"BASE={images.load().node}", "-f", RECIPES / "node.Containerfile", name,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(attended(main))
