"""Reads the listener limits of a cluster: maxItems and rules of the CRDs, and the admission policies for them."""

from dataclasses import dataclass

from task_gateway.crds import edit, ports_policy, schema
from task_gateway.errors import NotFound
from task_gateway.kube.client import Kube
from task_gateway.model import Manifest

SAFE_UPGRADES = "safe-upgrades.gateway.networking.k8s.io"
CRDS = (schema.GATEWAYS, schema.LISTENER_SETS)


@dataclass(frozen=True)
class VersionState:
    """A version of a CRD: maxItems of its listeners (None: no limit) and its number of quadratic rules (0: dropped)."""

    version: str
    served: bool
    spec_max_items: int | None
    status_max_items: int | None
    quadratic_rules: int


@dataclass(frozen=True)
class CrdState:
    """A CRD: the bundle and channel in its annotations, and the Helm release that it belongs to, if any."""

    crd: str
    bundle: str
    channel: str
    helm_release: str | None
    versions: tuple[VersionState, ...]


@dataclass(frozen=True)
class State:
    """The installed CRDs with listeners; whether our policy on ports and Gateway API's on upgrades are installed."""

    crds: tuple[CrdState, ...]
    ports_policy: bool
    safe_upgrades_policy: bool


def state(kube: Kube) -> State:
    """Read the CRDs Gateway and ListenerSet, the latter if it is installed; NotFound without the former."""
    found = [gateways(kube), *_others(kube)]
    safe = ports_policy.exists(kube, ports_policy.POLICY, SAFE_UPGRADES)
    return State(tuple(map(_state_of, found)), ports_policy.present(kube), safe)


def gateways(kube: Kube) -> Manifest:
    """Return the live Gateway CRD; NotFound, with a command that installs it, if there is none."""
    try:
        return kube.get(schema.KIND, schema.GATEWAYS)
    except NotFound as problem:
        raise NotFound(
            "Gateway API is not installed in this cluster",
            status=problem.status,
            where=f"{kube.server}, {schema.GATEWAYS}",
            hint="make charts; helm install gateway-api-crds dist/gateway-api-crds-*.tgz",
        ) from None


def _others(kube: Kube) -> list[Manifest]:
    return [kube.get(schema.KIND, name) for name in CRDS[1:] if ports_policy.exists(kube, schema.KIND, name)]


def _state_of(crd: Manifest) -> CrdState:
    served = schema.served(crd)
    versions = tuple(
        VersionState(
            version,
            version in served,
            schema.max_items(crd, version, schema.SPEC_LISTENERS),
            schema.max_items(crd, version, schema.STATUS_LISTENERS),
            edit.quadratic_rules(crd, version),
        )
        for version in schema.versions(crd)
    )
    return CrdState(crd["metadata"]["name"], *schema.bundle(crd), edit.helm_release(crd), versions)
