"""Every knob that is not the user's: where things are kept, and how long each named wait may last."""

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from task_gateway.errors import UsageError, WaitTimeout
from task_gateway.reasons import Condition

APP = "task-gateway"


def cache_dir() -> Path:
    """Return where built tools and images are kept: `$XDG_CACHE_HOME/task-gateway`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / APP


def state_dir() -> Path:
    """Return where kubeconfigs of running clusters are kept: `$XDG_STATE_HOME/task-gateway`."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / APP


NEWEST, OLDEST = "newest", "oldest"


def kubernetes_release() -> str:
    """Return which pinned Kubernetes is used: `newest`, or `oldest` where `TASK_GATEWAY_KUBERNETES` asks for it."""
    asked = os.environ.get("TASK_GATEWAY_KUBERNETES") or NEWEST
    if asked not in (NEWEST, OLDEST):
        hint = f"use {NEWEST} or {OLDEST}"
        raise UsageError(f"no Kubernetes release is called {asked!r}", where="TASK_GATEWAY_KUBERNETES", hint=hint)
    return asked


def release_dir() -> Path:
    """Return the folder of what belongs to one Kubernetes release: links to programs, the list of images."""
    return cache_dir() if kubernetes_release() == NEWEST else cache_dir() / OLDEST


def tools_dir() -> Path:
    """Return the folder of the toolchain's programs; `TASK_GATEWAY_TOOLS` overrides it."""
    return Path(os.environ.get("TASK_GATEWAY_TOOLS") or release_dir() / "bin")


@dataclass(frozen=True)
class Wait:
    """How long something may take, and the sentence a user reads while and after it is waited for."""

    name: str
    sentence: str
    seconds: float

    def timed_out(
        self, last_state: str | Condition, where: str | None = None, *, seen: Condition | Enum | None = None
    ) -> WaitTimeout:
        """Return the error of this wait when it ended with `last_state` as the last that was seen.

        `seen` is the type behind a sentence; a condition stands for itself.
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
TASK_REFUSED = Wait("task-refused", "the released port reaches nothing", 60)
KERNEL_READY = Wait("kernel-ready", "the kernel answers over its WebSocket", 60)
PAGE_SHOWN = Wait("page-shown", "the page shows what it should", 60)
GATEWAY_WRITTEN = Wait("gateway-written", "a listener is written against other writers of the Gateway", 30)
SLOT_WRITTEN = Wait("slot-written", "a slot is claimed or released against other writers", 15)

ALL_RIGHT = Wait("all-right", "no check is wrong", 300)

SETTLED_SECONDS = 5.0
"""How long kube-proxy must run without a change to count as up: one that lacks what it needs exits within a second."""

LOOK_AGAIN_SECONDS = 5.0
"""How long `check --wait` waits for a change of the Gateway before it looks again at what no Gateway shows."""

CONTROLLER_SECONDS = 60.0
"""How long the controller of a Gateway, and the ports of its proxy's Service, are known before they are read again."""

CLAIM_PAUSE_SECONDS = 0.05
"""Longest random pause before the slots are read again, when others took every one that looked free."""

PROBE_SECONDS = 2.0
"""How long one attempt to reach a port may take: to connect, and again to receive a byte."""

PROBE_FIRST_PAUSE_SECONDS, PROBE_PAUSE_SECONDS = 0.005, 0.1
"""Pause between two attempts to reach a port: the first, and the longest that it doubles up to."""

WATCH_SECONDS = 60.0
"""How long one watch of a mirror lasts before the next goes on where it ended; the thread of a closed one ends then."""

WATCH_PAUSE_SECONDS = 0.5
"""Pause before a mirror watches again after an error."""

HELD_SECONDS = 0.25
"""How long a connection must stay open to count as one that reached a pod: Envoy closes it at once where none is."""

REST_SECONDS = 60.0
"""How long a released port rests: another that is free goes first."""

GRACE_SECONDS = 60.0
"""Younger claims are left alone by a reconcile: a master may claim a port before its task's pod is there."""
