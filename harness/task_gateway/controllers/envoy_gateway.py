"""Envoy Gateway, the controller that the chart installs by default."""

from task_gateway.controllers.base import BenchPlan, Controller, declare

OWNING = "gateway.envoyproxy.io/owning-gateway"

ENVOY_GATEWAY = declare(
    Controller(
        name="envoy-gateway",
        title="Envoy Gateway",
        class_prefix="gateway.envoyproxy.io/",
        default=True,
        # Administration, metrics, readiness and shutdown of its proxy.
        reserved_ports=frozenset(range(19000, 19004)),
        labels="control-plane=envoy-gateway",
        process="envoy-gateway server",
        # It may create the proxy in its own namespace; the second label has that of the Gateway.
        proxy_labels=(f"{OWNING}-name", f"{OWNING}-namespace"),
        # If the EnvoyProxy of the class has mergeGateways: true.
        class_label=f"{OWNING}class",
        image="envoyproxy/gateway",
        # It reports endpoints that are not ready as draining. Without another one, Envoy connects to them ("panic").
        readiness_policy="gateway.envoyproxy.io/v1alpha1/BackendTrafficPolicy",
        tested=(1, 9),
        # With older CRDs it skips TCPRoutes and reports nothing.
        gateway_api=(1, 6),
        pod_annotations="envoy-gateway.deployment.pod.annotations",
        bench=BenchPlan(goals={63: 0.3, 1000: 0.7}, operator_goals={63: 0.06, 1000: 0.33}),
    )
)
