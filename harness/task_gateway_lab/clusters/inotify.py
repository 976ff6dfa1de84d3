"""Checks before a kind cluster comes up whether enough inotify instances are free, and raises the limits if not.

The limits are per user. If they are reached, kube-proxy exits, and pods of the new cluster cannot reach Services.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from task_gateway import records, settings
from task_gateway.errors import HostLimit
from task_gateway.model import Say
from task_gateway_lab.clusters.engine import Engine, rootless

PROC = Path("/proc")
LIMITS = "sys/fs/inotify"
RESERVATIONS = "inotify.json"


@dataclass(frozen=True)
class Inotify:
    """A number of inotify instances, and of watches in all of them."""

    instances: int
    watches: int

    def plus(self, other: "Inotify", times: int = 1) -> "Inotify":
        """Return the sum of this and `times` the other."""
        return Inotify(self.instances + times * other.instances, self.watches + times * other.watches)

    def highest(self, *others: "Inotify") -> "Inotify":
        """Return the highest number of each kind."""
        each = (self, *others)
        return Inotify(max(one.instances for one in each), max(one.watches for one in each))

    def holds(self, other: "Inotify") -> bool:
        """Return whether these limits are high enough for `other`."""
        return self.instances >= other.instances and self.watches >= other.watches


CLUSTER = Inotify(instances=40, watches=1000)
"""Room for one cluster. Measured: 27 instances and 257 watches bare, 32 instances with a gateway; the rest is spare."""

GATEWAY = Inotify(instances=5, watches=50)
"""The part for a gateway: an existing cluster may still get one."""

ENOUGH, SPARE_CLUSTERS = Inotify(instances=512, watches=524_288), 5
"""Limits are raised to `ENOUGH`, which kind recommends, or higher to have room for that many more clusters."""


@dataclass(frozen=True)
class Reservation:
    """A cluster that comes up: the process that creates it, and the total that will then be in use."""

    cluster: str
    pid: int
    total: Inotify


@contextmanager
def room(name: str, engine: Engine, clusters: int, *, say: Say, proc: Path = PROC) -> Iterator[None]:
    """Reserve the instances for the cluster `name` until it is up; there are already `clusters` other nodes.

    Limits that are too low are raised, and `say` gets a sentence about it; HostLimit if this is not allowed. Does
    nothing if the nodes run on another kernel, for example in the virtual machine of Docker Desktop.
    """
    if not (proc / LIMITS).is_dir() or (user := rootless(engine)) is None:
        yield
        return
    visible = user or os.geteuid() == 0
    with _reservations() as reserved:
        used = counted(proc).plus(GATEWAY, clusters) if visible else Inotify(0, 0).plus(CLUSTER, clusters)
        used = used.highest(*(each.total for each in reserved))
        total = used.plus(CLUSTER)
        before = limits(proc)
        if not before.holds(total):
            after = enough(before, total)
            if not _raise(proc, before, after):
                raise too_low(used, before, after)
            say(f"cluster {name}: {raised(used, before, after)}")
        mine = Reservation(name, os.getpid(), total)
        reserved.append(mine)
    try:
        yield
    finally:
        with _reservations() as reserved:
            reserved[:] = [each for each in reserved if each != mine]


def counted(proc: Path) -> Inotify:
    """Return the number in use by all processes whose open files this user may read."""
    instances = watches = 0
    for process in proc.iterdir():
        if process.name.isdigit():
            for descriptor in _inotify_descriptors(process):
                instances += 1
                watches += _watches(process / "fdinfo" / descriptor)
    return Inotify(instances, watches)


def limits(proc: Path) -> Inotify:
    """Return the kernel's limits for each user."""
    return Inotify(*(int(path.read_text()) for path in _files(proc)))


def enough(before: Inotify, total: Inotify) -> Inotify:
    """Return the limits for `total` and more clusters; neither is lowered."""
    return before.highest(ENOUGH, total.plus(CLUSTER, SPARE_CLUSTERS))


def raised(used: Inotify, before: Inotify, after: Inotify) -> str:
    """Return a sentence about raised limits: old and new values, and the reason."""
    names = ("max_user_instances", "max_user_watches")
    pairs = zip(names, asdict(before).values(), asdict(after).values(), strict=True)
    changes = " and ".join(f"fs.inotify.{name} from {old} to {new}" for name, old, new in pairs if new > old)
    return f"raised {changes} until the next boot, because {_shortage(used, before)}"


def too_low(used: Inotify, before: Inotify, after: Inotify) -> HostLimit:
    """Return the error for limits that are too low and that this user may not raise."""
    return HostLimit(
        f"no room for another cluster: {_shortage(used, before)}",
        where=str(PROC / LIMITS),
        hint=f"sudo sysctl fs.inotify.max_user_instances={after.instances} fs.inotify.max_user_watches={after.watches}",
    )


def _shortage(used: Inotify, before: Inotify) -> str:
    few = before.instances < used.plus(CLUSTER).instances
    word = "instances" if few else "watches"
    taken, most, takes = (getattr(each, word) for each in (used, before, CLUSTER))
    return f"{taken} of {most} inotify {word} are in use or reserved, and a cluster with a gateway takes up to {takes}"


def _raise(proc: Path, before: Inotify, after: Inotify) -> bool:
    """Raise the limits; False if this is not allowed, or if the kernel ignores it."""
    old_and_new = zip(_files(proc), asdict(before).values(), asdict(after).values(), strict=True)
    try:
        for path, old, new in old_and_new:
            if new > old:
                path.write_text(str(new))
    except OSError:
        return False
    return limits(proc).holds(after)


def _files(proc: Path) -> Sequence[Path]:
    return [proc / LIMITS / "max_user_instances", proc / LIMITS / "max_user_watches"]


def _inotify_descriptors(process: Path) -> list[str]:
    try:
        return [each for each in os.listdir(process / "fd") if _is_inotify(process / "fd" / each)]
    except OSError:  # it has ended, or belongs to another user
        return []


def _is_inotify(descriptor: Path) -> bool:
    try:
        return os.readlink(descriptor).removeprefix("anon_inode:") == "inotify"
    except OSError:  # it was closed meanwhile
        return False


def _watches(info: Path) -> int:
    try:
        return sum(line.startswith("inotify ") for line in info.read_text().splitlines())
    except OSError:
        return 0


@contextmanager
def _reservations() -> Iterator[list[Reservation]]:
    """Yield the list of clusters that come up, which the caller may change while other processes and threads wait."""
    file = settings.cache_dir() / RESERVATIONS
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.seek(0)
        found = [each for each in _parsed(opened.read()) if Path(f"/proc/{each.pid}").exists()]
        yield found
        opened.seek(0)
        opened.truncate()
        opened.write(records.text(found))


def _parsed(text: str) -> list[Reservation]:
    try:
        return records.read(list[Reservation], text)
    except ValueError:  # empty at first, or incomplete because its writer was killed
        return []
