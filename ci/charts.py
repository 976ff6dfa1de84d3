"""Makes the packages of both charts in dist/: `python ci/charts.py`.

Envoy Gateway's chart and the CRDs of Gateway API are copied in here, from the pinned modules that the
controller is built from too, and never committed. In the CRD of Gateway, comments mark what values can change.
Without a change of pins or charts nothing is done.
"""

import fcntl
import gzip
import hashlib
import io
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import yaml

import pins
from sources import module_dir
from task_gateway.crds import ports_policy, schema
from task_gateway.kube.process import run, tool

ROOT = pins.ROOT
CHARTS = ROOT / "charts"
DIST = ROOT / "dist"
EPOCH = 315532800  # the time of every file in an archive: 1980, before which none can be
GATEWAY_CHART = CHARTS / "internal-task-gateway"
CRDS_CHART = CHARTS / "gateway-api-crds"
OURS = (GATEWAY_CHART, CRDS_CHART)
LEGAL = ("LICENSE", "NOTICE")  # in each package, because the charts contain files of other projects
PROFILES = (
    *(GATEWAY_CHART / f"{name}.yaml" for name in ("production", "determined", "determined-lane")),
    CRDS_CHART / "determined.yaml",
)
ENVOY_GATEWAY = GATEWAY_CHART / "charts" / "gateway-helm"
CHANNELS = tuple(CRDS_CHART / "charts" / channel for channel in ("standard", "experimental"))
CONTOUR_CHART = CHARTS / "contour"
CONTOUR = GATEWAY_CHART / "charts" / CONTOUR_CHART.name
CONTOUR_CRDS = CONTOUR_CHART / "charts" / "contour-crds"
COPIES = (ENVOY_GATEWAY, CONTOUR, CONTOUR_CRDS, *CHANNELS)
GATEWAYS = "gateway.networking.k8s.io_gateways.yaml"
SAFE_UPGRADES = "config/crd/standard/gateway.networking.k8s.io_vap_safeupgrades.yaml"  # of both channels
CONTOUR_WATCHES = ("httpproxies.projectcontour.io", "tlscertificatedelegations.projectcontour.io")
MAX_LISTENERS, QUADRATIC, END = "# maxListeners", "# quadratic rule", "# end"  # what the template looks for
_NOT_COPIED = shutil.ignore_patterns("README.md", "values.tmpl.yaml", ".helmignore", "Chart.lock")


