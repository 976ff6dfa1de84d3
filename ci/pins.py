"""Reads ci/versions.env and keeps what is generated from it in step: the Go tool modules and the lock files.

python ci/pins.py          write them again (needs the registries)
python ci/pins.py verify   exit 1 and say what to run where one disagrees (offline)
"""

import json
import re
import sys
from pathlib import Path

from task_gateway.kube.process import run

CI = Path(__file__).resolve().parent
ROOT = CI.parent
TOOLCHAIN = CI / "toolchain"
PYTHON_LOCK = CI / "python.lock"
NOTEBOOK_LOCK = CI / "images" / "notebook.lock"
NOTEBOOK_PYTHON = "3.11"  # what the Debian release of the notebook image ships

# Go module -> (tool module that requires it, pin)
GO_PINS = {
    "k8s.io/kubernetes": ("kubernetes", "KUBERNETES_VERSION"),
    "go.etcd.io/etcd/server/v3": ("kubernetes", "ETCD_VERSION"),
    "k8s.io/client-go": ("tools", "KUBERNETES_LIBRARIES_VERSION"),
    "k8s.io/kubectl": ("tools", "KUBERNETES_LIBRARIES_VERSION"),
    "github.com/coredns/coredns": ("tools", "COREDNS_VERSION"),
    "github.com/containerd/containerd/v2": ("tools", "CONTAINERD_VERSION"),
    "github.com/containernetworking/plugins": ("tools", "CNI_PLUGINS_VERSION"),
    "sigs.k8s.io/kind": ("tools", "KIND_VERSION"),
    "helm.sh/helm/v4": ("tools", "HELM_VERSION"),
    "github.com/envoyproxy/gateway": ("tools", "ENVOY_GATEWAY_VERSION"),
    "sigs.k8s.io/gateway-api": ("tools", "GATEWAY_API_VERSION"),
    "github.com/projectcontour/contour": ("contour", "CONTOUR_VERSION"),
    "github.com/projectcalico/calico": ("calico", "CALICO_VERSION"),
    "github.com/projectcalico/api": ("calico", "CALICO_API_VERSION"),
}
_REQUIRED = re.compile(r"^(?:require )?\t?(\S+) v(\S+)", re.MULTILINE)
_STAGING = re.compile(r"^replace (k8s\.io/\S+) => \S+ v(\S+)$", re.MULTILINE)


def read() -> dict[str, str]:
    """Return the pins of ci/versions.env by name."""
    lines = (CI / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def problems() -> list[str]:
    """Return a sentence for each generated file that does not say what the pins say."""
    pins, found = read(), []
    for module, (tool_module, pin) in GO_PINS.items():
        text = (TOOLCHAIN / tool_module / "go.mod").read_text()
        version = dict(_REQUIRED.findall(text)).get(module)
        if version != pins[pin]:
            found.append(f"ci/toolchain/{tool_module}/go.mod requires {module} {version}, {pin} is {pins[pin]}")
    for module, version in _STAGING.findall((TOOLCHAIN / "kubernetes" / "go.mod").read_text()):
        if version != pins["KUBERNETES_LIBRARIES_VERSION"]:
            found.append(f"ci/toolchain/kubernetes/go.mod replaces {module} by {version}")
    wanted = {NOTEBOOK_LOCK: _notebook_pins(pins), PYTHON_LOCK: _project_pins()}
    for lock, requirements in wanted.items():
        locked = re.findall(r"^(\S+==[^\s;]+)", lock.read_text().lower(), re.MULTILINE)
        missing = [each for each in requirements if each.lower() not in locked]
        if missing:
            found.append(f"{lock.relative_to(ROOT)} does not lock {', '.join(missing)}")
    return found


def write() -> None:
    """Generate the Go tool modules and the lock files anew."""
    pins = read()
    for module, (tool_module, pin) in GO_PINS.items():
        run(["go", "-C", TOOLCHAIN / tool_module, "mod", "edit", "-require", f"{module}@v{pins[pin]}"])
    kubernetes = TOOLCHAIN / "kubernetes"
    for module, _ in _STAGING.findall((kubernetes / "go.mod").read_text()):
        target = f"{module}=>{module}@v{pins['KUBERNETES_LIBRARIES_VERSION']}".replace("=>", "=", 1)
        run(["go", "-C", kubernetes, "mod", "edit", "-replace", target])
    _inherit_replacements("calico", "github.com/projectcalico/calico")
    for tool_module in ("kubernetes", "tools", "contour", "calico"):
        run(["go", "-C", TOOLCHAIN / tool_module, "mod", "tidy"])
    compile_lock = ["uv", "pip", "compile", "-q", "--generate-hashes", "--no-header", "--no-annotate"]
    run([*compile_lock, "--all-extras", ROOT / "pyproject.toml", "-o", PYTHON_LOCK])
    run(
        [*compile_lock, "--python-version", NOTEBOOK_PYTHON, "-", "-o", NOTEBOOK_LOCK],
        input="\n".join(_notebook_pins(pins)),
    )


def _inherit_replacements(tool_module: str, module: str) -> None:
    """Replace what a module replaces for itself: in a tool module, as in any that requires it, that goes unheard."""
    folder = TOOLCHAIN / tool_module
    downloaded = json.loads(run(["go", "-C", folder, "mod", "download", "-json", module]).stdout)
    for each in json.loads(run(["go", "mod", "edit", "-json", downloaded["GoMod"]]).stdout)["Replace"]:
        old, new = each["Old"]["Path"], each["New"]
        if "Version" in new:  # else a folder of its repository, which is a module of its own and pinned here
            run(["go", "-C", folder, "mod", "edit", "-replace", f"{old}={new['Path']}@{new['Version']}"])


def _notebook_pins(pins: dict[str, str]) -> list[str]:
    return [f"{name}=={pins[f'{name.upper()}_VERSION']}" for name in ("jupyterlab", "tensorboard")]


def _project_pins() -> list[str]:
    return re.findall(r'^    "([\w.-]+==[^"]+)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


if __name__ == "__main__":
    if sys.argv[1:] == ["verify"]:
        wrong = problems()
        for sentence in wrong:
            print(f"× {sentence}")
        if wrong:
            sys.exit("  run: make pins")
        print("√ generated pins agree with ci/versions.env")
    else:
        write()
