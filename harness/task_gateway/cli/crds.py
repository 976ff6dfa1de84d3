"""Raise and measure the listener limit of CRDs."""

from typing import Annotated

import typer

from task_gateway.cli import _cel
from task_gateway.cli._commands import Group
from task_gateway.cli._target import ClusterOption, ContextOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.crds import limit_status, raise_limit, restore
from task_gateway.crds.apply import Change
from task_gateway.crds.ports_policy import NAME
from task_gateway.deferred import rich
from task_gateway.inventory.target import connect
from task_gateway.report import cells

app = typer.Typer(cls=Group, no_args_is_help=True, help=__doc__)
app.command(epilog=_cel.EPILOG)(_cel.cel)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes without making them.")]


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="crds")


@app.command(epilog="Example: task-gateway crds status -o json")
def status(
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Show the listener limits of the CRDs.

    Shows how many listeners each version of the CRDs allows in spec and status, their rules, and the admission
    policies.
    """
    emit(limit_status.state(connect(kubeconfig, context)), output, _state)


@app.command("raise", epilog="Example: task-gateway crds raise --max-listeners 213 --dry-run")
def raise_(
    max_listeners: Annotated[int, typer.Option(help="Number of listeners that one Gateway may have.", min=1)],
    drop_quadratic_rules: Annotated[
        bool,
        typer.Option(
            "--drop-quadratic-rules",
            help="Remove the two CEL rules that limit the number. An admission policy keeps ports unique instead.",
        ),
    ] = False,
    dry_run: DryRun = False,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Raise the listener limit of a Gateway.

    Sets maxItems of the listeners in spec and status of every version of the Gateway CRD, and changes nothing else. A
    number that the API server would reject is rejected before anything is written, with the largest possible number.
    """
    kube = connect(kubeconfig, context)
    emit(raise_limit.raise_to(kube, max_listeners, drop=drop_quadratic_rules, dry_run=dry_run), output, _text)


@app.command("restore", epilog="Example: task-gateway crds restore")
def restore_(
    dry_run: DryRun = False,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Restore the upstream Gateway CRD.

    Restores the CRD of the same release and channel, and removes the admission policy of this project. Fails while a
    Gateway has more listeners than the upstream CRD allows.
    """
    emit(restore.restore(connect(kubeconfig, context), dry_run=dry_run), output, _text)


def _text(change: Change) -> str:
    lines = [change.diff] if change.diff else []
    if change.ports_policy:
        lines.append(f"policy {NAME}: {'would be ' if change.dry_run else ''}{change.ports_policy}")
    lines += [f"note: {note}" for note in change.notes]
    if not change.changed:
        return "\n".join([*lines, f"{change.crd}: unchanged"])
    return "\n".join([*lines, f"{change.crd}: {'would be changed (dry run)' if change.dry_run else 'changed'}"])


def _state(state: limit_status.State) -> "rich.console.Group":
    table = rich.table.Table("CRD", "BUNDLE", "VERSION", "SPEC", "STATUS", "QUADRATIC RULES", box=None, pad_edge=False)
    for crd in state.crds:
        for each in crd.versions:
            bounds = (
                "unbounded" if bound is None else str(bound) for bound in (each.spec_max_items, each.status_max_items)
            )
            rules = str(each.quadratic_rules) if each.quadratic_rules else "dropped"
            table.add_row(*cells.cells([crd.crd, f"{crd.bundle} {crd.channel}", each.version, *bounds, rules]))
    policies = {NAME: state.ports_policy, limit_status.SAFE_UPGRADES: state.safe_upgrades_policy}
    lines = [f"policy {name}: {'installed' if there else 'not installed'}" for name, there in policies.items()]
    return rich.console.Group(table, "", *lines)
