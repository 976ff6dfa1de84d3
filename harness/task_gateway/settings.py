"""The settings of a master, the time limit of each named wait, and the folders of the toolchain."""

import os
from dataclasses import dataclass, fields, replace
from enum import Enum
from math import inf
from pathlib import Path

from task_gateway.errors import UsageError, WaitTimeout
from task_gateway.reasons import Condition

APP = "task-gateway"


def cache_dir() -> Path:
    """Return the folder of built tools and images: `$XDG_CACHE_HOME/task-gateway`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / APP


def state_dir() -> Path:
    """Return the folder of the kubeconfigs of running clusters: `$XDG_STATE_HOME/task-gateway`."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / APP


NEWEST, OLDEST = "newest", "oldest"


def kubernetes_release() -> str:
    """Return which pinned Kubernetes release to use: `newest`, or `oldest` if `TASK_GATEWAY_KUBERNETES` selects it."""
    asked = os.environ.get("TASK_GATEWAY_KUBERNETES") or NEWEST
    if asked not in (NEWEST, OLDEST):
        hint = f"use {NEWEST} or {OLDEST}"
        raise UsageError(f"no Kubernetes release is called {asked!r}", where="TASK_GATEWAY_KUBERNETES", hint=hint)
    return asked


def release_dir() -> Path:
    """Return the folder for one Kubernetes release, with links to programs and the list of images."""
    return cache_dir() if kubernetes_release() == NEWEST else cache_dir() / OLDEST


def tools_dir() -> Path:
    """Return the folder of the toolchain's programs; `TASK_GATEWAY_TOOLS` overrides it."""
    return Path(os.environ.get("TASK_GATEWAY_TOOLS") or release_dir() / "bin")


@dataclass(frozen=True)
class Wait:
    """A wait: its time limit, and the sentence that users read during and after it."""

    name: str
    sentence: str
    seconds: float

    def timed_out(
        self, last_state: str | Condition, where: str | None = None, *, seen: Condition | Enum | None = None
    ) -> WaitTimeout:
        """Return the error of this wait, with the last state.

        `seen` is the type for a state that is a sentence; a condition needs none.
        """
        message = f"waited {self.seconds:g} s until {self.sentence}; last seen: {last_state}"
        found = last_state if isinstance(last_state, Condition) else seen
        return WaitTimeout(
            message, name=self.name, seconds=self.seconds, last_state=str(last_state), where=where, seen=found
        )


API_READY = Wait("api-ready", "the API server answers /readyz", 60)
NAMESPACE_READY = Wait("namespace-ready", "the namespace has its ServiceAccount, without which no pod is let in", 60)
NODE_READY = Wait("node-ready", "the node is Ready", 180)
SERVICES_READY = Wait("services-ready", "kube-proxy and CoreDNS keep running, which Services require", 120)
GATEWAY_PROGRAMMED = Wait("gateway-programmed", "the Gateway is Programmed", 180)
POD_READY = Wait("pod-ready", "the pod is Ready", 180)
POD_GONE = Wait("pod-gone", "the pod is gone", 60)
TASK_REACHABLE = Wait("task-reachable", "the task answers at its address", 60)
TASK_EXPOSED = Wait("task-exposed", "a connection through the gateway reaches the task's pod", 60)
TASK_REFUSED = Wait("task-refused", "connections to the released port fail", 60)
KERNEL_READY = Wait("kernel-ready", "the kernel answers over its WebSocket", 60)
PAGE_SHOWN = Wait("page-shown", "the page shows what it should", 60)
GATEWAY_WRITTEN = Wait("gateway-written", "a listener is written against other writers of the Gateway", 30)
SLOT_WRITTEN = Wait("slot-written", "a slot is claimed or released against other writers", 15)

CHECKS_PASS = Wait("all-right", "no check is wrong", 300)

SETTLED_SECONDS = 5.0
"""How long kube-proxy must run without a change to count as up. If it cannot run, it exits within a second."""

CHECK_INTERVAL_SECONDS = 5.0
"""How long `check --wait` waits for a change of the Gateway before it reads all other objects again."""

PROBE_PAUSE_SECONDS = 0.1
"""Pause between two attempts at something that cannot be watched, unless the caller sets another."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a TaskGateway that a master can change. Each is a time in seconds; 0 or more, and finite.

    UsageError for another value. The fields are described, with their defaults, in docs/tasks.md.
    """

    port_cooldown_seconds: float = 60.0
    """How long a released port is only used if no other port is free."""
    claim_grace_seconds: float = 60.0
    """Minimum age of a claim for `reconcile` to free it: a master may claim a port before the task's pod exists."""
    expose_seconds: float = TASK_EXPOSED.seconds
    """How long `expose(wait=True)` waits for a connection that reaches a pod of the task."""
    release_seconds: float = TASK_REFUSED.seconds
    """How long `release(wait=True)` waits until new connections fail, and `expose` for a port in cooldown."""
    slot_write_seconds: float = SLOT_WRITTEN.seconds
    """How long the claim or release of a slot is retried after conflicts."""
    gateway_write_seconds: float = GATEWAY_WRITTEN.seconds
    """How long the strategy `listeners` retries the write of a listener after conflicts."""
    claim_pause_seconds: float = 0.05
    """Longest random pause before the next attempt after a conflict."""
    probe_seconds: float = 2.0
    """How long one attempt to reach a port may take: to connect, and again to receive a byte."""
    probe_first_pause_seconds: float = 0.005
    """First pause between two attempts to reach a port; it doubles from one to the next."""
    probe_pause_seconds: float = PROBE_PAUSE_SECONDS
    """Longest pause between two attempts to reach a port."""
    min_open_seconds: float = 0.25
    """How long a connection must stay open to prove that it reached a pod: Envoy closes it at once without a pod."""
    controller_cache_seconds: float = 60.0
    """How long the controller of a Gateway, and the ports of its proxy's Service, are cached."""
    watch_seconds: float = 60.0
    """How long one watch lasts before the next one continues; the thread of a closed TaskGateway ends by then."""
    watch_pause_seconds: float = 0.5
    """Pause before the next watch after an error."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < inf:
                hint = "give a number of seconds, 0 or more"
                raise UsageError(f"{field.name} is {value}", where="Settings", hint=hint)

    @property
    def task_exposed(self) -> Wait:
        """The wait of `expose(wait=True)`."""
        return replace(TASK_EXPOSED, seconds=self.expose_seconds)

    @property
    def task_refused(self) -> Wait:
        """The wait of `release(wait=True)`."""
        return replace(TASK_REFUSED, seconds=self.release_seconds)

    @property
    def slot_written(self) -> Wait:
        """The wait for the write of a slot."""
        return replace(SLOT_WRITTEN, seconds=self.slot_write_seconds)

    @property
    def gateway_written(self) -> Wait:
        """The wait for a write of the Gateway."""
        return replace(GATEWAY_WRITTEN, seconds=self.gateway_write_seconds)


DEFAULTS = Settings()
"""The settings that are used by default."""
