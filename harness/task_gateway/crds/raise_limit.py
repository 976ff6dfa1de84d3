"""Raises the number of listeners that a cluster allows: in spec and status of every version, and nothing else.

Dry runs come first. If the API server would refuse a step, nothing is written.
"""

from task_gateway.crds import edit, ports_policy, probe, propagation, schema
from task_gateway.crds.apply import Change, apply, explained, notes, preview, refuse_above
from task_gateway.crds.limit_status import gateways
from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

DROP = "--drop-quadratic-rules"
GIVES_UP = (
    "an admission policy then rejects listeners with equal port, protocol and hostname, instead of the CRD; "
    "names stay unique by the key of the list"
)
UNGUARDED = f"nothing keeps the ports of a Gateway unique: {DROP} adds the policy that does"


def raise_to(kube: Kube, number: int, *, drop: bool = False, dry_run: bool = False) -> Change:
    """Allow `number` listeners in a Gateway. With `drop`, replace the quadratic rules with our policy.

    Nothing is written before an error: UsageError, with the largest number possible, if the API server would refuse
    this one; TaskGatewayError if Gateways have more listeners; Conflict if another client wrote the CRD meanwhile.
    """
    if number < 1:
        raise UsageError(f"a Gateway has at least one listener, not {number}")
    live = gateways(kube)
    allowed = edit.allowed(live)
    if allowed is None or number < allowed:
        refuse_above(kube, live, number)
    wanted = edit.raised(live, number, drop=drop)
    shown = ""
    if wanted != live:
        _refuse_cost(kube, wanted, number, drop)
        shown = preview(kube, live, wanted)
    guarded = ports_policy.present(kube)
    add = drop and not guarded
    if add:
        ports_policy.apply(kube, dry_run=True)
    if not dry_run:
        if add:
            ports_policy.apply(kube)  # before the rules are removed
        if shown:
            apply(kube, live, wanted)
    bare = not edit.has_quadratic_rules(wanted)
    values = f"--set gateways.maxListeners={number}"
    values += ",gateways.dropQuadraticRules=true --take-ownership" if bare else ""
    said = notes(kube, live, f"is rejected unless its values set the same: {values}") if shown else []
    if (
        shown
        and not dry_run
        and allowed is not None
        and number > allowed
        and not propagation.accepts(kube, allowed + 1)
    ):
        said.append(f"after {propagation.PROPAGATED.seconds:g} s the API server does not apply the change yet")
    if bare and not (drop or guarded):
        said.append(UNGUARDED)
    return Change(schema.GATEWAYS, dry_run, shown, "added" if add else "", tuple(said))


def _refuse_cost(kube: Kube, wanted: Manifest, number: int, drop: bool) -> None:
    with explained():
        refusal = probe.ask(kube, wanted, schema.SPEC_LISTENERS, number)
    if refusal is None:
        return
    largest = probe.largest(kube, wanted, schema.SPEC_LISTENERS).accepted
    command = f"task-gateway crds raise --max-listeners {largest}{f' {DROP}' if drop else ''}"
    more = f"; or {DROP}: {GIVES_UP}" if edit.has_quadratic_rules(wanted) else ""
    raise UsageError(
        f"the API server accepts at most {largest} listeners in this CRD, not {number}: a rule would cost too much",
        where=f"{kube.server}, {schema.GATEWAYS}, {refusal.rule}",
        hint=command + more,
    )
