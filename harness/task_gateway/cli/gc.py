"""Free the ports of tasks that are gone."""

from typing import Annotated

import typer

from task_gateway.cli import _gateway, _target
from task_gateway.cli._gateway import GatewayOption, NamespaceOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.report import tasks as shown
from task_gateway.routing import determined_left
from task_gateway.settings import DEFAULTS


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway gc --apply")(gc)


def gc(
    apply: Annotated[
        bool, typer.Option("--apply", help="Free the ports. Default: only show what would be freed.")
    ] = False,
    grace: Annotated[
        float, typer.Option(help="Seconds for which a claim without a pod is kept.", min=0)
    ] = DEFAULTS.claim_grace_seconds,
    namespace: NamespaceOption = None,
    gateway: GatewayOption = None,
    config: _target.ConfigOption = None,
    kubeconfig: _target.KubeconfigOption = None,
    context: _target.ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Free the ports of tasks that are gone.

    Shows what deleted tasks left behind, and frees it with --apply. Never changes objects of others.

    Exit code 0 if nothing is left, 1 if something is left or may not be read.
    """
    snapshot = _gateway.choose(config, kubeconfig, context, gateway, namespace=namespace)
    found, skipped = _gateway.ask(
        _gateway.open_all(snapshot), lambda each: each.reconcile(dry_run=not apply, grace_seconds=grace)
    )
    repairs = determined_left.free(snapshot.kube, snapshot.gateway, dry_run=not apply, grace_seconds=grace, say=_say)
    repairs += [repair for part in found for repair in part]
    result = {"repairs": repairs, "dry_run": not apply, "skipped": skipped}
    emit(result, output, lambda _: shown.repairs(repairs, dry_run=not apply))
    if skipped or not all(each.done for each in repairs):
        raise typer.Exit(1)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)
