"""Print every limit of each gateway."""

import typer

from task_gateway.cli import _target
from task_gateway.cli._gateway import StrategyOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.limits import capacity
from task_gateway.limits.target import targets
from task_gateway.report import limits as shown
from task_gateway.routing.strategies.base import STRATEGIES


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway limits --config master.yaml -o json")(limits)


def limits(
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    strategy: StrategyOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Print every limit of each resource manager's gateway, the lowest first, and the capacity that follows.

    Nothing is changed: the CEL cost is asked for by dry runs.
    """
    if strategy is not None:
        STRATEGIES.get(strategy)
    found = [capacity.look(target, strategy) for target in targets(_target.read(config), kubeconfig, context)]
    emit({"resource_managers": found}, output, lambda _: shown.terminal(found))
