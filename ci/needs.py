"""The requirements of a run on this machine: checked before anything is created, and reported as one list.

Packages are only installed as root on Debian, and then listed.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from progress import Progress
from task_gateway import settings
from task_gateway.errors import EngineError, NeedsMissing, TaskGatewayError
from task_gateway.kube.process import run
from task_gateway_lab.clusters.engine import INSTALL_HINT, Engine, rootless
from task_gateway_lab.master import browser

# Debian packages by the program that shows that they are there.
ENGINE_PACKAGES = {
    "podman": "podman", "runc": "runc", "iptables": "iptables", "ip": "iproute2", "conntrack": "conntrack",
    "/usr/lib/podman/netavark": "netavark", "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}  # fmt: skip
BUILD_PACKAGES = {"debootstrap": "debootstrap"}
CONTROLLERS = ("cpu", "memory", "pids")  # https://kind.sigs.k8s.io/docs/user/rootless
DELEGATE = (
    "sudo mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=yes\\n' | "
    "sudo tee /etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload, then log in again; "
    "cgroup v2 is needed"
)
DISK_GIB = {"pull": 10, "build": 15}
GIB = 1 << 30


@dataclass(frozen=True)
class Need:
    """One thing a run needs: whether it is there, and the command that gets it where it is not."""

    name: str
    there: bool
    told: str
    command: str = ""

    def line(self) -> str:
        """Return the line of the list."""
        return f"{'√' if self.there else '×'} {self.name}: {self.told}" + (f"; {self.command}" if self.command else "")


def require(mode: str, engine: Engine, progress: Progress) -> None:
    """Print the requirements of `mode`; NeedsMissing, with a command for each missing one."""
    if installs():
        install({"chromium": "chromium"} if _browser() is None else {}, progress)
        install(BUILD_PACKAGES if mode == "build" else {}, progress)
    missing = _told([*_engine(engine), *_host(mode), *(_building() if mode == "build" else ())], progress)
    if missing:
        raise NeedsMissing(missing)


def without_engine(problem: EngineError, progress: Progress) -> NeedsMissing:
    """Return the error where no container engine works, with whatever else a run in pull mode lacks."""
    engine = Need("container engine", False, problem.message, _engine_command())
    return NeedsMissing(_told([engine, *_host("pull")], progress))


def _told(needs: list[Need], progress: Progress) -> tuple[tuple[str, str, str], ...]:
    """Print the list and return the name, the state and the command of each that is missing."""
    for need in needs:
        progress.note(need.line())
    return tuple((need.name, need.told, need.command) for need in needs if not need.there)


def installs() -> bool:
    """Return whether packages may be installed here without a prompt: as root, on Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and distribution() == "debian"


def distribution() -> str:
    """Return the id of the Linux distribution, as in `debian` or `ubuntu`; `darwin` on macOS."""
    try:
        return platform.freedesktop_os_release()["ID"]
    except OSError:
        return platform.system().lower()


def install(packages: dict[str, str], progress: Progress) -> None:
    """Install the Debian packages whose programs are missing, and print them."""
    missing = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if not missing:
        return
    progress.note(f"installing Debian packages: {', '.join(missing)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=quiet)
    run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], env=quiet)


def _engine(engine: Engine) -> Iterator[Need]:
    yield Need("container engine", True, f"{engine.name} starts a privileged container")
    if rootless(engine):
        missing = undelegated(_user_controllers())
        told = (
            f"missing in this user's cgroup: {', '.join(missing)}"
            if missing
            else "the user's cgroup has what nodes need"
        )
        yield Need("rootless nodes", not missing, told, DELEGATE if missing else "")


def _host(mode: str) -> Iterator[Need]:
    found = _browser()
    yield Need("browser", found is not None, found or "none was found", "" if found else _browser_command())
    folder = _existing(settings.cache_dir())
    free, wanted = shutil.disk_usage(folder).free // GIB, DISK_GIB[mode]
    enough = free >= wanted
    yield Need("disk", enough, f"{free} GiB free, {wanted} needed", "" if enough else f"df -h {folder}")


def undelegated(controllers: str) -> list[str]:
    """Return the cgroup v2 controllers that a rootless node needs and this user may not use."""
    there = controllers.split()
    return [each for each in CONTROLLERS if each not in there]


def _user_controllers() -> str:
    """Return the controllers of this user's cgroup; empty on cgroup v1, where there are no rootless nodes."""
    user = os.getuid()
    file = Path(f"/sys/fs/cgroup/user.slice/user-{user}.slice/user@{user}.service/cgroup.controllers")
    return file.read_text() if file.exists() else ""


def _building() -> Iterator[Need]:
    linux = platform.system() == "Linux"
    yield Need("Linux", linux, platform.system(), "" if linux else "TASK_GATEWAY_IMAGES=pull make e2e")
    go = shutil.which("go")
    yield Need("Go", go is not None, go or "not installed", "" if go else "install Go 1.26 or later: https://go.dev/dl")
    there = shutil.which("debootstrap") is not None
    told = "installed" if there else "not installed"
    yield Need("debootstrap", there, told, "" if there else "sudo apt-get install debootstrap")
    root = os.geteuid() == 0
    yield Need("root", root, "which debootstrap requires", "" if root else "sudo --preserve-env make e2e")


def _browser() -> str | None:
    try:
        return str(browser.find())
    except TaskGatewayError:
        return None


def _engine_command() -> str:
    if platform.system() == "Darwin":
        return "start Docker Desktop, or: brew install podman && podman machine init --rootful --now"
    start = "sudo systemctl start docker, or: " if shutil.which("dockerd") else ""
    return f"{start}sudo {INSTALL_HINT}"


def _browser_command() -> str:
    if distribution() == "debian":
        return "sudo apt-get install chromium"
    return ".venv/bin/playwright install --with-deps chromium"


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
