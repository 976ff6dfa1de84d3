"""Check gateways and show how to fix them."""

import itertools
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from task_gateway import config as configuration
from task_gateway.checks import run
from task_gateway.checks.base import profile_of
from task_gateway.cli import _target
from task_gateway.cli.output import Output, emit
from task_gateway.errors import ApiError, ClusterUnreachable, ConfigError, UsageError
from task_gateway.inventory.target import GatewayTarget, target_for, targets
from task_gateway.model import Check, CheckReport, MasterConfig
from task_gateway.report import checks as shown
from task_gateway.routing.gateway_api import GATEWAY
from task_gateway.settings import CHECK_INTERVAL_SECONDS, CHECKS_PASS


class CheckOutput(StrEnum):
    """Output formats of the result."""

    text = "text"
    json = "json"
    junit = "junit"


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway check --config master.yaml --wait")(check)


def check(
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    only: Annotated[list[str] | None, typer.Option(help="Only show this category. Repeatable. Default: all.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Check again after each change until nothing is wrong.")] = False,
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="Also check what `helm uninstall` of the chart would break.")
    ] = False,
    profile: Annotated[
        str, typer.Option(help="Also check what breaks for another writer of the Gateway. Supported: determined.")
    ] = "",
    user: Annotated[
        str, typer.Option("--as", help="User whose rights are checked. Default: the user of the kubeconfig.")
    ] = "",
    groups: Annotated[
        list[str] | None,
        typer.Option("--as-group", help="Group of that user. Repeatable. Requires --as."),
    ] = None,
    output: Annotated[CheckOutput, typer.Option("--output", "-o", help="Output format.")] = CheckOutput.text,
) -> None:
    """Check gateways and show how to fix them.

    Checks each gateway, from the cluster to its ports: what is wrong, why, and how to fix it. Changes nothing.

    Exit code 0 if no check fails, 1 if one fails, 2 for an invalid configuration, 3 if no cluster is reachable.
    """
    chosen = only or []
    if groups and not user:
        raise UsageError("--as-group requires --as", hint="--as USER --as-group GROUP")
    run.report([], chosen)
    profile_of(profile)
    master, problem = _read(config)
    read = run.of_config(problem, str(config)) if config else []
    if problem is not None:
        _emit(run.report(read, chosen), output)
        raise typer.Exit(problem.exit_code)
    found, unusable = _targets(master, kubeconfig, context, profile)
    read += unusable

    def read_checks() -> list[Check]:
        named = len(found) > 1 or bool(unusable)
        asked = {"uninstall": uninstall, "profile": profile, "user": user, "groups": groups or ()}
        each = (run.of_target(target, named=named, **asked) for target in found)  # type: ignore[arg-type]
        return [*read, *itertools.chain.from_iterable(each)]

    checks = read_checks()
    deadline = time.monotonic() + CHECKS_PASS.seconds
    while wait and not run.report(checks, chosen).success and time.monotonic() < deadline:
        _until_something_changes(found, deadline)
        checks = read_checks()
    result = run.report(checks, chosen)
    _emit(result, output)
    if run.unreachable(checks):
        raise typer.Exit(ClusterUnreachable.exit_code)
    if not result.success:
        raise typer.Exit(1)


def _read(file: Path | None) -> tuple[MasterConfig | None, ConfigError | None]:
    try:
        return (configuration.load(file) if file else None), None
    except ConfigError as problem:
        return None, problem


def _targets(
    master: MasterConfig | None, kubeconfig: Path | None, context: str | None, profile: str
) -> tuple[list[GatewayTarget], list[Check]]:
    """Return the gateways to check, and the checks of those whose kubeconfig cannot be used.

    UsageError if no kubeconfig can be used.
    """
    if master is None:
        return targets(None, kubeconfig, context), []
    managers = [each for each in master.resource_managers if each.internal_task_gateway is not None]
    found, unusable, problems = [], [], []
    for manager in managers:
        try:
            found.append(target_for(manager, kubeconfig, context))
        except UsageError as problem:
            problems.append(problem)
            unusable += run.of_unusable(manager, problem, profile=profile)
    if problems and not found:
        raise problems[0]
    return found, unusable


def _until_something_changes(found: Sequence[GatewayTarget], deadline: float) -> None:
    """Return at the first change of the first Gateway, or after the interval: not every change shows in a Gateway."""
    seconds = max(0.1, min(CHECK_INTERVAL_SECONDS, deadline - time.monotonic()))
    target = found[0]
    until = time.monotonic() + seconds
    gateway = target.manager.internal_task_gateway
    try:
        namespace = gateway.gateway_namespace if gateway else None
        name = gateway.gateway_name if gateway else None
        for count, _ in enumerate(target.kube.watch(GATEWAY, namespace, name=name, seconds=seconds)):
            if count:  # the first event is the present state
                return
    except (ApiError, ClusterUnreachable):
        time.sleep(max(0.0, until - time.monotonic()))


def _emit(report: CheckReport, output: CheckOutput) -> None:
    if output is CheckOutput.junit:
        typer.echo(shown.junit(report), nl=False)
    else:
        emit(report, Output(output.value), shown.terminal)
