"""Raise and measure the listener limit of CRDs."""

from typing import Annotated

import typer

from task_gateway.cli import _cel
from task_gateway.cli._target import ClusterOption, ContextOption
from task_gateway.cli.output import Output, OutputOption, emit
from task_gateway.crds import raised, raising, restore
from task_gateway.crds.edit_live import Change
from task_gateway.crds.ports_policy import NAME
from task_gateway.deferred import rich
from task_gateway.inventory.target import connect
from task_gateway.report import cells

app = typer.Typer(no_args_is_help=True, help=__doc__)
app.command(epilog=_cel.EPILOG)(_cel.cel)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]


def register(root: typer.Typer) -> None:
    """Add the group to the program."""
    root.add_typer(app, name="crds")


@app.command(epilog="Example: task-gateway crds status -o json")
def status(
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Show how many listeners each version of the CRDs allows in spec and status, and the rules and policies."""
    emit(raised.state(connect(kubeconfig, context)), output, _state)


@app.command("raise", epilog="Example: task-gateway crds raise --max-listeners 213 --dry-run")
def raise_(
    max_listeners: Annotated[int, typer.Option(help="Listeners that one Gateway may have.", min=1)],
    drop_quadratic_rules: Annotated[
        bool,
        typer.Option(
            "--drop-quadratic-rules",
            help="Leave out the two CEL rules that bound the number; an admission policy keeps ports apart.",
        ),
    ] = False,
    dry_run: DryRun = False,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Allow more listeners in a Gateway: in spec and status of every version, and nothing else changes.

    What the API server would refuse is refused before anything is written, with the largest number that works.
    """
    kube = connect(kubeconfig, context)
    emit(raising.raise_to(kube, max_listeners, drop=drop_quadratic_rules, dry_run=dry_run), output, _text)


@app.command("restore", epilog="Example: task-gateway crds restore")
def restore_(
    dry_run: DryRun = False,
    kubeconfig: ClusterOption = None,
    context: ContextOption = None,
    output: OutputOption = Output.text,
) -> None:
    """Put upstream's Gateway CRD back, of the same release and channel, and remove our policy.

    Refused while a Gateway has more listeners than upstream allows.
    """
    emit(restore.restore(connect(kubeconfig, context), dry_run=dry_run), output, _text)


def _text(change: Change) -> str:
    lines = [change.diff] if change.diff else []
    if change.ports_policy:
        lines.append(f"policy {NAME}: {'to be ' if change.dry_run else ''}{change.ports_policy}")
    lines += [f"note: {note}" for note in change.notes]
    if not change.changed:
        return "\n".join([*lines, f"{change.crd}: nothing to do"])
    return "\n".join([*lines, f"{change.crd}: {'nothing was changed, a dry run' if change.dry_run else 'changed'}"])


def _state(state: raised.State) -> "rich.console.Group":
    table = rich.table.Table("CRD", "BUNDLE", "VERSION", "SPEC", "STATUS", "QUADRATIC RULES", box=None, pad_edge=False)
    for crd in state.crds:
        for each in crd.versions:
            bounds = (
                "unbounded" if bound is None else str(bound) for bound in (each.spec_max_items, each.status_max_items)
            )
            rules = str(each.quadratic_rules) if each.quadratic_rules else "dropped"
            table.add_row(*cells.cells([crd.crd, f"{crd.bundle} {crd.channel}", each.version, *bounds, rules]))
    policies = {NAME: state.ports_policy, raised.SAFE_UPGRADES: state.safe_upgrades_policy}
    lines = [f"policy {name}: {'installed' if there else 'not installed'}" for name, there in policies.items()]
    return rich.console.Group(table, "", *lines)
