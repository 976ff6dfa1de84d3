"""As many kind clusters as the kernel's inotify limits allow, and one more.

These are the limits of this machine. The test lowers them, so nothing else may use clusters while it runs.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator

import pytest

from task_gateway import images
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.pods import KUBE_PROXY, SYSTEM_NAMESPACE
from task_gateway.kube.process import Completed, run, tool
from task_gateway_lab.clusters import base, inotify, system_pods
from task_gateway_lab.clusters.engine import engine
from task_gateway_lab.clusters.inotify import CLUSTER, ENOUGH, GATEWAY, PROC, Inotify

NAME = f"test-many-{os.getpid()}"
READ_ONLY = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"'


@pytest.fixture
def limit() -> Iterator[Callable[[Inotify], None]]:
    """Set this machine's limits, and restore them at the end."""
    if os.geteuid() != 0 or not all(os.access(path, os.W_OK) for path in inotify._files(PROC)):
        pytest.skip("only root may change the kernel's inotify limits")
    before = inotify.limits(PROC)

    def write(limits: Inotify) -> None:
        for path, value in zip(inotify._files(PROC), (limits.instances, limits.watches), strict=True):
            path.write_text(str(value))

    yield write
    write(before)


@pytest.fixture
def made() -> Iterator[list[str]]:
    """The names of the clusters to remove at the end."""
    names: list[str] = []
    yield names
    for name in names:
        if base.folder(name).exists():
            base.down(name)


def up(name: str, *, read_only: bool = False) -> Completed:
    """Bring up a cluster as a user does; with `read_only`, limits of the kernel cannot be changed."""
    prefix = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh"] if read_only else []
    return run([*prefix, sys.executable, "-m", "task_gateway.cli.main", "cluster", "up", name], check=False)


def room_for_one() -> Inotify:
    """Return limits that have room for one more cluster, and not for two."""
    others = len(run([tool("kind"), "get", "clusters"], env=engine(images.load().engine).env).stdout.splitlines())
    used = inotify.counted(PROC).plus(GATEWAY, others)
    return Inotify(used.plus(CLUSTER).instances + GATEWAY.instances, ENOUGH.watches)


def test_the_cluster_that_no_longer_fits_is_refused_with_the_command_or_the_limit_is_raised(
    limit: Callable[[Inotify], None], made: list[str]
) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    limits = room_for_one()
    limit(limits)
    first, second = made[:] = [f"{NAME}-1", f"{NAME}-2"]
    done = up(first)
    assert (done.code, "raised" in done.stderr) == (0, False), done.stderr
    assert inotify.limits(PROC) == limits

    refused = up(second, read_only=True)
    assert refused.code == 2, refused.stderr
    assert f"sudo sysctl fs.inotify.max_user_instances={ENOUGH.instances}" in refused.stderr
    assert second not in [each.name for each in base.known()]
    assert inotify.limits(PROC) == limits

    done = up(second)
    assert done.code == 0, done.stderr
    assert f"raised fs.inotify.max_user_instances from {limits.instances} to {ENOUGH.instances}" in done.stderr
    assert inotify.limits(PROC) == ENOUGH
    for name in (first, second):
        proxies = Kube(base.find(name)).list(POD, SYSTEM_NAMESPACE, KUBE_PROXY)
        assert system_pods.not_all_running(proxies) is None, name