def main() -> None:
    """Package both charts if something changed, and print one line about it."""
    DIST.mkdir(exist_ok=True)
    started = time.monotonic()
    stamp = DIST / "charts.stamp"
    with (DIST / "charts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        key = _key()
        if _made() and stamp.exists() and stamp.read_text() == key:
            print("√ charts: nothing has changed")
            return
        stamp.unlink(missing_ok=True)
        versions = pins.read()
        for chart in (*OURS, CONTOUR_CHART):  # Helm also packages folders that are no dependency
            shutil.rmtree(chart / "charts", ignore_errors=True)
        copy_envoy_gateway(f"v{versions['ENVOY_GATEWAY_VERSION']}")
        copy_contour_crds(f"v{versions['CONTOUR_VERSION']}", f"v{versions['GATEWAY_API_VERSION']}")
        copy_contour()
        copy_crds(f"v{versions['GATEWAY_API_VERSION']}")
        for chart in OURS:
            for old in DIST.glob(f"{chart.name}-*.tgz"):
                old.unlink()
            package(chart, DIST)
        profiles(DIST)
        stamp.write_text(key)
    packages = ", ".join(sorted(package.name for package in DIST.glob("*.tgz")))
    print(f"√ charts: {packages} in {time.monotonic() - started:.0f} s")


def package(chart: Path, into: Path) -> Path:
    """Package a chart reproducibly: the same files give the same bytes."""
    with tempfile.TemporaryDirectory(prefix="task-gateway-chart-") as folder:
        run([tool("helm"), "package", chart, "--destination", folder])
        (made,) = Path(folder).glob("*.tgz")
        target = into / made.name
        with (
            tarfile.open(made) as source,
            target.open("wb") as file,
            gzip.GzipFile("", "wb", 9, file, mtime=EPOCH) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as archive,
        ):
            files = [(member, source.extractfile(member)) for member in source.getmembers()]
            for member, content in sorted([*files, *_legal(chart.name)], key=lambda each: each[0].name):
                member.mtime = EPOCH
                archive.addfile(member, content)
    return target


def _legal(chart: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield the license and the notice of the project as files of a chart's archive."""
    for name in LEGAL:
        content = (ROOT / name).read_bytes()
        member = tarfile.TarInfo(f"{chart}/{name}")
        member.size = len(content)
        yield member, io.BytesIO(content)


def profiles(into: Path) -> list[Path]:
    """Write the values files that users name in a command, as CHART-PROFILE.yaml; return their paths.

    Helm reads a values file from a path or a URL, and not from inside a package.
    """
    made = profile_files(into)
    for profile, target in zip(PROFILES, made, strict=True):
        shutil.copyfile(profile, target)
    return made


def profile_files(folder: Path) -> list[Path]:
    """Return the paths of the values files in a folder."""
    return [folder / f"{profile.parent.name}-{profile.name}" for profile in PROFILES]


def copy_envoy_gateway(version: str) -> None:
    """Copy Envoy Gateway's chart to the folder of Helm's dependencies, as its own release renders it.

    Its CRDs of Gateway API are left out. Helm 4 would apply them over those in the cluster, and replace another
    release, another channel or a raised limit.
    """
    source = module_dir("github.com/envoyproxy/gateway", version) / "charts" / "gateway-helm"
    _copy(source, ENVOY_GATEWAY)
    (ENVOY_GATEWAY / "charts" / "crds" / "crds" / "gatewayapi-crds.yaml").unlink()
    values = (source / "values.tmpl.yaml").read_text()
    variables = {
        "GatewayImage": f"docker.io/envoyproxy/gateway:{version}",
        "GatewayImagePullPolicy": "IfNotPresent",
    }
    for name, value in variables.items():
        values = values.replace(f"${{{name}}}", value)
    (ENVOY_GATEWAY / "values.yaml").write_text(values)
    chart = ENVOY_GATEWAY / "Chart.yaml"
    text = chart.read_text().replace("version: v0.0.0-latest", f"version: {version}")
    chart.write_text(text.replace('appVersion: "latest"', f"appVersion: {version}"))


def copy_contour_crds(version: str, gateway_api: str) -> None:
    """Write the CRDs that Contour requires to start into a separate chart.

    It also contains the policy that protects the CRDs of Gateway API. Envoy Gateway's chart already has this policy.
    """
    source = module_dir("github.com/projectcontour/contour", version, "contour") / "examples/contour/01-crds.yaml"
    (CONTOUR_CRDS / "crds").mkdir(parents=True)
    (CONTOUR_CRDS / "Chart.yaml").write_text(f"apiVersion: v2\nname: contour-crds\nversion: {version}\n")
    for text in source.read_text().split("\n---\n"):
        crd = yaml.safe_load(text)
        if crd and crd["metadata"]["name"] in CONTOUR_WATCHES:
            (CONTOUR_CRDS / "crds" / f"{crd['metadata']['name']}.yaml").write_text(text)
    policy = module_dir("sigs.k8s.io/gateway-api", gateway_api) / SAFE_UPGRADES
    shutil.copyfile(policy, CONTOUR_CRDS / "safe_upgrades.yaml")


def copy_contour() -> None:
    """Put the sub-chart of Contour, with its CRDs, where Helm looks for a dependency."""
    _copy(CONTOUR_CHART, CONTOUR)
    shutil.rmtree(CONTOUR / "tests", ignore_errors=True)


def copy_crds(version: str) -> None:
    """Write the CRDs of each channel of Gateway API into a separate sub-chart.

    Helm stores a chart's files in the release's Secret, which is limited to 1 MiB, but not those of its sub-charts.
    """
    source = module_dir("sigs.k8s.io/gateway-api", version) / "config" / "crd"
    for channel in CHANNELS:
        (channel / "files").mkdir(parents=True)
        (channel / "Chart.yaml").write_text(f"apiVersion: v2\nname: {channel.name}\nversion: {version}\n")
        for crd in sorted((source / channel.name).glob("gateway.networking.*.yaml")):
            if "\nkind: CustomResourceDefinition\n" in crd.read_text():
                shutil.copyfile(crd, channel / "files" / crd.name)
        gateways = channel / "files" / GATEWAYS
        gateways.write_text(marked(gateways.read_text()))
        shutil.copyfile(ports_policy.FILE, channel / ports_policy.FILE.name)


def marked(text: str) -> str:
    """Return the text of Gateway's CRD with comments at what values change, found in the YAML and not by its look.

    They stand behind each maxItems of the listeners in spec and status, and around each rule of quadratic cost.
    """
    lines = text.splitlines()
    behind: dict[int, str] = {}
    before: dict[int, str] = {}
    for version in _at(cast(yaml.Node, yaml.compose(text)), "spec", "versions").value:
        properties = _at(version, "schema", "openAPIV3Schema", "properties")
        for part in ("spec", "status"):
            listeners = _at(properties, part, "properties", "listeners")
            behind[_at(listeners, "maxItems").start_mark.line] = f" {MAX_LISTENERS}"
            for rule in _at(listeners, schema.RULES).value if part == "spec" else ():
                if schema.is_quadratic(schema.CelRule(_at(rule, "rule").value, "")):
                    before[rule.start_mark.line] = before.get(rule.start_mark.line, "") + f"{QUADRATIC}\n"
                    before[rule.end_mark.line] = f"{END}\n"
    return "".join(f"{before.get(number, '')}{line}{behind.get(number, '')}\n" for number, line in enumerate(lines))


def _at(node: yaml.Node, *keys: str) -> yaml.Node:
    """Return what a path of keys leads to in a composed document; KeyError if upstream's CRD looks different now."""
    for key in keys:
        node = {name.value: value for name, value in node.value}[key]
    return node


def _copy(source: Path, target: Path) -> None:
    """Copy a tree of Go's module cache, which is read-only, and make the copy writable."""
    shutil.copytree(source, target, ignore=_NOT_COPIED, copy_function=shutil.copyfile)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def _made() -> bool:
    packaged = all(any(DIST.glob(f"{chart.name}-*.tgz")) for chart in OURS)
    return packaged and all(each.exists() for each in (*COPIES, *profile_files(DIST)))


def _key() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield Path(__file__)
    yield pins.CI / "versions.env"
    yield from (ROOT / name for name in LEGAL)
    yield from (Path(schema.__file__), ports_policy.FILE)
    for path in sorted(CHARTS.rglob("*")):
        if path.is_file() and not any(copy in path.parents for copy in COPIES):
            yield path


if __name__ == "__main__":
    main()
