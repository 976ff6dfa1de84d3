"""The gateway controllers that the chart installs: the values of each, what it runs on, and how its pods are found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from task_gateway.deferred import tarfile, yaml
from task_gateway.errors import UsageError

ENVOY_GATEWAY, CONTOUR = "envoy-gateway", "contour"
OWNING_NAMESPACE = "gateway.envoyproxy.io/owning-gateway-namespace"
"""Envoy Gateway makes a Gateway's Services and Deployments in its own namespace: this label has the Gateway's."""
OWNING_CLASS = "gateway.envoyproxy.io/owning-gatewayclass"
"""Of an Envoy for all Gateways of a class: `mergeGateways: true` of the EnvoyProxy that the class refers to."""


@dataclass(frozen=True)
class Controller:
    """One controller: the values file that the chart has for it, and the channel of the CRDs that it runs on.

    `labels` are on its own Deployment and pods, `process` matches its command line, and `proxy_labels` are on Envoy's
    Deployment and pods: their values are the name and the namespace of the Gateway, as far as there are two. Instead of
    them, an Envoy that all Gateways of a class share has `class_label`, whose value is the name of the class.
    """

    name: str
    labels: str
    process: str
    proxy_labels: tuple[str, ...]
    class_label: str = ""
    channel: str = "standard"
    values_file: str = ""

    def proxies(self, gateway: str, namespace: str) -> str:
        """Return the labels of Envoy's Deployment and pods of one Gateway."""
        return ",".join(f"{key}={value}" for key, value in zip(self.proxy_labels, (gateway, namespace), strict=False))

    def selectors(self, gateway: str, namespace: str, gateway_class: str) -> tuple[str, ...]:
        """Return the labels to look for Envoy's objects by, in this order: of the Gateway, then of its whole class."""
        shared = (f"{self.class_label}={gateway_class}",) if self.class_label and gateway_class else ()
        return (self.proxies(gateway, namespace), *shared)

    def values(self, chart: Path) -> dict[str, Any]:
        """Return the values that make a packaged chart install this controller."""
        if not self.values_file:
            return {}
        found: dict[str, Any] = yaml.safe_load(packaged(chart, self.values_file))
        return found

    def task_ports(self, first: int, count: int) -> dict[str, Any]:
        """Return the values with which the ports of tasks that bring their own listeners lead to Envoy."""
        return {"contour": {"ports": {"start": first, "count": count}}} if self.name == CONTOUR else {}

    @property
    def one_pod(self) -> Mapping[str, Any]:
        """The values with which the controller is one pod, as Envoy Gateway is: its own file may ask for more."""
        return {"contour": {"replicas": 1}} if self.name == CONTOUR else {}

    @property
    def crds(self) -> Mapping[str, Any]:
        """The values of the CRDs' chart."""
        return {"channel": self.channel}


CONTROLLERS = {
    each.name: each
    for each in (
        Controller(
            ENVOY_GATEWAY,
            labels="control-plane=envoy-gateway",
            process="envoy-gateway server",
            proxy_labels=("gateway.envoyproxy.io/owning-gateway-name", OWNING_NAMESPACE),
            class_label=OWNING_CLASS,
        ),
        Controller(
            CONTOUR,
            labels="app=contour",
            process="contour serve",
            proxy_labels=("gateway.networking.k8s.io/gateway-name",),
            channel="experimental",
            values_file="contour.yaml",
        ),
    )
}


def named(name: str) -> Controller:
    """Return the controller of that name; UsageError with the known ones."""
    try:
        return CONTROLLERS[name]
    except KeyError:
        raise UsageError(f"no controller is called {name!r}", hint=f"known: {', '.join(CONTROLLERS)}") from None


def packaged(chart: Path, name: str) -> str:
    """Return a file of a packaged chart; FileNotFoundError if it has none of that name."""
    with tarfile.open(chart) as package:
        for member in package.getmembers():
            folder, _, rest = member.name.partition("/")
            content = package.extractfile(member) if folder and rest == name else None
            if content is not None:
                return content.read().decode()
    raise FileNotFoundError(2, f"the chart has no {name}", str(chart))
