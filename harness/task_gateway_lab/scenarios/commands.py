"""Runs `task-gateway` as a user does: in a separate process, with a kubeconfig and JSON output."""

import json
import sys
from typing import Any

from task_gateway.errors import ScenarioFailed
from task_gateway.kube.kubectl import options
from task_gateway.kube.process import Completed, Word, run
from task_gateway.model import Address, Cluster
from task_gateway_lab.scenarios import runtime

MAIN = "task_gateway.cli.main"


def run_command(cluster: Cluster, *words: Word, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run a command against a cluster and return its JSON; ScenarioFailed if its exit code is not in `codes`."""
    argv = [sys.executable, "-m", MAIN, *words, "--output", "json", *options(cluster)]
    return parse_output(" ".join(map(str, words)), run(argv, check=False), codes)


def run_for_gateway(managed: "runtime.ManagedCluster", *words: Word, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run a command against the gateway of a cluster, as the user who installed it."""
    gateway = managed.block.full_name
    return run_command(managed.kube.cluster, *words, "--gateway", gateway, codes=codes)


def parse_output(command: str, done: Completed, codes: tuple[int, ...]) -> dict[str, Any]:
    """Return the JSON output of a command; ScenarioFailed with its error if its exit code is not in `codes`."""
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        found = {}
    if done.code in codes and found:
        return found
    error = found.get("error") or {}
    said = error.get("message") or done.stderr.strip() or "it printed no JSON"
    raise ScenarioFailed(
        f"task-gateway {command} ended with exit code {done.code}: {said}",
        where=error.get("where"),
        hint=error.get("hint"),
    )


def addresses_of(exposed: dict[str, Any]) -> tuple[Address, ...]:
    """Return the addresses that `task-gateway expose` printed, in the order of the task's ports."""
    return tuple(Address(each["host"], each["port"]) for each in exposed["ports"])
